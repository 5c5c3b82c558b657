import Operations
import Tensors

/// A model with a difference added to it: `θ = base + δ`. Recipes write `base + delta`.
struct Add: LinearOperation {
  static let about = About(
    "add",
    "Add a difference to a model.",
    discussion: "θ = base + δ, entry by entry, rounded to the base's dtypes. Recipes write `base + delta`.",
    papers: [.init("Ilharco et al. 2023, Editing Models with Task Arithmetic", arXiv: "2212.04089")],
    cost: "O(entries); one tensor in memory at a time",
    examples: [Example("Half of what fine-tuning added", "add(base:, delta: scale(subtract(a, b: base), by: 0.5))")])

  @Input("The model to add to.")
  var base: Checkpoint
  @Input("What to add.")
  var delta: Delta

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum([.init(1, base), .init(1, delta)])
  }
}

extension Add: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    zip(try read(base).doubles, try read(delta).doubles).map { $0 + $1 }
  }
}
