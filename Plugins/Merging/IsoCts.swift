import Operations
import Tensors

/// Isotropic merging in common and task-specific subspaces (Marczak et al. 2025).
struct IsoCts: SpectralMerge {
  static let about = About(
    "iso_cts",
    "Merge models in the directions that they share and some of each one's own, all counting the same.",
    discussion: """
      For each matrix with lesser side m and T models: the first s singular vectors of Σₖ τₖ are common to all; of what \
      each τₖ has across them, the first (m − s)/T are its own. Left and right vectors of all are put together and made \
      orthonormal by their polar factors, and the change is mean(S) · U Vᵀ. s is the share `common` of m, made so that \
      the rest divides by T. Other tensors become θ₀ + λ · mean τ. Directions whose singular values are of rounding alone \
      are left out, and count in mean(S).
      """,
    papers: [.init("Marczak et al. 2025, No Task Left Behind: Isotropic Model Merging", arXiv: "2502.04959")],
    cost: "O(models × entries × lesser side) for each matrix; a few matrices in memory, in float64",
    examples: [Example("Half of the directions in common", "iso_cts(base:, models: [a, b], common: 50%)")])

  static let version = 2

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("The share of directions that are common.", in: 0...1)
  var common: Fraction = 0.8
  @Param("What the merged change is multiplied by, λ.")
  var scale: Layered<Double> = 1
  @Param("Patterns of matrices that are averaged like other tensors.")
  var exclude: [String] = []

  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName, _ read: TensorReader) throws -> DoubleMatrix {
    let size = min(changes[0].rows, changes[0].columns)
    let own = ownDirections(of: size)
    let shared = try singularValues(sum(changes), tensor).withoutRounding.first(size - own * changes.count)
    let parts = try changes.map { try across(shared, $0, tensor).first(own) } + [shared]
    let left = try singularValues(.beside(parts.map(\.left)), tensor).polarFactor
    let right = try singularValues(.stacked(parts.map(\.right)), tensor).polarFactor
    let values = parts.flatMap(\.values)
    return values.reduce(0, +) / Double(values.count) * (left * right)
  }

  /// What a change has across the shared directions, without what rounding has left of a change that lies along them.
  private func across(
    _ shared: SingularValues, _ change: DoubleMatrix, _ tensor: TensorName
  ) throws -> SingularValues {
    let rest = change - shared.left * DoubleMatrix.product(transposed: shared.left, change)
    return try singularValues(rest, tensor).above(
      SingularValues.roundingLevel(of: change.norm, rows: change.rows, columns: change.columns))
  }

  /// The vectors of all directions twice over, the matrix that is decomposed, and two products beside it.
  func workspace(rows: Int, columns: Int) -> Int {
    let vectors = (rows + columns) * min(rows, columns)
    return 8 * (3 * vectors + 3 * rows * columns) + SingularValues.byteCount(rows: rows, columns: columns)
  }

  /// How many directions of its own each model has: the rest is rounded to a multiple of the models, half to even.
  private func ownDirections(of size: Int) -> Int {
    let rest = size - Int(Double(size) * common.share)
    let rounded = (Double(rest) / Double(models.count)).rounded(.toNearestOrEven)
    return min(Int(rounded), size / models.count)
  }
}
