import Foundation
import Operations
import Tensors

/// The Riemannian centre of mass of the models' directions on the sphere, at the mean of their lengths (Karcher 1977), as
/// mergekit iterates it.
struct Karcher: LinearOperation {
  static let about = About(
    "karcher",
    "Merge models by the mean of their directions on the sphere.",
    discussion: """
      With all entries of a tensor as one vector, the directions uₖ = xₖ/‖xₖ‖ have a point u on the sphere whose summed \
      squared angles to them are least. It is found by going from their normalised sum along the mean of the tangents \
      θₖ/sin θₖ (uₖ − cos θₖ u), θₖ being the angle to u, until that mean is shorter than `tolerance`. The result is u \
      times the mean of the lengths. Tensors no longer than `tolerance` have no direction, but count in the mean \
      length. This is mergekit's `karcher`.
      """,
    papers: [.init("Karcher 1977, Riemannian center of mass and mollifier smoothing")],
    cost: "O(models² × entries), each tensor read twice; no tensor in memory",
    examples: [
      Example("Three models", "karcher([a, b, c])"),
      Example("To the last figure", "karcher([a, b], iterations: 100, tolerance: 1e-9)"),
    ])

  static let version = 2

  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("The most steps towards the mean.", in: 1...100_000)
  var iterations: Int = 10
  @Param("Where a step is as short as this the mean is found; no direction is taken from shorter tensors.", in: 0...1)
  var tolerance: Double = 1e-5
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum {
    let gram = try read.gram(models)
    let vectors = gram.vectors
    let norms = vectors.indices.map(gram.norm)
    let length = norms.reduce(0, +) / Double(models.count)
    let directions = zip(vectors, norms).filter { $0.1 > tolerance }.map { 1 / $0.1 * $0.0 }
    let mean = directions.isEmpty ? gram.zero : mean(of: directions, zero: gram.zero)
    return LinearSum(models, weights: mean.weights.map { length * $0 })
  }

  private func mean(of directions: [SpanVector], zero: SpanVector) -> SpanVector {
    let shares = directions.map { _ in 1 / Double(directions.count) }
    var mean = SpanVector.sum(directions, weights: shares, zero: zero)
    mean = mean.norm < tolerance || mean.norm == 0 ? directions[0] : 1 / mean.norm * mean
    for _ in 0..<iterations {
      var tangent = zero
      for (direction, share) in zip(directions, shares) {
        let cosine = min(1, max(-1, mean.dot(direction)))
        let angle = acos(cosine)
        // An opposite direction has no tangent of its own.
        guard angle >= max(tolerance, 1e-12), sin(angle) > 0 else { continue }
        tangent = tangent + share * angle / sin(angle) * (direction - cosine * mean)
      }
      let step = tangent.norm
      guard step >= tolerance, step > 0 else { break }
      mean = cos(step) * mean + sin(step) / step * tangent
      mean = 1 / mean.norm * mean
    }
    return mean
  }
}
