import Operations
import Tensors

/// Isotropic merging in the common subspace (Marczak et al. 2025).
struct IsoC: SpectralMerge {
  static let about = About(
    "iso_c",
    "Merge models so that each direction of their summed change counts the same.",
    discussion: """
      For each matrix, with Σₖ τₖ = U S Vᵀ: θ = θ₀ + λ · mean(S) · U Vᵀ. Other tensors become θ₀ + λ · mean τ. As \
      FusionBench has it, λ = 1 by default. Directions that no model has moved along (those whose singular values \
      are of rounding alone) stay as they are, and count in mean(S).
      """,
    papers: [.init("Marczak et al. 2025, No Task Left Behind: Isotropic Model Merging", arXiv: "2502.04959")],
    cost: "O(entries × lesser side) for each matrix; a few matrices in memory, in float64",
    examples: [Example("Two fine-tunes", "iso_c(base:, models: [a, b])")])

  static let version = 2

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("What the merged change is multiplied by, λ.")
  var scale: Layered<Double> = 1
  @Param("Patterns of matrices that are averaged like other tensors.")
  var exclude: [String] = []

  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName, _ read: TensorReader) throws -> DoubleMatrix {
    let found = try singularValues(sum(changes), tensor)
    let mean = found.values.reduce(0, +) / Double(found.values.count)
    return mean * found.polarFactor
  }

  /// The sum while it is decomposed; then the vectors, without what rounding made of them, and two products.
  func workspace(rows: Int, columns: Int) -> Int {
    let (matrix, vectors) = (rows * columns, (rows + columns) * min(rows, columns))
    return max(8 * matrix + SingularValues.byteCount(rows: rows, columns: columns), 16 * (vectors + matrix))
  }
}
