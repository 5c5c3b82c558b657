import Tensors

/// Numbers in rows: a batch of activations, or a layer's weights.
struct Matrix: Sendable {
  let rows: Int
  let columns: Int
  var entries: [Float]

  init(rows: Int, columns: Int, entries: [Float]) {
    precondition(entries.count == rows * columns, "\(entries.count) entries do not fill \(rows)×\(columns)")
    self.rows = rows
    self.columns = columns
    self.entries = entries
  }

  /// All rows are the same.
  init(rows: Int, repeating row: [Float]) {
    var entries: [Float] = []
    entries.reserveCapacity(rows * row.count)
    for _ in 0..<rows { entries += row }
    self.init(rows: rows, columns: row.count, entries: entries)
  }

  /// The rows of a tensor of rank 2.
  init(_ tensor: Tensor) {
    self.init(rows: tensor.shape[0], columns: tensor.shape[1], entries: tensor.floats)
  }

  /// self += a · bᵀ, where a is (rows, inner) and b is (columns, inner).
  mutating func add(_ a: Matrix, times b: [Float]) {
    multiply(a.entries, b, transposingB: true, inner: a.columns, keep: 1)
  }

  /// a · b, where a is (rows, inner) and b is (inner, columns).
  static func product(_ a: Matrix, _ b: [Float], columns: Int) -> Matrix {
    var result = Matrix(rows: a.rows, columns: columns, entries: [Float](repeating: 0, count: a.rows * columns))
    result.multiply(a.entries, b, inner: a.columns)
    return result
  }

  /// aᵀ · b, where a is (inner, rows) and b is (inner, columns).
  static func product(transposed a: Matrix, _ b: Matrix) -> Matrix {
    let zeros = [Float](repeating: 0, count: a.columns * b.columns)
    var result = Matrix(rows: a.columns, columns: b.columns, entries: zeros)
    result.multiply(a.entries, transposingA: true, b.entries, inner: a.rows)
    return result
  }

  /// The sum of all rows, added up from the first to the last.
  var columnSums: [Float] {
    var sums = [Float](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { sums[column] += entries[row * columns + column] }
    }
    return sums
  }

  private mutating func multiply(
    _ a: [Float], transposingA: Bool = false, _ b: [Float], transposingB: Bool = false, inner: Int, keep: Float = 0
  ) {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        entries.withUnsafeMutableBufferPointer { result in
          BLAS.multiply(
            a, transposingA: transposingA, b, transposingB: transposingB, into: result, rows: rows, columns: columns,
            inner: inner, keep: keep)
        }
      }
    }
  }
}
