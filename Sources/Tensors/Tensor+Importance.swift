import Foundation

extension Tensor {
  /// |x − b| times how much the row's distribution has changed, as float32: Iⱼ = |xⱼ − bⱼ| Σᵢ pᵢ ln(pᵢ/qᵢ), where p and q are
  /// the softmax of the model's and of the base's row, each plus 10⁻⁸. Rows run along the last axis; a scalar is a row of one.
  ///
  /// The divergence is never negative; what rounding leaves below zero counts as zero. Logarithms and exponentials are the
  /// system's.
  public static func importance(_ model: Tensor, base: Tensor) -> Tensor {
    let shape = commonShape([model, base])
    let length = shape.axes.last ?? 1
    return Tensor(shape: shape) { result in
      guard let result = result.baseAddress, shape.count > 0 else { return }
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * length) { entries in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * length) { numbers in
          guard let x = entries.baseAddress, let p = numbers.baseAddress else { return }
          let (b, q) = (x + length, p + length)
          for row in 0..<shape.count / length {
            let range = row * length..<(row + 1) * length
            model.copyFloats(range, to: UnsafeMutableBufferPointer(start: x, count: length))
            base.copyFloats(range, to: UnsafeMutableBufferPointer(start: b, count: length))
            softmax(x, length, into: p)
            softmax(b, length, into: q)
            var divergence = 0.0
            for index in 0..<length { divergence += p[index] * log(p[index] / q[index]) }
            divergence = max(divergence, 0)
            let target = result + range.lowerBound
            for index in 0..<length {
              target[index] = Float((Double(x[index]) - Double(b[index])).magnitude * divergence)
            }
          }
        }
      }
    }
  }

  private static func softmax(_ entries: UnsafePointer<Float>, _ count: Int, into shares: UnsafeMutablePointer<Double>)
  {
    var largest = -Float.infinity
    for index in 0..<count { largest = max(largest, entries[index]) }
    var total = 0.0
    for index in 0..<count {
      shares[index] = exp(Double(entries[index]) - Double(largest))
      total += shares[index]
    }
    for index in 0..<count { shares[index] = shares[index] / total + 1e-8 }
  }

  /// The entry at a place of the ascending order of the magnitudes: `floor(share · (count − 1))`.
  public func magnitudeQuantile(_ share: Double) -> Float {
    guard count > 0 else { return 0 }
    let place = Int(share * Double(count - 1))
    let cut = Magnitudes(self).cut(keeping: count - place)
    return cut == .everything ? smallestMagnitude : cut.magnitude
  }

  private var smallestMagnitude: Float {
    var smallest = Float.infinity
    Tensor.inBlocks(0..<count) { block, scratch in
      withFloats(block, scratch) { entries in
        for index in 0..<block.count { smallest = min(smallest, entries[index].magnitude) }
      }
    }
    return smallest
  }
}
