import Diagnostics
import Operations

extension Array {
  /// Checks that there is one weight for each model, or none at all.
  func checkCount(as models: [some Artifact], _ operation: String) throws {
    guard isEmpty || count == models.count else {
      throw OperationError(
        .step, "`\(operation)` has \(models.count) models and \(count) \(count == 1 ? "weight" : "weights")",
        helps: ["give one weight for each model, in order, or none: then all count the same"])
    }
  }
}

extension [Layered<Double>] {
  /// How much each model counts at a tensor: its weight, or 1 where there are none; divided by their sum if asked.
  func shares(of models: Int, at tensor: TensorName, areNormalized: Bool = false) -> [Double] {
    let weights = isEmpty ? [Double](repeating: 1, count: models) : map { $0(tensor) }
    guard areNormalized else { return weights }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// Checks that the weights can be divided by their sum at each tensor of a model.
  func checkSums(over model: Checkpoint, _ operation: String) throws {
    guard !isEmpty else { return }
    for name in TensorName.all(model.content) where map({ $0(name) }).reduce(0, +) == 0 {
      throw OperationError(
        .step, "the weights of `\(operation)` sum to 0 at `\(name)`, so nothing can be divided by their sum",
        helps: ["`normalize: false` leaves the division out"])
    }
  }
}
