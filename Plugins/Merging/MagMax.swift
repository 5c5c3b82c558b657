import Operations
import Tensors

/// Keeps of each entry the largest change (Marczak et al. 2024, MagMax).
struct MagMax: TensorwiseOperation {
  static let about = About(
    "magmax",
    "Merge models by the largest change of each entry.",
    discussion: """
      θ = θ₀ + λ τ, where τ is, entry by entry, the task vector θₖ − θ₀ of largest magnitude; of equal ones the last \
      model's. FusionBench's `magmax` has λ = 0.5 by default.
      """,
    papers: [.init("Marczak et al. 2024, MagMax", arXiv: "2407.06322")],
    cost: "O(models × entries); one tensor in memory at a time",
    examples: [Example("Three fine-tunes", "magmax([a, b, c], base:)")])

  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Input("What they were tuned from.")
  var base: Checkpoint
  @Param("What the chosen changes are multiplied by, λ.")
  var scale: Layered<Double> = 1

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    try Tensor.largest(models.map { try read($0) }, from: read(base), scale: scale(tensor))
  }
}

extension MagMax: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let (models, base) = (try models.map { try read($0).doubles }, try read(base).doubles)
    return base.indices.map { entry in
      let changes = models.map { $0[entry] - base[entry] }
      let greatest = changes.map(\.magnitude).max() ?? 0
      return base[entry] + scale(tensor) * (changes.last { $0.magnitude == greatest } ?? 0)
    }
  }
}
