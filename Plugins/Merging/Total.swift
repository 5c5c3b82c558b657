import Operations
import Tensors

/// The sum of differences: `δ = Σₖ δₖ`. Recipes write `delta + delta`.
struct Total: LinearOperation {
  typealias Output = Delta

  static let about = About(
    "total",
    "Add differences up.",
    discussion: "δ = Σₖ δₖ, entry by entry, in float32. Recipes write `delta + delta`.",
    cost: "O(deltas × entries); one tensor in memory at a time",
    examples: [Example("Two task vectors", "total([subtract(a, b: base), subtract(b, b: base)])")])

  static let version = 2

  @Input("What to add up.", count: 1...)
  var deltas: [Delta]

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum(deltas, weights: deltas.map { _ in 1 })
  }
}

extension Total: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let deltas = try deltas.map { try read($0).floats }
    return deltas[0].indices.map { entry in Double(deltas.reduce(0) { $0 + $1[entry] }) }
  }
}
