import Diagnostics
import Tensors

extension Dataset {
  /// The tensor of all features, (examples, features), float32.
  public static let featuresName = "features"
  /// The tensor of all labels, (examples), whole numbers from 0.
  public static let labelsName = "labels"

  /// How many examples, features and classes it has, from its header alone.
  /// - Throws: `OperationError` where it has no features or no labels.
  public func labelledSize() throws -> (examples: Int, features: Int, classes: Int) {
    guard let features = content.entry(Self.featuresName), features.shape.rank == 2 else {
      throw OperationError(.data, "`\(label)` has no columns of numbers to predict from")
    }
    return (features.shape[0], features.shape[1], try classCount())
  }

  private func classCount() throws -> Int {
    guard content.entry(Self.labelsName) != nil, let classes = content.facts["classes"]?.integer else {
      throw OperationError(
        .data, "`\(label)` has no labels", helps: ["say which column holds them: `dataset(…, label: \"…\")`"])
    }
    return classes
  }

  /// (examples, features), float32.
  public func features() throws -> Tensor { try content.finiteTensor(Self.featuresName) }

  /// The class of each example.
  public func labels() throws -> [Int] {
    let classes = try classCount()
    let labels = try content.tensor(Self.labelsName).integers
    guard let stray = labels.first(where: { !(0..<classes).contains($0) }) else { return labels }
    throw OperationError(.corrupt, "`\(label)` has the label \(stray), and \(classes) classes")
  }
}
