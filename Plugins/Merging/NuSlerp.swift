import Diagnostics
import Foundation
import Operations
import Tensors

/// Spherical interpolation between two models by their weights, of whole tensors or of their rows or columns, as mergekit
/// defines it.
struct NuSlerp: LinearOperation {
  enum Vectors: String, Choice {
    case tensors, rows, columns

    var text: String {
      switch self {
      case .tensors: "All entries of a tensor are one vector; mergekit's default."
      case .rows: "Each row is one, along the last axis; mergekit's `nuslerp_flatten: false`."
      case .columns: "Each column is one, along the first axis; mergekit's `nuslerp_row_wise: true` with it."
      }
    }
  }

  static let about = About(
    "nuslerp",
    "Merge two models along the arc between them, as far as their weights say.",
    discussion: """
      How far is t = w₂/(w₁ + w₂), or a half where the sum is within 10⁻⁶ of 0. With θ the angle between two vectors v₁ \
      and v₂: (sin((1−t)θ) v₁ + sin(tθ) v₂)/sin θ, and (1−t) v₁ + t v₂ where |sin θ| < 10⁻⁸. With a `base` the vectors \
      are the differences from it, and it is added again. This is mergekit's `nuslerp`; `slerp` goes straight already \
      where |cos θ| > 0.9995.
      """,
    papers: [.init("Shoemake 1985, Animating rotation with quaternion curves")],
    cost: "O(entries), each tensor read twice; a tensor in memory for rows and columns",
    examples: [
      Example("A third of the way", "nuslerp(a:, b:, weights: [2, 1])"),
      Example("Row by row, from a common parent", "nuslerp(a:, b:, base:, vectors: .rows)"),
    ])

  static let version = 2

  @Input("The model where the arc begins.")
  var a: Checkpoint
  @Input("The model where the arc ends.")
  var b: Checkpoint
  @Input("What both come from: then their differences from it are merged.")
  var base: Checkpoint?
  @Param("How much each of the two counts. Equal by default.")
  var weights: [Layered<Double>] = []
  @Param("What is taken for one vector.")
  var vectors: Vectors = .tensors
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws { try weights.checkCount(as: [a, b], "nuslerp") }

  var origin: Checkpoint? { base }

  func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum {
    let shares = try shares(read.gram([a, b], from: base), at: tensor)
    return LinearSum([a, b], weights: shares)
  }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    guard let axis else { return try summed(tensor, read) }
    return try Tensor.combined([read(a), read(b)], from: base.map { try read($0) }, along: axis) {
      shares($0, at: tensor)
    }
  }

  func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    axis == nil ? try summedRuns(tensor, as: dtype, read) : nil
  }

  private var axis: Tensor.VectorAxis? {
    switch vectors {
    case .tensors: nil
    case .rows: .rows
    case .columns: .columns
    }
  }

  /// How much of each of the two vectors the result is.
  private func shares(_ gram: Gram, at tensor: TensorName) -> [Double] {
    let weights = weights.shares(of: 2, at: tensor)
    let total = weights[0] + weights[1]
    let t = abs(total) < 1e-6 ? 0.5 : weights[1] / total
    let cosine = gram[0, 1] / (max(gram.norm(0), 1e-7) * max(gram.norm(1), 1e-7))
    let angle = acos(min(1, max(-1, cosine)))
    guard abs(sin(angle)) >= 1e-8 else { return [1 - t, t] }
    return [sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle)]
  }
}
