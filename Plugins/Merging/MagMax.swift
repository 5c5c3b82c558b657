import Operations
import Tensors

/// Of each entry, the task vector that moved farthest from the base: `θ = θ₀ + λ δₘ`, m the k of largest `|δₖ|` (Marczak et
/// al. 2024).
struct MagMax: StreamedTaskVectorMerge {
  static let about = About(
    "magmax",
    "Merge models by taking, entry by entry, the change to their common base that is largest.",
    discussion: """
      θ = θ₀ + λ δₘ with δₖ = θₖ − θ₀, where m is the model of largest |δₖ|; of several, the last. `scale` is λ, 0.5 by \
      default as in the paper and in FusionBench.
      """,
    papers: [.init("Marczak et al. 2024, MagMax", arXiv: "2407.06322")],
    cost: "O(models × entries); one tensor in memory at a time",
    examples: [Example("Half of the largest change", "magmax(base:, models: [a, b, c])")])

  static let version = 2

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("What the largest change is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 0.5

  func combination(
    of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader
  ) throws -> TaskVectorCombination {
    electing(vectors, weights: models.map { _ in 1 }, .none, .largest, scale: scale(tensor))
  }
}

extension MagMax: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let vectors = try PlainTaskVectors(self, read)
    return vectors.base.indices.map { entry in
      let largest = vectors.deltas.map { $0[entry] }.reduce(0) { abs($1) >= abs($0) ? $1 : $0 }
      return PlainTaskVectors.moved(vectors.base[entry], by: Float(scale(tensor)) * Float(largest))
    }
  }
}
