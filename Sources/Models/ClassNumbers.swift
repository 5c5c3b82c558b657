import Diagnostics
import Formats
import Networks
import Operations

/// Which of a model's classes each class of a dataset is.
///
/// Where both give their classes names, they are the same by name, whatever their order; else by number. A model's `LABEL_0` is no
/// name.
public struct ClassNumbers: Sendable {
  private let numbers: [Int]

  public subscript(_ label: Int) -> Int { numbers[label] }

  /// - Throws: `OperationError` where the model's head has no class for one of the dataset's.
  public init(of data: Dataset, for model: RunnableModel) throws {
    let count = data.content.facts["classes"]?.integer ?? 0
    let known: Int
    switch model.blueprint.head {
    case .classification(let classes), .tokenClassification(let classes): known = classes
    case .causalLanguageModel, .maskedLanguageModel, .none: preconditionFailure("a head without classes has no numbers")
    }
    let own = Self.names(model)
    if let own, let names = data.content.facts["class_names"]?.array?.compactMap(\.string), names.count == count {
      let exact = Dictionary(own.enumerated().map { ($1, $0) }) { first, _ in first }
      let loose = Dictionary(own.enumerated().map { ($1.lowercased(), $0) }) { first, _ in first }
      numbers = try names.map { name in
        guard let number = exact[name] ?? loose[name.lowercased()] else {
          throw OperationError(
            .data, "`\(data.label)` has the class `\(name)`, and `\(model.label)` knows none of that name",
            notes: ["it knows \(Self.list(own))"],
            helps: NearestName.of(name, among: own).map { ["did you mean `\($0)`?"] } ?? [])
        }
        return number
      }
      return
    }
    guard count <= known else {
      throw OperationError(.data, "`\(data.label)` has \(count) classes, and `\(model.label)` tells \(known) apart")
    }
    numbers = Array(0..<count)
  }

  /// What a model calls its classes, in order; nil where it only numbers them.
  public static func names(_ model: RunnableModel) -> [String]? {
    guard let members = model.blueprint.config.json["id2label"]?.object else { return nil }
    let names = members.compactMap { member in
      Int(member.name).flatMap { number in member.value.string.map { (number, $0) } }
    }
    .sorted { $0.0 < $1.0 }
    guard names.map(\.0) == Array(0..<members.count), names.contains(where: { $0.1 != "LABEL_\($0.0)" }) else {
      return nil
    }
    return names.map(\.1)
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
    return names.count > 8 ? shown + " and \(names.count - 8) more" : shown
  }
}
