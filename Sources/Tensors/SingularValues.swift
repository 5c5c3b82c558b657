import COpenBLAS

/// The thin singular value decomposition U · diag(S) · Vᵀ of a matrix, the largest values first.
///
/// The entry of largest magnitude of each left vector is positive (of equal ones the first), so that the same matrix always
/// has the same vectors where its values differ from each other.
public struct SingularValues: Sendable {
  /// (rows, k), its columns orthonormal; k is the lesser of rows and columns.
  public let left: DoubleMatrix
  public let values: [Double]
  /// (k, columns), its rows orthonormal.
  public let right: DoubleMatrix

  /// Nil where LAPACK's `dgesdd` does not converge, as for a matrix with NaN.
  public init?(_ matrix: DoubleMatrix) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let count = min(rows, columns)
    var left = DoubleMatrix(zeros: rows, count)
    var right = DoubleMatrix(zeros: count, columns)
    guard count > 0 else {
      (self.left, values, self.right) = (left, [], right)
      return
    }
    // Row by row, the matrix is its transpose column by column: left and right change places.
    var input = matrix.entries
    var values = [Double](repeating: 0, count: count)
    var u = [Double](repeating: 0, count: columns * count)
    var vt = [Double](repeating: 0, count: count * rows)
    BLAS.prepare()
    var (m, n, k) = (blasint(columns), blasint(rows), blasint(count))
    var integers = [blasint](repeating: 0, count: 8 * count)
    var information: blasint = 0
    var job = CChar(UInt8(ascii: "S"))
    var size = 0.0
    var length: blasint = -1
    dgesdd_(&job, &m, &n, &input, &m, &values, &u, &m, &vt, &k, &size, &length, &integers, &information, 1)
    length = blasint(size)
    var work = [Double](repeating: 0, count: Int(length))
    dgesdd_(&job, &m, &n, &input, &m, &values, &u, &m, &vt, &k, &work, &length, &integers, &information, 1)
    guard information == 0 else { return nil }
    for row in 0..<rows { for column in 0..<count { left[row, column] = vt[row * count + column] } }
    for row in 0..<count { for column in 0..<columns { right[row, column] = u[row * columns + column] } }
    for vector in 0..<count {
      let largest = (0..<rows).max { left[$0, vector].magnitude < left[$1, vector].magnitude }
      // `max` gives the last of equal ones.
      let first = largest.flatMap { last in
        (0...last).first { left[$0, vector].magnitude == left[last, vector].magnitude }
      }
      guard let first, left[first, vector] < 0 else { continue }
      for row in 0..<rows { left[row, vector].negate() }
      for column in 0..<columns { right[vector, column].negate() }
    }
    (self.left, self.values, self.right) = (left, values, right)
  }

  /// The part of the largest values.
  public func first(_ count: Int) -> SingularValues {
    SingularValues(left: left.firstColumns(count), values: Array(values.prefix(count)), right: right.firstRows(count))
  }

  private init(left: DoubleMatrix, values: [Double], right: DoubleMatrix) {
    (self.left, self.values, self.right) = (left, values, right)
  }

  /// U · diag(S) · Vᵀ.
  public var matrix: DoubleMatrix { left.scalingColumns(by: values) * right }

  /// U · Vᵀ: of all matrices with orthonormal columns, or rows, the nearest.
  public var polarFactor: DoubleMatrix { left * right }
}
