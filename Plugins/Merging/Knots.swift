import Operations
import Tensors

/// Model merging with SVD to tie the knots (Stoica et al. 2024): TIES in directions that all models share.
struct Knots: SpectralMerge {
  static let about = About(
    "knots",
    "Merge models by TIES after writing their changes in directions that they share.",
    discussion: """
      For each matrix the changes stand beside one another, [τ₁ … τ_T] = U S Vᵀ, and each model is its block of S Vᵀ; \
      singular values of at most 10⁻⁵ are left out. Of each block the `density` largest entries stay, each place's sign \
      is elected by their sum, and the mean of those that agree is M: θ = θ₀ + λ · U M. Other tensors become θ₀ + λ · mean \
      τ. λ = 0.6 and 20% are the authors'. Their code trims all matrices of a model together and this each by itself, so \
      that one tensor is in memory at a time.
      """,
    papers: [.init("Stoica et al. 2024, Model merging with SVD to tie the Knots", arXiv: "2410.19735")],
    cost: "O(models × entries × lesser side) for each matrix; a few matrices in memory, in float64",
    examples: [Example("Half of each block", "knots(base:, models: [a, b], density: 50%)")])

  static let version = 2

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("Share of each model's block that is kept, largest first.")
  var density: Layered<Fraction> = 0.2
  @Param("What the merged change is multiplied by, λ.")
  var scale: Layered<Double> = 0.6
  @Param("Patterns of matrices that are averaged like other tensors.")
  var exclude: [String] = []

  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName, _ read: TensorReader) throws -> DoubleMatrix {
    let found = try singularValues(.beside(changes), tensor)
    let shared = found.first(found.values.prefix { $0 > 1e-5 }.count)
    guard !shared.values.isEmpty else { return DoubleMatrix(zeros: changes[0].rows, changes[0].columns) }
    let blocks = shared.right.scalingRows(by: shared.values).splitColumns(into: changes.count)
    return shared.left * DoubleMatrix.ties(blocks, keeping: density(tensor).share)
  }

  /// The changes side by side while they are decomposed; then the vectors twice, the blocks twice, and magnitudes, sums and
  /// what is made of them.
  func workspace(rows: Int, columns: Int) -> Int {
    let width = columns * models.count
    let count = min(rows, width)
    let decomposing = 8 * rows * width + SingularValues.byteCount(rows: rows, columns: width)
    return max(decomposing, 8 * (2 * (rows + width) * count + 2 * count * width + 4 * count * columns + rows * columns))
  }

  func decomposedSide(rows: Int, columns: Int) -> Int { min(rows, columns * models.count) }
}
