extension TaskVector {
  /// The products δᵢ·δⱼ of all pairs of differences, for each row of so many entries: row after row, each a square of as many
  /// rows and columns as there are differences.
  ///
  /// In float64, grouped by the rows' length alone. What is kept and by which factor plays no part.
  public static func gram(of models: [Tensor], minus base: Tensor, rowLength: Int) -> [Double] {
    let shape = Tensor.commonShape(models + [base])
    precondition(rowLength > 0 && shape.count % rowLength == 0, "rows of \(rowLength) do not fill \(shape)")
    let (rows, size, length) = (shape.count / rowLength, models.count, Tensor.blockLength)
    var products = [Double](repeating: 0, count: rows * size * size)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: (size + 1) * length) { memory in
      guard let deltas = memory.baseAddress else { return }
      let second = UnsafeMutableBufferPointer(start: deltas + size * length, count: length)
      for row in 0..<rows {
        Tensor.inBlocks(row * rowLength..<(row + 1) * rowLength) { block, scratch in
          base.withFloats(block, second) { base in
            for (number, model) in models.enumerated() {
              let delta = deltas + number * length
              model.withFloats(block, scratch) { entries in
                for index in 0..<block.count { delta[index] = entries[index] - base[index] }
              }
            }
          }
          for i in 0..<size {
            for j in i..<size {
              let product = dot(deltas + i * length, deltas + j * length, block.count)
              products[(row * size + i) * size + j] += product
              if i != j { products[(row * size + j) * size + i] += product }
            }
          }
        }
      }
    }
    return products
  }

  /// Eight sums side by side, so that it becomes vector code.
  @inline(__always)
  private static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
    var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
    var (s4, s5, s6, s7) = (0.0, 0.0, 0.0, 0.0)
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) {
      s0 += Double(a[index]) * Double(b[index])
      s1 += Double(a[index &+ 1]) * Double(b[index &+ 1])
      s2 += Double(a[index &+ 2]) * Double(b[index &+ 2])
      s3 += Double(a[index &+ 3]) * Double(b[index &+ 3])
      s4 += Double(a[index &+ 4]) * Double(b[index &+ 4])
      s5 += Double(a[index &+ 5]) * Double(b[index &+ 5])
      s6 += Double(a[index &+ 6]) * Double(b[index &+ 6])
      s7 += Double(a[index &+ 7]) * Double(b[index &+ 7])
    }
    var rest = 0.0
    for index in whole..<count { rest += Double(a[index]) * Double(b[index]) }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + rest
  }
}

extension Tensor {
  /// (1 − t) · base + t · the mean of the models, with a t for each row of so many entries, as float32.
  public static func between(_ base: Tensor, andMeanOf models: [Tensor], at shares: [Double], rowLength: Int) -> Tensor
  {
    let shape = commonShape(models + [base])
    precondition(shares.count * rowLength == shape.count, "\(shares.count) rows of \(rowLength) do not fill \(shape)")
    return Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: blockLength) { sums in
        for (row, share) in shares.enumerated() {
          let part = share / Double(models.count)
          inBlocks(row * rowLength..<(row + 1) * rowLength) { block, scratch in
            base.withFloats(block, scratch) { entries in
              for index in 0..<block.count { sums[index] = (1 - share) * Double(entries[index]) }
            }
            for model in models {
              model.withFloats(block, scratch) { entries in
                for index in 0..<block.count { sums[index] += part * Double(entries[index]) }
              }
            }
            let target = UnsafeMutableBufferPointer(rebasing: result[block])
            for index in 0..<block.count { target[index] = Float(sums[index]) }
          }
        }
      }
    }
  }
}
