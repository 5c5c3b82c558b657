import COpenBLAS

/// A matrix of float64, row by row: what decompositions work on.
public struct DoubleMatrix: Sendable, Equatable {
  public let rows: Int
  public let columns: Int
  public private(set) var entries: [Double]

  public init(rows: Int, columns: Int, _ entries: [Double]) {
    precondition(entries.count == rows * columns, "\(entries.count) entries do not fill \(rows)×\(columns)")
    self.rows = rows
    self.columns = columns
    self.entries = entries
  }

  public init(zeros rows: Int, _ columns: Int) {
    self.init(rows: rows, columns: columns, [Double](repeating: 0, count: rows * columns))
  }

  /// The entries of a tensor of two axes.
  public init(_ tensor: Tensor) {
    precondition(tensor.shape.rank == 2, "a matrix has two axes, not \(tensor.shape.rank)")
    self.init(rows: tensor.shape[0], columns: tensor.shape[1], tensor.doubles)
  }

  public subscript(row: Int, column: Int) -> Double {
    get { entries[row * columns + column] }
    set { entries[row * columns + column] = newValue }
  }

  public static func + (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix { a.combined(with: b, +) }
  public static func - (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix { a.combined(with: b, -) }

  /// The product entry by entry.
  public func hadamard(_ other: DoubleMatrix) -> DoubleMatrix { combined(with: other, *) }

  public static func * (scale: Double, matrix: DoubleMatrix) -> DoubleMatrix {
    DoubleMatrix(rows: matrix.rows, columns: matrix.columns, matrix.entries.map { scale * $0 })
  }

  private func combined(with other: DoubleMatrix, _ combine: (Double, Double) -> Double) -> DoubleMatrix {
    precondition(rows == other.rows && columns == other.columns, "matrices of one shape")
    return DoubleMatrix(
      rows: rows, columns: columns, entries.indices.map { combine(entries[$0], other.entries[$0]) })
  }

  public static func * (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix { product(a, false, b, false) }

  /// a · b − c.
  public static func product(_ a: DoubleMatrix, _ b: DoubleMatrix, minus c: DoubleMatrix) -> DoubleMatrix {
    precondition(c.rows == a.rows && c.columns == b.columns, "what is subtracted has the product's shape")
    return product(a, false, b, false, minus: c)
  }

  /// aᵀ · b.
  public static func product(transposed a: DoubleMatrix, _ b: DoubleMatrix) -> DoubleMatrix {
    product(a, true, b, false)
  }

  /// a · bᵀ.
  public static func product(_ a: DoubleMatrix, transposed b: DoubleMatrix) -> DoubleMatrix {
    product(a, false, b, true)
  }

  private static func product(
    _ a: DoubleMatrix, _ transposesA: Bool, _ b: DoubleMatrix, _ transposesB: Bool, minus other: DoubleMatrix? = nil
  ) -> DoubleMatrix {
    let (rows, inner) = transposesA ? (a.columns, a.rows) : (a.rows, a.columns)
    let (height, columns) = transposesB ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(inner == height, "\(rows)×\(inner) is not multiplied by \(height)×\(columns)")
    var result = other ?? DoubleMatrix(zeros: rows, columns)
    guard rows > 0, columns > 0, inner > 0 else { return other.map { -1 * $0 } ?? result }
    BLAS.prepare()
    a.entries.withUnsafeBufferPointer { left in
      b.entries.withUnsafeBufferPointer { right in
        result.entries.withUnsafeMutableBufferPointer { target in
          cblas_dgemm(
            CblasRowMajor, transposesA ? CblasTrans : CblasNoTrans, transposesB ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns), blasint(inner), 1, left.baseAddress, blasint(a.columns),
            right.baseAddress, blasint(b.columns), other == nil ? 0 : -1, target.baseAddress, blasint(columns))
        }
      }
    }
    return result
  }

  /// Changes the entries where they lie.
  mutating func update(_ change: (UnsafeMutableBufferPointer<Double>) -> Void) {
    entries.withUnsafeMutableBufferPointer { change($0) }
  }

  /// Each column times a number of its own; in place where nobody else has the matrix.
  public consuming func scalingColumns(by factors: [Double]) -> DoubleMatrix {
    precondition(factors.count == columns, "each column has a factor")
    let (rows, columns) = (rows, columns)
    update { entries in
      for row in 0..<rows { for column in 0..<columns { entries[row * columns + column] *= factors[column] } }
    }
    return self
  }

  /// The first columns.
  public func firstColumns(_ count: Int) -> DoubleMatrix { columns(0..<count) }

  /// Columns that stand beside one another.
  public func columns(_ range: Range<Int>) -> DoubleMatrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "there are \(columns) columns, not \(range)")
    // Room for all at once: an array that grows holds its entries twice.
    var part: [Double] = []
    part.reserveCapacity(rows * range.count)
    for row in 0..<rows { part += entries[row * columns + range.lowerBound..<row * columns + range.upperBound] }
    return DoubleMatrix(rows: rows, columns: range.count, part)
  }

  /// The first rows.
  public func firstRows(_ count: Int) -> DoubleMatrix {
    DoubleMatrix(rows: count, columns: columns, Array(entries.prefix(count * columns)))
  }

  /// Matrices beside one another.
  public static func beside(_ parts: [DoubleMatrix]) -> DoubleMatrix {
    guard let rows = parts.first?.rows else { preconditionFailure("there is no matrix") }
    let columns = parts.reduce(0) { $0 + $1.columns }
    var entries: [Double] = []
    entries.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for part in parts { entries += part.entries[row * part.columns..<(row + 1) * part.columns] }
    }
    return DoubleMatrix(rows: rows, columns: columns, entries)
  }

  /// Matrices under one another.
  public static func stacked(_ parts: [DoubleMatrix]) -> DoubleMatrix {
    guard let columns = parts.first?.columns else { preconditionFailure("there is no matrix") }
    let rows = parts.reduce(0) { $0 + $1.rows }
    var entries: [Double] = []
    entries.reserveCapacity(rows * columns)
    for part in parts { entries += part.entries }
    return DoubleMatrix(rows: rows, columns: columns, entries)
  }

  /// The square root of the sum of the squares of all entries.
  public var norm: Double { entries.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
