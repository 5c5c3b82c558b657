import Operations
import Tensors

/// Isotropic merging in the common subspace (Marczak et al. 2025).
struct IsoC: SpectralMerge {
  static let about = About(
    "iso_c",
    "Merge models so that each direction of their summed change counts the same.",
    discussion: """
      For each matrix, with Σₖ τₖ = U S Vᵀ: θ = θ₀ + λ · mean(S) · U Vᵀ. Other tensors become θ₀ + λ · mean τ. As \
      FusionBench has it, λ = 1 by default.
      """,
    papers: [.init("Marczak et al. 2025, No Task Left Behind: Isotropic Model Merging", arXiv: "2502.04959")],
    cost: "O(entries × lesser side) for each matrix; one matrix in memory, in float64",
    examples: [Example("Two fine-tunes", "iso_c(base:, models: [a, b])")])

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("What the merged change is multiplied by, λ.")
  var scale: Layered<Double> = 1
  @Param("Patterns of matrices that are averaged like other tensors.")
  var exclude: [String] = []

  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName) throws -> DoubleMatrix {
    let found = try singularValues(sum(changes), tensor)
    let mean = found.values.reduce(0, +) / Double(found.values.count)
    return mean * found.polarFactor
  }
}
