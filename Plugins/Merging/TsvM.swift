import Operations
import Tensors

/// Merging by task singular vectors (Gargiulo et al. 2025).
struct TsvM: SpectralMerge {
  static let about = About(
    "tsv_m",
    "Merge the strongest directions of each model's change, made independent of one another.",
    discussion: """
      For each matrix with lesser side m and T models: the first m/T singular vectors and values of every τₖ are put \
      together, left and right vectors made orthonormal by their polar factors, and the change is U · diag(S) · Vᵀ. Other \
      tensors, and matrices with m < T, become θ₀ + λ · mean τ. As FusionBench has it, λ = 1 by default. Directions whose \
      singular values are of rounding alone are left out, so a model that is given twice counts once.
      """,
    papers: [.init("Gargiulo et al. 2025, Task Singular Vectors", arXiv: "2412.00081")],
    cost: "O(models × entries × lesser side) for each matrix; a few matrices in memory, in float64",
    examples: [Example("Two fine-tunes", "tsv_m(base:, models: [a, b])")])

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
    // Rounded down as the reference does it, which can lose one.
    let own = Int(Double(min(changes[0].rows, changes[0].columns)) * (1 / Double(changes.count)))
    // A matrix with fewer directions than there are models has none for each.
    guard own > 0 else { return 1 / Double(changes.count) * sum(changes) }
    let parts = try changes.map { try singularValues($0, tensor).withoutRounding.first(own) }
    let left = try singularValues(.beside(parts.map(\.left)), tensor).polarFactor
    let right = try singularValues(.stacked(parts.map(\.right)), tensor).polarFactor
    return left.scalingColumns(by: parts.flatMap(\.values)) * right
  }

  /// The vectors of all models twice over, the matrix that is decomposed, and two products beside it.
  func workspace(rows: Int, columns: Int) -> Int {
    let vectors = (rows + columns) * min(rows, columns)
    return 8 * (3 * vectors + 2 * rows * columns) + SingularValues.byteCount(rows: rows, columns: columns)
  }
}
