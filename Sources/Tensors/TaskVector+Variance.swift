import CKernels

extension TaskVector {
  /// The population variance of the differences over the models, entry by entry: worked out in float64, rounded to float32.
  public static func variances(of models: [Tensor], minus base: Tensor) -> Tensor {
    let vectors = models.map { TaskVector($0, minus: base) }
    let length = 512
    return Tensor(shape: base.shape) { result in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * length) { memory in
        guard let means = memory.baseAddress else { return }
        let squares = means + length
        inBlocks(vectors, length: length) { block, laid, deltas in
          let part = Double(laid.count)
          for number in laid.indices {
            let delta = deltas + number * length
            laid[number].fill(delta, block)
            kernel_add_scaled(means, delta, block.count, 1, number == 0 ? 1 : 0)
          }
          for index in 0..<block.count { means[index] /= part }
          for number in laid.indices {
            kernel_add_deviations(squares, deltas + number * length, means, block.count, number == 0 ? 1 : 0)
          }
          let target = UnsafeMutableBufferPointer(rebasing: result[block])
          for index in 0..<block.count { target[index] = Float(squares[index] / part) }
        }
      }
    }
  }

  /// The mean of the squares of all entries of each, as they are kept; 0 of no entries.
  public static func meanSquares(_ vectors: [TaskVector]) -> [Double] {
    var totals = vectors.map { _ in 0.0 }
    inBlocks(vectors, length: Tensor.blockLength) { block, laid, deltas in
      for number in laid.indices {
        laid[number].fill(deltas, block)
        totals[number] += kernel_dot(deltas, deltas, block.count)
      }
    }
    return zip(vectors, totals).map { vector, total in
      vector.base.count == 0 ? 0 : total * vector.factor * vector.factor / Double(vector.base.count)
    }
  }
}

extension Tensor {
  /// How many entries are not zero.
  public var nonzeroCount: Int {
    var total = 0
    Tensor.inBlocks(0..<count) { block, scratch in
      withFloats(block, scratch) { entries in
        var nonzero: UInt32 = 0
        for index in 0..<block.count { nonzero &+= entries[index] == 0 ? 0 : 1 }
        total += Int(nonzero)
      }
    }
    return total
  }
}
