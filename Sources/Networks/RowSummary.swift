import Tensors

/// What principal components need to know of some rows: their mean, and how they lie about it.
public struct RowSummary: Sendable {
  public let count: Int
  let mean: [Double]
  public var width: Int { mean.count }
  /// Σ (x − mean)² of each column.
  let scatter: [Double]
  let form: Form

  enum Form {
    /// Each row less the mean: of fewer rows than columns.
    case rows(DoubleMatrix)
    /// Σ (x − mean) (x − mean)ᵀ.
    case products(DoubleMatrix)
  }

  public init(_ rows: DoubleMatrix) {
    let (count, width) = (rows.rows, rows.columns)
    var mean = [Double](repeating: 0, count: width)
    var scatter = mean
    var entries = rows.entries
    for row in 0..<count { for column in 0..<width { mean[column] += entries[row * width + column] } }
    for column in 0..<width { mean[column] /= Double(max(count, 1)) }
    for row in 0..<count {
      for column in 0..<width {
        let entry = entries[row * width + column] - mean[column]
        entries[row * width + column] = entry
        scatter[column] += entry * entry
      }
    }
    let centred = DoubleMatrix(rows: count, columns: width, entries)
    form = count < width ? .rows(centred) : .products(.product(transposed: centred, centred))
    (self.count, self.mean, self.scatter) = (count, mean, scatter)
  }

  /// - Parameter entries: Row by row.
  public init(_ entries: [Float], width: Int) {
    self.init(DoubleMatrix(rows: entries.count / max(width, 1), columns: width, entries.map(Double.init)))
  }

  public var byteCount: Int {
    switch form {
    case .rows(let matrix), .products(let matrix): matrix.entries.count * 8
    }
  }
}
