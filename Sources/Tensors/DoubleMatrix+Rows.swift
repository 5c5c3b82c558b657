extension DoubleMatrix {
  /// Rows as columns.
  public var transposed: DoubleMatrix {
    // A tile's rows and columns both stay in the first cache.
    let tile = 32
    let turned = [Double](unsafeUninitializedCapacity: entries.count) { target, filled in
      entries.withUnsafeBufferPointer { source in
        for top in stride(from: 0, to: rows, by: tile) {
          for start in stride(from: 0, to: columns, by: tile) {
            for column in start..<min(start + tile, columns) {
              for row in top..<min(top + tile, rows) {
                target[column &* rows &+ row] = source[row &* columns &+ column]
              }
            }
          }
        }
      }
      filled = entries.count
    }
    return DoubleMatrix(rows: columns, columns: rows, turned)
  }

  /// Whether no entry is NaN or infinite.
  public var isFinite: Bool {
    // An infinity or NaN times zero is NaN, and stays it in a sum.
    !entries.reduce(0) { $0 + $1 * 0 }.isNaN
  }

  /// Each row times a number of its own; in place where nobody else has the matrix.
  public consuming func scalingRows(by factors: [Double]) -> DoubleMatrix {
    precondition(factors.count == rows, "each row has a factor")
    let (rows, columns) = (rows, columns)
    update { entries in
      for row in 0..<rows { for index in row * columns..<(row + 1) * columns { entries[index] *= factors[row] } }
    }
    return self
  }

  /// The inner product of each row with the other's.
  public func rowProducts(with other: DoubleMatrix) -> [Double] {
    precondition(rows == other.rows && columns == other.columns, "matrices of one shape")
    return (0..<rows).map { row in
      var sum = 0.0
      for index in row * columns..<(row + 1) * columns { sum += entries[index] * other.entries[index] }
      return sum
    }
  }

  /// As many matrices of equal width, from left to right.
  public func splitColumns(into count: Int) -> [DoubleMatrix] {
    precondition(count > 0 && columns % count == 0, "\(columns) columns are not split into \(count)")
    let width = columns / count
    return (0..<count).map { self.columns($0 * width..<($0 + 1) * width) }
  }

  /// The sign of each column's entry of largest magnitude, of equal ones the first: -1 where it is negative, else 1.
  var columnSigns: [Double] {
    var largest = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let entry = entries[row * columns + column]
        if entry.magnitude > largest[column].magnitude { largest[column] = entry }
      }
    }
    return largest.map { $0 < 0 ? -1 : 1 }
  }
}

extension Tensor {
  /// start + scale · change in float64, rounded once to float32; where the change is zero, the start as it is.
  public init(_ start: Tensor, adding change: DoubleMatrix, times scale: Double) {
    precondition(
      start.count == change.entries.count, "\(start.shape) is not changed by \(change.rows)×\(change.columns)")
    self.init(shape: start.shape) { result in
      change.entries.withUnsafeBufferPointer { change in
        Tensor.inBlocks(0..<start.count) { block, scratch in
          start.withFloats(block, scratch) { entries in
            let offset = block.lowerBound
            for index in 0..<block.count {
              let moved = Float(Double(entries[index]) + scale * change[offset &+ index])
              result[offset &+ index] = change[offset &+ index] == 0 ? entries[index] : moved
            }
          }
        }
      }
    }
  }
}
