import CKernels

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
          base.withStored(block, second) { base, baseType in
            for (number, model) in models.enumerated() {
              let delta = deltas + number * length
              model.withStored(block, scratch) { entries, dtype in
                kernel_difference(delta, entries, dtype.kernelFloat, base, baseType.kernelFloat, block.count)
              }
            }
          }
          for i in 0..<size {
            for j in i..<size {
              let product = kernel_dot(deltas + i * length, deltas + j * length, block.count)
              products[(row * size + i) * size + j] += product
              if i != j { products[(row * size + j) * size + i] += product }
            }
          }
        }
      }
    }
    return products
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
