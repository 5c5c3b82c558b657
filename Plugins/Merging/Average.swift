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
      θ = Σₖ wₖ θₖ / Σₖ wₖ, in float32; `normalize: false` leaves the division out. mergekit calls this `linear`.
      """,
    papers: [.init("Wortsman et al. 2022, Model soups", arXiv: "2203.05482")],
    cost: "O(models × entries); one tensor in memory at a time",
    examples: [
      Example("Equal shares", "average([a, b, c])"),
      Example("A share that falls with depth", "average([a, b], weights: [gradient([1, 0]), gradient([0, 1])])"),
    ])

  static let version = 2

  @Input("The models to average.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Equal by default.")
  var weights: [Layered<Double>] = []
  @Param("Whether the weights are divided by their sum.")
  var normalize: Bool = true
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws {
    try weights.checkCount(as: models, "average")
    if normalize { try weights.checkSums(over: models[0], "average") }
  }

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum(models, weights: weights.shares(of: models.count, at: tensor), isNormalized: normalize)
  }
}

extension Average: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let models = try models.map { try read($0).floats }
    let weights = weights.isEmpty ? models.map { _ in 1 } : weights.map { Float($0(tensor)) }
    return models[0].indices.map { entry in
      let sum = zip(weights, models).reduce(0) { $0 + $1.0 * $1.1[entry] }
      guard normalize else { return Double(sum) }
      // Copies of a number have it as their average, whatever rounding makes of it.
      let areEqual = models.allSatisfy { $0[entry].bitPattern == models[0][entry].bitPattern }
      return Double(areEqual ? models[0][entry] : sum / weights.reduce(0, +))
    }
  }
}
