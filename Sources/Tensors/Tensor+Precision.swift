/// A tensor and how precisely each of its entries is known, for an average by precisions.
public struct PrecisionOperand: Sendable {
  public let values: Tensor
  /// One non-negative number for each value.
  public let precisions: Tensor
  /// How much the operand counts as a whole, λ.
  public let weight: Double
  /// A precision counts as at least this.
  public let floor: Double
  /// What is added to a precision, before the floor.
  public let offset: Double

  public init(values: Tensor, precisions: Tensor, weight: Double, floor: Double = 0, offset: Double = 0) {
    precondition(
      values.shape == precisions.shape, "each value has a precision: \(values.shape) and \(precisions.shape)")
    self.values = values
    self.precisions = precisions
    self.weight = weight
    self.floor = floor
    self.offset = offset
  }
}

extension Tensor {
  /// Σₖ λₖ fₖ θₖ / Σₖ λₖ fₖ, where fₖ = max(Fₖ + offsetₖ, floorₖ): an average of values by their precisions, as float32.
  ///
  /// Each entry is worked out in float64, in the order of the operands. Where Σₖ λₖ fₖ is 0 nothing is known, and the first
  /// operand's value is kept.
  /// - Returns: The average, and how many entries were kept so.
  public static func precisionWeightedAverage(_ operands: [PrecisionOperand]) -> (average: Tensor, kept: Int) {
    guard let first = operands.first?.values else { preconditionFailure("there is no tensor to average") }
    let shape = first.shape
    for other in operands {
      precondition(other.values.shape == shape, "tensors of one shape, not \(shape) and \(other.values.shape)")
    }
    var kept = 0
    let average = Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * blockLength) { memory in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength) { second in
          guard let sums = memory.baseAddress else { return }
          let shares = sums + blockLength
          inBlocks(0..<shape.count) { block, scratch in
            for (number, operand) in operands.enumerated() {
              operand.values.withFloats(block, scratch) { values in
                operand.precisions.withFloats(block, second) { precisions in
                  add(operand, values, precisions, block.count, isFirst: number == 0, sums, shares)
                }
              }
            }
            let target = UnsafeMutableBufferPointer(rebasing: result[block])
            first.withFloats(block, scratch) { values in
              // Bits, not branches, choose between the two: so it becomes vector code.
              var zeros: UInt64 = 0
              for index in 0..<block.count {
                let isZero: UInt64 = shares[index] == 0 ? ~0 : 0
                let mean = (sums[index] / shares[index]).bitPattern
                let chosen = Double(values[index]).bitPattern & isZero | mean & ~isZero
                target[index] = Float(Double(bitPattern: chosen))
                zeros &+= isZero & 1
              }
              kept += Int(zeros)
            }
          }
        }
      }
    }
    return (average, kept)
  }

  /// Adds λ f θ to the sums and λ f to the shares; the first operand begins them, or the sign of -0 would be lost.
  @inline(__always)
  private static func add(
    _ operand: PrecisionOperand, _ values: UnsafePointer<Float>, _ precisions: UnsafePointer<Float>, _ count: Int,
    isFirst: Bool, _ sums: UnsafeMutablePointer<Double>, _ shares: UnsafeMutablePointer<Double>
  ) {
    let (weight, floor, offset) = (operand.weight, operand.floor, operand.offset)
    if isFirst {
      for index in 0..<count {
        let share = weight * atLeast(floor, Double(precisions[index]) + offset)
        sums[index] = share * Double(values[index])
        shares[index] = share
      }
    } else {
      for index in 0..<count {
        let share = weight * atLeast(floor, Double(precisions[index]) + offset)
        sums[index] += share * Double(values[index])
        shares[index] += share
      }
    }
  }

  /// The greater of the two; a NaN precision stays NaN.
  @inline(__always)
  private static func atLeast(_ floor: Double, _ precision: Double) -> Double { precision < floor ? floor : precision }
}
