import Operations
import Tensors

/// What one model adds to another: `δ = a − b`. Recipes write `a - b`.
struct Subtract: LinearOperation {
  typealias Output = Delta

  static let about = About(
    "subtract",
    "Make the difference of two models: a task vector, where the second is the base of the first.",
    discussion: "δ = a − b, entry by entry, in float32. Recipes write `a - b`.",
    papers: [.init("Ilharco et al. 2023, Editing Models with Task Arithmetic", arXiv: "2212.04089")],
    cost: "O(entries); one tensor in memory at a time",
    examples: [Example("What fine-tuning added", "subtract(a, b: base)")])

  @Input("The model to subtract from.")
  var a: Checkpoint
  @Input("The model to subtract.")
  var b: Checkpoint

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum([a, b], weights: [1, -1])
  }
}

extension Subtract: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    zip(try read(a).doubles, try read(b).doubles).map { $0 - $1 }
  }
}
