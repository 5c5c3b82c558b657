/// Entry-by-entry arithmetic on float32 tensors of one shape. Each entry is worked out in float64, in the order of the operands,
/// and rounded once.
extension Tensor {
  /// Σₖ wₖ xₖ.
  public static func weightedSum(_ tensors: [Tensor], weights: [Double]) -> Tensor {
    precondition(tensors.count == weights.count && !tensors.isEmpty, "each tensor has a weight")
    let shape = tensors[0].shape
    return Tensor(shape: shape) { result in
      inBlocks(shape.count) { block in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: block.count) { sums in
          sums.initialize(repeating: Tensor.nothing)
          for (tensor, weight) in zip(tensors, weights) {
            tensor.withFloats { entries in
              for index in 0..<block.count { sums[index] += weight * Double(entries[block.lowerBound + index]) }
            }
          }
          for index in 0..<block.count { result[block.lowerBound + index] = Float(sums[index]) }
        }
      }
    }
  }

  /// Σₖ λₖ fₖ θₖ / Σₖ λₖ fₖ: an average of values by their precisions.
  ///
  /// - Parameters:
  ///   - values: θₖ.
  ///   - precisions: Fₖ, not negative.
  ///   - weights: λₖ.
  ///   - floors: fₖ is at least this.
  ///   - offsets: What is added to Fₖ before that.
  /// - Returns: The average; where all λₖ fₖ are zero, the first value.
  public static func precisionWeightedAverage(
    _ values: [Tensor], precisions: [Tensor], weights: [Double], floors: [Double], offsets: [Double]
  ) -> Tensor {
    let shape = values[0].shape
    return Tensor(shape: shape) { result in
      inBlocks(shape.count) { block in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * block.count) { memory in
          let sums = UnsafeMutableBufferPointer(rebasing: memory[..<block.count])
          let totals = UnsafeMutableBufferPointer(rebasing: memory[block.count...])
          sums.initialize(repeating: Tensor.nothing)
          totals.initialize(repeating: 0)
          for operand in values.indices {
            let (weight, floor, offset) = (weights[operand], floors[operand], offsets[operand])
            values[operand].withFloats { value in
              precisions[operand].withFloats { precision in
                for index in 0..<block.count {
                  let entry = block.lowerBound + index
                  let share = weight * max(Double(precision[entry]) + offset, floor)
                  sums[index] += share * Double(value[entry])
                  totals[index] += share
                }
              }
            }
          }
          values[0].withFloats { first in
            for index in 0..<block.count {
              let entry = block.lowerBound + index
              result[entry] = totals[index] == 0 ? first[entry] : Float(sums[index] / totals[index])
            }
          }
        }
      }
    }
  }

  /// Where a sum begins: to add −0 changes no number, not even −0, so copies of a tensor sum up to it bit for bit.
  private static let nothing = -0.0

  /// Σᵢ aᵢ bᵢ in float64, grouped by the tensors' length alone.
  public static func dot(_ a: Tensor, _ b: Tensor) -> Double {
    precondition(a.count == b.count, "a dot product is of tensors of one length")
    var total = 0.0
    a.withFloats { a in
      b.withFloats { b in
        inBlocks(a.count) { block in
          // Eight running sums, so that the loop becomes vector code; then their sum, always in this order.
          var sums = SIMD8<Double>(repeating: 0)
          var index = block.lowerBound
          while index + 8 <= block.upperBound {
            for lane in 0..<8 { sums[lane] += Double(a[index + lane]) * Double(b[index + lane]) }
            index += 8
          }
          var sum = (0..<8).reduce(0.0) { $0 + sums[$1] }
          while index < block.upperBound {
            sum += Double(a[index]) * Double(b[index])
            index += 1
          }
          total += sum
        }
      }
    }
    return total
  }

  /// The Euclidean norm of all entries.
  public var norm: Double { Tensor.dot(self, self).squareRoot() }

  /// Goes over 0..<count in blocks that stay in the first cache.
  private static func inBlocks(_ count: Int, _ body: (Range<Int>) -> Void) {
    for start in stride(from: 0, to: count, by: 2048) { body(start..<min(start + 2048, count)) }
  }
}
