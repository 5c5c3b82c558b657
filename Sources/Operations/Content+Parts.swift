import Formats

/// Models of several parts: what sees, what writes, and what joins them.
extension Content {
  /// The part of each tensor: as its family calls it, else what the names of its stack of layers begin with. All tensors of a
  /// model with one stack are of one part.
  private var partNames: [String] {
    let names = tensors.map(\.name)
    if let family = ModelFamily.known(config: facts, tensors: names) {
      return names.map { family.parts[family.part(of: $0) ?? 0].name }
    }
    let stacks = TensorName.all(names).map(\.stack)
    let distinct = Set(stacks.compactMap { $0 })
    guard distinct.count > 1 else { return names.map { _ in "model" } }
    return zip(names, stacks).map { name, stack in
      stack ?? distinct.filter { name.hasPrefix($0 + ".") }.max { $0.count < $1.count } ?? "default"
    }
  }

  /// The parts that it has tensors of, in the order of their first.
  public var parts: [String] {
    partNames.reduce(into: []) { parts, name in if !parts.contains(name) { parts.append(name) } }
  }

  /// One of its parts alone, with the configuration and files of the whole. Nothing is read.
  public func taking(part: String) -> Content {
    var result = self
    result.tensors = zip(tensors, partNames).filter { $0.1 == part }.map(\.0)
    return result
  }

  /// The parts of one model that were made apart; of equal names the first counts. Configuration and files are the first's; how many layers a part has, it says
  /// itself. Nothing is read.
  public static func joining(_ contents: [Content]) -> Content {
    guard var result = contents.first else { preconditionFailure("there is nothing to join") }
    var seen: Set<String> = []
    result.tensors = contents.flatMap(\.tensors).filter { seen.insert($0.name).inserted }
    result.facts = contents.dropFirst().reduce(result.facts) { LayerFacts($1).stated(in: $0) }
    return result
  }
}
