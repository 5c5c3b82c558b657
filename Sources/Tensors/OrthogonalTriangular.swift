import COpenBLAS

/// The thin decomposition `A = Q · R` of a matrix: Q's columns are orthonormal and R is zero under its diagonal.
///
/// The diagonal of R is not negative, so that a matrix of full column rank has one Q and one R.
public struct OrthogonalTriangular: Sendable {
  /// (rows, k), its columns orthonormal; k is the lesser of rows and columns.
  public let orthonormal: DoubleMatrix
  /// (k, columns).
  public let triangular: DoubleMatrix

  public init(_ matrix: DoubleMatrix) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let count = min(rows, columns)
    guard count > 0 else {
      (orthonormal, triangular) = (DoubleMatrix(zeros: rows, 0), DoubleMatrix(zeros: 0, columns))
      return
    }
    BLAS.prepare()
    var entries = matrix.transposed.entries
    var reflections = [Double](repeating: 0, count: count)
    var (m, n, k) = (blasint(rows), blasint(columns), blasint(count))
    // 64 columns at once are more than LAPACK's blocks have.
    var length = blasint(64 * max(columns, 1))
    var work = [Double](repeating: 0, count: Int(length))
    var information: blasint = 0
    dgeqrf_(&m, &n, &entries, &m, &reflections, &work, &length, &information)
    precondition(information == 0, "LAPACK's dgeqrf was called wrongly")
    var triangular = DoubleMatrix(zeros: count, columns)
    var signs = [Double](repeating: 1, count: count)
    for row in 0..<count {
      if entries[row * rows + row] < 0 { signs[row] = -1 }
      for column in row..<columns { triangular[row, column] = signs[row] * entries[column * rows + row] }
    }
    dorgqr_(&m, &k, &k, &entries, &m, reflections, &work, &length, &information)
    precondition(information == 0, "LAPACK's dorgqr was called wrongly")
    orthonormal = DoubleMatrix(rows: count, columns: rows, Array(entries.prefix(count * rows))).transposed
      .scalingColumns(by: signs)
    self.triangular = triangular
  }
}
