import COpenBLAS

/// The eigenvalues λ and orthonormal eigenvectors of a symmetric matrix, `A = Vᵀ · diag(λ) · V`, the largest values first.
///
/// The entry of largest magnitude of each vector is positive (of equal ones the first).
public struct SymmetricEigenvalues: Sendable {
  public let values: [Double]
  /// (n, n): each row is a vector.
  public let vectors: DoubleMatrix

  /// Of the matrix whose entries on and above the diagonal these are; what lies below is not looked at.
  ///
  /// Nil where such an entry is not finite or LAPACK's `dsyevd` does not converge.
  public init?(_ matrix: DoubleMatrix) {
    let size = matrix.rows
    precondition(matrix.columns == size, "a symmetric matrix is square, not \(size)×\(matrix.columns)")
    precondition(size <= SingularValues.largestSide, "\(size)×\(size) is too large to be decomposed")
    guard size > 0 else {
      (values, vectors) = ([], matrix)
      return
    }
    guard (0..<size).allSatisfy({ row in (row..<size).allSatisfy { matrix[row, $0].isFinite } }) else { return nil }
    BLAS.prepare()
    // Row by row, what lies above the diagonal is what lies below it column by column; each vector comes out as a row.
    var entries = matrix.entries
    var values = [Double](repeating: 0, count: size)
    var (length, integerLength) = (blasint(1 + 6 * size + 2 * size * size), blasint(3 + 5 * size))
    var work = [Double](repeating: 0, count: Int(length))
    var integers = [blasint](repeating: 0, count: Int(integerLength))
    var (n, information) = (blasint(size), blasint(0))
    var (job, half) = (CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")))
    dsyevd_(
      &job, &half, &n, &entries, &n, &values, &work, &length, &integers, &integerLength, &information, 1, 1)
    guard information == 0 else { return nil }
    var vectors = DoubleMatrix(zeros: size, size)
    for (row, source) in (0..<size).reversed().enumerated() {
      let vector = entries[source * size..<(source + 1) * size]
      var largest = 0.0
      for entry in vector where entry.magnitude > largest.magnitude { largest = entry }
      let sign: Double = largest < 0 ? -1 : 1
      for (column, entry) in vector.enumerated() { vectors[row, column] = sign * entry }
    }
    (self.values, self.vectors) = (values.reversed(), vectors)
  }
}
