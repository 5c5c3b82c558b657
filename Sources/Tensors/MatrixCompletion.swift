import COpenBLAS

/// A matrix of low rank that agrees with another where that is not zero, by alternating least squares.
public struct MatrixCompletion: Sendable {
  /// (rows, rank), its columns orthonormal.
  public let left: DoubleMatrix
  /// (rank, columns).
  public let right: DoubleMatrix
  /// Share of the entries that were there.
  public let coverage: Double
  /// The error on those, relative to their norm.
  public let observedError: Double

  /// Nil where an entry is not finite, or a decomposition fails.
  /// - Parameters:
  ///   - known: Zero where an entry is not known.
  ///   - sweeps: The most; they end where the error changes by less than 10⁻⁸ of itself.
  ///   - ridge: What is added to the diagonal of each least squares, as a share of its trace.
  ///   - check: Called between sweeps; throws to stop.
  public init?(_ known: DoubleMatrix, rank: Int, sweeps: Int, ridge: Double, _ check: () throws -> Void) rethrows {
    let count = known.entries.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
    coverage = known.entries.isEmpty ? 0 : Double(count) / Double(known.entries.count)
    guard count > 0 else {
      guard known.isFinite else { return nil }
      (left, right, observedError) = (
        DoubleMatrix(zeros: known.rows, rank), DoubleMatrix(zeros: rank, known.columns), 0
      )
      return
    }
    guard let start = SingularValues(known)?.first(rank) else { return nil }
    let turned = known.transposed
    let norm = known.norm
    var left = start.left
    var right = start.right
    var error = Double.infinity
    for _ in 0..<sweeps {
      try check()
      // Each column of the matrix is U v; then each row is Vᵀ u.
      right = turned.leastSquares(on: left, ridge).transposed
      let other = known.leastSquares(on: right.transposed, ridge)
      let split = OrthogonalTriangular(other)
      left = split.orthonormal
      right = split.triangular * right
      let found = known.distance(to: left, right) / norm
      defer { error = found }
      if found <= 1e-14 || abs(error - found) <= 1e-8 * found { break }
    }
    (self.left, self.right, observedError) = (left, right, known.distance(to: left, right) / norm)
  }
}

extension DoubleMatrix {
  /// For each row the weights of the basis' columns that come nearest to the row's entries that are not zero: (rows, k).
  /// - Parameter basis: (columns, k).
  fileprivate func leastSquares(on basis: DoubleMatrix, _ ridge: Double) -> DoubleMatrix {
    BLAS.prepare()
    let k = basis.columns
    var result = DoubleMatrix(zeros: rows, k)
    for row in 0..<rows {
      var normal = [Double](repeating: 0, count: k * k)
      var target = [Double](repeating: 0, count: k)
      for column in 0..<columns where self[row, column] != 0 {
        for i in 0..<k {
          let factor = basis[column, i]
          target[i] += factor * self[row, column]
          for j in 0...i { normal[i * k + j] += factor * basis[column, j] }
        }
      }
      let trace = (0..<k).reduce(0) { $0 + normal[$1 * k + $1] }
      // Where nothing is known, nothing is added.
      guard trace > 0 else { continue }
      for i in 0..<k { normal[i * k + i] += max(ridge, .ulpOfOne) * trace }
      var (n, one, information) = (blasint(k), blasint(1), blasint(0))
      // Row by row, what lies below the diagonal is what lies above it column by column.
      var half = CChar(UInt8(ascii: "U"))
      dposv_(&half, &n, &one, &normal, &n, &target, &n, &information, 1)
      guard information == 0 else { continue }
      for i in 0..<k { result[row, i] = target[i] }
    }
    return result
  }

  /// The norm of the difference to a product, over the entries that are not zero.
  fileprivate func distance(to left: DoubleMatrix, _ right: DoubleMatrix) -> Double {
    let product = left * right
    var sum = 0.0
    for (entry, made) in zip(entries, product.entries) where entry != 0 { sum += (entry - made) * (entry - made) }
    return sum.squareRoot()
  }
}
