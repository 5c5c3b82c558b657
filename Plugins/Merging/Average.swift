import Diagnostics
import Operations
import Tensors

/// The weighted average of models, entry by entry: `θ = Σₖ wₖ θₖ / Σₖ wₖ`, or without normalising `θ = Σₖ wₖ θₖ`.
///
/// What mergekit calls `linear`, and with equal weights a model soup.
struct Average: LinearOperation {
  static let about = About(
    "average",
    "Merge models by averaging them entry by entry.",
    discussion: """
      θ = Σₖ wₖ θₖ / Σₖ wₖ, in float64 and rounded once; `normalize: false` leaves the division out. mergekit calls \
      this `linear`.
      """,
    papers: [.init("Wortsman et al. 2022, Model soups", arXiv: "2203.05482")],
    cost: "O(models × entries); one tensor in memory at a time",
    examples: [
      Example("Equal shares", "average([a, b, c])"),
      Example("A share that falls with depth", "average([a, b], weights: [gradient([1, 0]), gradient([0, 1])])"),
    ])

  @Input("The models to average.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Equal by default.")
  var weights: [Layered<Double>] = []
  @Param("Whether the weights are divided by their sum.")
  var normalize: Bool = true

  func check() throws {
    try weights.checkCount(as: models, "average")
    guard normalize, !weights.isEmpty else { return }
    for name in TensorName.all(models[0].content) where weights.map({ $0(name) }).reduce(0, +) == 0 {
      throw OperationError(
        .step, "the weights of `average` sum to 0 at `\(name)`, so nothing can be divided by their sum",
        helps: ["`normalize: false` leaves the division out"])
    }
  }

  func terms(_ tensor: TensorName, _ read: TensorReader) -> [Term] {
    zip(shares(at: tensor), models).map { Term($0, $1) }
  }

  private func shares(at tensor: TensorName) -> [Double] {
    let weights = weights.isEmpty ? models.map { _ in 1 } : weights.map { $0(tensor) }
    guard normalize else { return weights }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }
}

extension Average: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let models = try models.map { try read($0).doubles }
    let weights = weights.isEmpty ? models.map { _ in 1 } : weights.map { $0(tensor) }
    return models[0].indices.map { entry in
      let sum = zip(weights, models).reduce(0) { $0 + $1.0 * $1.1[entry] }
      return normalize ? sum / weights.reduce(0, +) : sum
    }
  }
}

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
