extension DoubleMatrix {
  /// The Kronecker product: each entry of this matrix times the whole other one.
  public func kronecker(_ other: DoubleMatrix) -> DoubleMatrix {
    var result = DoubleMatrix(zeros: rows * other.rows, columns * other.columns)
    let (rows, columns, height, width) = (rows, columns, other.rows, other.columns)
    result.update { target in
      for row in 0..<rows {
        for column in 0..<columns {
          let factor = entries[row * columns + column]
          for below in 0..<height {
            let start = (row * height + below) * columns * width + column * width
            for beside in 0..<width { target[start + beside] = factor * other.entries[below * width + beside] }
          }
        }
      }
    }
    return result
  }

  /// The blocks of a matrix as rows: with blocks of p×q, block (i, j) is row `i · n + j`, its entries row by row.
  ///
  /// A sum of Kronecker products Σ Uₖ ⊗ Vₖ becomes Σ vec(Uₖ) vec(Vₖ)ᵀ, so its nearest one is a singular value decomposition
  /// (Van Loan and Pitsianis 1993).
  public func rearranged(blocks height: Int, by width: Int) -> DoubleMatrix {
    precondition(rows % height == 0 && columns % width == 0, "\(rows)×\(columns) has no blocks of \(height)×\(width)")
    let (down, across) = (rows / height, columns / width)
    var result = DoubleMatrix(zeros: down * across, height * width)
    let columns = columns
    result.update { target in
      var place = 0
      for i in 0..<down {
        for j in 0..<across {
          for row in 0..<height {
            for column in 0..<width {
              target[place] = entries[(i * height + row) * columns + j * width + column]
              place += 1
            }
          }
        }
      }
    }
    return result
  }
}
