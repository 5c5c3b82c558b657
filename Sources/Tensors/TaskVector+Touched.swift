import CKernels

extension TaskVector {
  /// How many of a task vector's entries it alone changes, and how many it shares with others.
  public struct Touched: Sendable, Hashable {
    public var alone = 0
    public var shared = 0
  }

  /// Counts which entries change by more than `threshold`, for each task vector.
  public static func touched(_ vectors: [TaskVector], threshold: Float) -> [Touched] {
    var result = vectors.map { _ in Touched() }
    counting(vectors, threshold) { block, _, deltas, counts in
      for number in vectors.indices {
        let delta = deltas + number * length
        var (alone, shared): (UInt32, UInt32) = (0, 0)
        for index in 0..<block.count {
          let changes: UInt32 = delta[index].magnitude > threshold ? 1 : 0
          let isAlone: UInt32 = counts[index] == 1 ? 1 : 0
          alone &+= changes & isAlone
          shared &+= changes & ~isAlone
        }
        result[number].alone += Int(alone)
        result[number].shared += Int(shared)
      }
    }
    return result
  }

  /// b + the mean of the δₖ that change an entry by more than `threshold`, as float32; where only one does, its δₖ times its
  /// factor.
  public static func meanOfTouching(_ vectors: [TaskVector], threshold: Float, factors: [Double]) -> Tensor {
    guard let shape = vectors.first?.base.shape else { preconditionFailure("there is no task vector to merge") }
    return Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { sums in
        counting(vectors, threshold) { block, base, deltas, counts in
          for index in 0..<block.count { sums[index] = 0 }
          for number in vectors.indices {
            let delta = deltas + number * length
            let factor = Float(factors[number])
            for index in 0..<block.count {
              let changes: Float = delta[index].magnitude > threshold ? 1 : 0
              sums[index] += changes * (counts[index] == 1 ? factor : 1) * delta[index]
            }
          }
          for index in 0..<block.count { sums[index] /= counts[index] > 1 ? counts[index] : 1 }
          guard let target = UnsafeMutableBufferPointer(rebasing: result[block]).baseAddress else { return }
          kernel_move(target, base.place, base.kind, sums.baseAddress, nil, 1, 0, 1, block.count)
        }
      }
    }
  }

  private static let length = 512

  /// Goes over task vectors in blocks, with how many of them change each entry.
  @inline(__always)
  private static func counting(
    _ vectors: [TaskVector], _ threshold: Float,
    _ body: (
      Range<Int>, _ base: LaidTaskVector.Entries, _ deltas: UnsafePointer<Float>, _ counts: UnsafePointer<Float>
    ) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { counts in
      guard let counts = counts.baseAddress else { return }
      inBlocks(vectors, length: length) { block, laid, deltas in
        for index in 0..<block.count { counts[index] = 0 }
        for number in laid.indices {
          let delta = deltas + number * length
          laid[number].fill(delta, block)
          for index in 0..<block.count { counts[index] += delta[index].magnitude > threshold ? 1 : 0 }
        }
        body(block, laid[0].base(block), deltas, counts)
      }
    }
  }
}
