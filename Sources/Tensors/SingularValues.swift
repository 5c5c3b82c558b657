import COpenBLAS

/// The thin singular value decomposition U · diag(S) · Vᵀ of a matrix, the largest values first.
///
/// The entry of largest magnitude of each left vector is positive (of equal ones the first), so that the same matrix always
/// has the same vectors where its values differ from each other. All in float64: float32 takes half the time, but errs by more
/// than half of the 10⁻⁶ that merges are held to.
public struct SingularValues: Sendable {
  /// (rows, k), its columns orthonormal; k is the lesser of rows and columns.
  public let left: DoubleMatrix
  public let values: [Double]
  /// (k, columns), its rows orthonormal.
  public let right: DoubleMatrix

  /// The longest that a matrix's lesser side may be: LAPACK counts its room, four times its square, in 32 bits.
  public static let largestSide = 20_000

  /// Nil where an entry is not finite or LAPACK's `dgesdd` does not converge.
  public init?(_ matrix: DoubleMatrix) {
    guard let found = Self.decompose(matrix) else { return nil }
    self.init(left: found.left, values: found.values, right: found.right)
  }

  private static func decompose(_ matrix: DoubleMatrix) -> (left: DoubleMatrix, values: [Double], right: DoubleMatrix)?
  {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let count = min(rows, columns)
    precondition(count <= largestSide, "\(rows)×\(columns) is too large to be decomposed")
    guard count > 0 else { return (DoubleMatrix(zeros: rows, 0), [], DoubleMatrix(zeros: 0, columns)) }
    guard matrix.isFinite else { return nil }
    // Row by row, the matrix is its transpose column by column: left and right change places, and come out row by row.
    var input = matrix.entries
    var values = [Double](repeating: 0, count: count)
    var right = [Double](repeating: 0, count: count * columns)
    var left = [Double](repeating: 0, count: rows * count)
    var length = workLength(rows: rows, columns: columns)
    var work = [Double](repeating: 0, count: Int(length))
    var integers = [blasint](repeating: 0, count: 8 * count)
    var (m, n, k) = (blasint(columns), blasint(rows), blasint(count))
    var job = CChar(UInt8(ascii: "S"))
    var information: blasint = 0
    dgesdd_(&job, &m, &n, &input, &m, &values, &right, &m, &left, &k, &work, &length, &integers, &information, 1)
    guard information == 0 else { return nil }
    return (
      DoubleMatrix(rows: rows, columns: count, left), values, DoubleMatrix(rows: count, columns: columns, right)
    )
  }

  /// With the signs of vectors as stated above.
  init(left: consuming DoubleMatrix, values: [Double], right: consuming DoubleMatrix) {
    let signs = left.columnSigns
    self.init(signed: left.scalingColumns(by: signs), values: values, right: right.scalingRows(by: signs))
  }

  private init(signed left: DoubleMatrix, values: [Double], right: DoubleMatrix) {
    (self.left, self.values, self.right) = (left, values, right)
  }

  /// How much room `dgesdd` asks for, in numbers.
  private static func workLength(rows: Int, columns: Int) -> blasint {
    BLAS.prepare()
    var (m, n, k) = (blasint(columns), blasint(rows), blasint(min(rows, columns)))
    var (length, information): (blasint, blasint) = (-1, 0)
    var (job, size, nothing, integer) = (CChar(UInt8(ascii: "S")), 0.0, 0.0, blasint(0))
    var (left, right, values) = (0.0, 0.0, 0.0)
    dgesdd_(&job, &m, &n, &nothing, &m, &values, &right, &m, &left, &k, &size, &length, &integer, &information, 1)
    return blasint(size)
  }

  /// The bytes that decomposing a matrix holds at its peak beside the matrix itself: a copy, what comes out, and room.
  public static func byteCount(rows: Int, columns: Int) -> Int {
    let count = min(rows, columns)
    guard count > 0 else { return 0 }
    let vectors = (rows + columns) * count
    // The vectors once more, while signs are changed.
    return 8 * (rows * columns + max(vectors + Int(workLength(rows: rows, columns: columns)), 2 * vectors) + 5 * count)
  }

  /// The part of the largest values.
  public func first(_ count: Int) -> SingularValues {
    SingularValues(
      signed: left.firstColumns(count), values: Array(values.prefix(count)), right: right.firstRows(count))
  }

  /// U · diag(S) · Vᵀ.
  public var matrix: DoubleMatrix { left.scalingColumns(by: values) * right }

  // MARK: What rounding alone makes

  /// The level up to which a matrix's singular values may be of rounding alone: its longer side times 2⁻⁵² times the
  /// largest.
  ///
  /// Vectors of such values point anywhere: another processor may find others.
  public static func roundingLevel(of largest: Double, rows: Int, columns: Int) -> Double {
    Double(max(rows, columns)) * .ulpOfOne * largest
  }

  /// The same with zeros for the values of at most a level and for their vectors.
  public func above(_ level: Double) -> SingularValues {
    let kept = values.prefix { $0 > level }.count
    guard kept < values.count else { return self }
    let factors = values.indices.map { $0 < kept ? 1.0 : 0 }
    return SingularValues(
      signed: left.scalingColumns(by: factors), values: zip(values, factors).map { $0 * $1 },
      right: right.scalingRows(by: factors))
  }

  /// The same without what rounding alone makes.
  public var withoutRounding: SingularValues {
    above(Self.roundingLevel(of: values.first ?? 0, rows: left.rows, columns: right.columns))
  }

  /// U · Vᵀ over the values that are not of rounding alone: the polar factor.
  ///
  /// Of a matrix of full rank, the nearest one with orthonormal columns or rows. Of any other, the partial isometry that takes
  /// nothing to where the matrix takes nothing, which alone is certain; of zeros, zeros.
  public var polarFactor: DoubleMatrix {
    let certain = withoutRounding
    return certain.left * certain.right
  }
}
