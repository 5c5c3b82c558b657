import COpenBLAS

/// The decomposition `A = L · D · U` with rows exchanged for the largest pivots: L is lower and U upper triangular, their
/// diagonals 1, but for the order of L's rows.
public struct LowerUpper: Sendable {
  /// (rows, k), its rows in the matrix's order: what a permutation makes of a unit lower triangle.
  public let lower: DoubleMatrix
  /// The k pivots, on the diagonal of D; k is the lesser of rows and columns. From the first zero on they are as they came.
  public let pivots: [Double]
  /// (k, columns), unit upper triangular down to the first pivot of zero; rows from there on are not divided.
  public let upper: DoubleMatrix

  /// By LAPACK's `dgetrf`. Nil where an entry is not finite.
  public init?(_ matrix: DoubleMatrix) {
    guard matrix.isFinite else { return nil }
    BLAS.prepare()
    let (rows, columns) = (matrix.rows, matrix.columns)
    let count = min(rows, columns)
    var entries = matrix.transposed.entries
    var exchanges = [blasint](repeating: 0, count: count)
    var (m, n, information) = (blasint(rows), blasint(columns), blasint(0))
    if count > 0 { dgetrf_(&m, &n, &entries, &m, &exchanges, &information) }
    precondition(information >= 0, "LAPACK's dgetrf was called wrongly")
    var order = Array(0..<rows)
    for (row, other) in exchanges.enumerated() { order.swapAt(row, Int(other) - 1) }
    var lower = DoubleMatrix(zeros: rows, count)
    for (row, place) in order.enumerated() {
      for column in 0..<min(row, count) { lower[place, column] = entries[column * rows + row] }
      if row < count { lower[place, row] = 1 }
    }
    let pivots = (0..<count).map { entries[$0 * rows + $0] }
    var upper = DoubleMatrix(zeros: count, columns)
    for row in 0..<count {
      let pivot = pivots[row] == 0 ? 1 : pivots[row]
      for column in row..<columns { upper[row, column] = entries[column * rows + row] / pivot }
    }
    (self.lower, self.pivots, self.upper) = (lower, pivots, upper)
  }
}
