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
    guard Self.isFinite(matrix) else { return nil }
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
    (self.values, vectors) = (values.reversed(), Self.signed(entries, size, count: size))
  }

  /// The first of them alone, at less cost: by LAPACK's `dsyevr`.
  /// - Parameter count: How many values and vectors, the largest.
  public init?(_ matrix: DoubleMatrix, first count: Int) {
    let size = matrix.rows
    guard count > 0, count * 3 < size else {
      guard let all = SymmetricEigenvalues(matrix) else { return nil }
      (values, vectors) = (Array(all.values.prefix(count)), all.vectors.firstRows(min(count, size)))
      return
    }
    precondition(matrix.columns == size, "a symmetric matrix is square, not \(size)×\(matrix.columns)")
    precondition(size <= SingularValues.largestSide, "\(size)×\(size) is too large to be decomposed")
    guard Self.isFinite(matrix) else { return nil }
    BLAS.prepare()
    var entries = matrix.entries
    var values = [Double](repeating: 0, count: size)
    var vectors = [Double](repeating: 0, count: size * count)
    var support = [blasint](repeating: 0, count: 2 * count)
    var (length, integerLength) = (blasint(60 * size), blasint(10 * size))
    var work = [Double](repeating: 0, count: Int(length))
    var integers = [blasint](repeating: 0, count: Int(integerLength))
    var (n, stride, found, information) = (blasint(size), blasint(size), blasint(0), blasint(0))
    var (lowest, highest) = (blasint(size - count + 1), blasint(size))
    var (job, range, half) = (CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "I")), CChar(UInt8(ascii: "L")))
    var (low, high, tolerance) = (0.0, 0.0, 0.0)
    dsyevr_(
      &job, &range, &half, &n, &entries, &stride, &low, &high, &lowest, &highest, &tolerance, &found, &values, &vectors,
      &n, &support, &work, &length, &integers, &integerLength, &information, 1, 1, 1)
    guard information == 0, found == count else { return nil }
    (self.values, self.vectors) = (values.prefix(count).reversed(), Self.signed(vectors, size, count: count))
  }

  private static func isFinite(_ matrix: DoubleMatrix) -> Bool {
    (0..<matrix.rows).allSatisfy { row in (row..<matrix.rows).allSatisfy { matrix[row, $0].isFinite } }
  }

  /// Vectors one after the other, the last first, each with its largest entry positive.
  private static func signed(_ entries: [Double], _ size: Int, count: Int) -> DoubleMatrix {
    var vectors = DoubleMatrix(zeros: count, size)
    for (row, source) in (0..<count).reversed().enumerated() {
      let vector = entries[source * size..<(source + 1) * size]
      var largest = 0.0
      for entry in vector where entry.magnitude > largest.magnitude { largest = entry }
      let sign: Double = largest < 0 ? -1 : 1
      for (column, entry) in vector.enumerated() { vectors[row, column] = sign * entry }
    }
    return vectors
  }
}
