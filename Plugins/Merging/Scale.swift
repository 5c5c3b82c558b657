import Operations
import Tensors

/// A difference times a number: `δ' = s δ`. Recipes write `0.4 * delta`.
struct Scale: LinearOperation {
  typealias Output = Delta

  static let about = About(
    "scale",
    "Multiply a difference by a number.",
    discussion: "δ' = s δ, entry by entry, in float32. Recipes write `0.4 * delta`.",
    cost: "O(entries); one tensor in memory at a time",
    examples: [Example("The other way round", "scale(delta, by: -1)")])

  static let version = 2

  @Input("What to multiply.")
  var delta: Delta
  @Param("The number to multiply by.")
  var by: Layered<Double>

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum([delta], weights: [by(tensor)])
  }
}

extension Scale: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    try read(delta).floats.map { Double(Float(by(tensor)) * $0) }
  }
}
