import Diagnostics
import Foundation
import Operations
import Tensors

/// Barycentric interpolation of several models on a sphere, in the tangent space at the mean of their directions, as mergekit
/// defines it.
struct MultiSlerp: LinearOperation {
  static let about = About(
    "multislerp",
    "Merge several models along the sphere that they lie on.",
    discussion: """
      With all entries of a tensor as one vector, less the base's where one is given: the directions uₖ = xₖ/(‖xₖ‖ + ε) \
      have a weighted mean m, normalised; their parts across m are averaged, q = Σₖ wₖ (uₖ − (uₖ·m) m), and with α = ‖q‖ \
      + ε the result is (m cos α + q sin α/α) Σₖ wₖ ‖xₖ‖. Two models that cancel are averaged entry by entry; more that \
      cancel are refused. This is mergekit's `multislerp`.
      """,
    cost: "O(models² × entries), each tensor read twice; no tensor in memory",
    examples: [
      Example("Three models", "multislerp([a, b, c], weights: [0.5, 0.3, 0.2])"),
      Example("What three fine-tunes have learnt", "multislerp([a, b, c], base: base)"),
    ])

  static let version = 2

  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Input("What they all come from: then their differences from it are merged.")
  var base: Checkpoint?
  @Param("How much each model counts; one for each, in order. Equal by default.")
  var weights: [Layered<Double>] = []
  @Param("Whether the weights are divided by their sum.")
  var normalize: Bool = true
  @Param("What is added to lengths before anything is divided by them.", in: 0...1)
  var epsilon: Double = 1e-8
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws {
    try weights.checkCount(as: models, "multislerp")
    if normalize { try weights.checkSums(over: models[0], "multislerp") }
  }

  var origin: Checkpoint? { base }

  func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum {
    let shares = weights.shares(of: models.count, at: tensor, areNormalized: normalize)
    guard models.count > 1 else { return LinearSum(models, weights: [1]) }
    let gram = try read.gram(models, from: base)
    return LinearSum(models, weights: try mean(gram, shares, tensor))
  }

  /// How much of each model's vector the result is.
  private func mean(_ gram: Gram, _ shares: [Double], _ tensor: TensorName) throws -> [Double] {
    let vectors = gram.vectors
    let norms = vectors.indices.map(gram.norm)
    guard norms.contains(where: { $0 > 0 }) else { return shares }
    let directions = zip(vectors, norms).map { 1 / max($1 + epsilon, .leastNonzeroMagnitude) * $0 }
    var mean = SpanVector.sum(directions, weights: shares, zero: gram.zero)
    guard mean.norm >= epsilon, mean.norm > 0 else {
      if models.count == 2 { return shares }
      throw OperationError(
        .step, "the directions of the models cancel at `\(tensor)`, so `multislerp` has no mean of them",
        helps: ["other weights move the mean away from nothing", "`karcher` takes the first model's direction then"])
    }
    mean = 1 / mean.norm * mean
    let across = directions.map { $0 - $0.dot(mean) * mean }
    let offset = SpanVector.sum(across, weights: shares, zero: gram.zero)
    let angle = offset.norm + epsilon
    let length = zip(shares, norms).reduce(0) { $0 + $1.0 * $1.1 }
    let turned = angle == 0 ? mean : cos(angle) * mean + sin(angle) / angle * offset
    return turned.weights.map { length * $0 }
  }
}
