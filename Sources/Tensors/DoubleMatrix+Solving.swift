import COpenBLAS

extension DoubleMatrix {
  /// A⁻¹ B for this matrix A, which must be symmetric and positive definite, by Cholesky's decomposition.
  ///
  /// Nil where it is not positive definite, or not finite.
  public func solving(_ target: DoubleMatrix) -> DoubleMatrix? {
    precondition(rows == columns && target.rows == rows, "\(rows)×\(columns) is not solved for \(target.rows) rows")
    guard rows > 0, target.columns > 0 else { return target }
    guard isFinite, target.isFinite else { return nil }
    BLAS.prepare()
    var matrix = entries
    // LAPACK has columns where rows are here.
    var solution = target.transposed.entries
    var half: CChar = 85  // "U"
    var (n, count, information) = (blasint(rows), blasint(target.columns), blasint(0))
    dposv_(&half, &n, &count, &matrix, &n, &solution, &n, &information, 1)
    guard information == 0 else { return nil }
    return DoubleMatrix(rows: target.columns, columns: rows, solution).transposed
  }
}
