/// What fine-tuning added to one tensor, δ = x − b, or what is kept of it.
///
/// The difference is taken in float32 and never stored: whoever works with it goes over the model's and the base's entries.
public struct TaskVector: Sendable {
  /// What is kept of a difference; all else is zero.
  public enum Kept: Sendable {
    case everything
    /// The entries that rank above one cut and not above the other.
    case between(above: MagnitudeCut, notAbove: MagnitudeCut)
    case mask(EntryMask)
    /// Each entry divided by its own number, infinity for what is dropped.
    case divisors(Tensor)
  }

  public let model: Tensor
  public let base: Tensor
  public let kept: Kept
  /// What all that is kept is multiplied with.
  public let factor: Double

  public init(_ model: Tensor, minus base: Tensor, kept: Kept = .everything, factor: Double = 1) {
    precondition(model.shape == base.shape, "tensors of one shape, not \(model.shape) and \(base.shape)")
    self.model = model
    self.base = base
    self.kept = kept
    self.factor = factor
  }

  /// The same, multiplied so that the sum of its magnitudes is again what it was before entries were dropped; left alone where
  /// either sum is less than 10⁻⁷.
  public func rescaledToFullSum() -> TaskVector {
    guard case .everything = kept else {
      let (all, left) = magnitudeSums()
      return all < 1e-7 || left < 1e-7 ? self : TaskVector(model, minus: base, kept: kept, factor: factor * all / left)
    }
    return self
  }

  /// Σ|δ| and Σ|what is kept of δ|, without the factor.
  private func magnitudeSums() -> (all: Double, kept: Double) {
    let length = Tensor.blockLength
    var (all, left) = (0.0, 0.0)
    TaskVector.inBlocks([self], length: length) { block, base, deltas, scratch in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: length) { magnitudes in
        let difference = TaskVector(model, minus: self.base)
        difference.fill(deltas, block, base: base, scratch)
        all += TaskVector.sum(deltas, block.count, magnitudes)
        fill(deltas, block, base: base, scratch)
        left += TaskVector.sum(deltas, block.count, magnitudes)
      }
    }
    return (all, left)
  }

  /// The sum of a block's magnitudes.
  private static func sum(
    _ entries: UnsafePointer<Float>, _ count: Int, _ magnitudes: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    for index in 0..<count { magnitudes[index] = Double(entries[index].magnitude) }
    for index in count..<Tensor.blockLength { magnitudes[index] = 0 }
    return Tensor.sum(magnitudes)
  }

  /// Goes over task vectors of one base in blocks, with the base's entries, room for `length` entries of each vector and for
  /// one block.
  static func inBlocks(
    _ vectors: [TaskVector], length: Int,
    _ body: (
      Range<Int>, _ base: UnsafePointer<Float>, _ deltas: UnsafeMutablePointer<Float>,
      _ scratch: UnsafeMutableBufferPointer<Float>
    ) -> Void
  ) {
    guard let base = vectors.first?.base else { preconditionFailure("there is no task vector to work on") }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Tensor.blockLength) { second in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length * vectors.count) { deltas in
        guard let deltas = deltas.baseAddress else { return }
        Tensor.inBlocks(0..<base.count, length: length) { block, scratch in
          base.withFloats(block, second) { body(block, $0, deltas, scratch) }
        }
      }
    }
  }

  // MARK: Blocks

  /// Writes a block of what is kept of the difference, without the factor.
  ///
  /// - Parameters:
  ///   - base: The base's entries of the block.
  ///   - scratch: Room for a block.
  func fill(
    _ target: UnsafeMutablePointer<Float>, _ block: Range<Int>, base: UnsafePointer<Float>,
    _ scratch: UnsafeMutableBufferPointer<Float>
  ) {
    let count = block.count
    model.withFloats(block, scratch) { entries in
      switch kept {
      case .everything:
        for index in 0..<count { target[index] = entries[index] - base[index] }
      case .between(let lower, let upper):
        // Between the ends of ties, the cuts are plain bounds.
        let first = TaskVector.place(min(lower.tieEnd, upper.tieEnd), in: block)
        let second = TaskVector.place(max(lower.tieEnd, upper.tieEnd), in: block)
        for (start, end) in [(0, first), (first, second), (second, count)] where start < end {
          let low = Int32(bitPattern: lower.floor(at: block.lowerBound + start))
          let high = Int32(bitPattern: upper.floor(at: block.lowerBound + start))
          for index in start..<end {
            let bits = (entries[index] - base[index]).bitPattern
            let magnitude = Int32(bitPattern: bits & 0x7FFF_FFFF)
            // A sign bit tells whether one is less than the other.
            let isKept = UInt32(bitPattern: (~(magnitude &- low) & (magnitude &- high)) &>> 31)
            target[index] = Float(bitPattern: bits & isKept)
          }
        }
      case .mask(let mask):
        mask.buffer.withBytes { bytes in
          guard let bytes = bytes.baseAddress?.assumingMemoryBound(to: Int8.self) else { return }
          let mask = bytes + block.lowerBound
          for index in 0..<count {
            let bits = (entries[index] - base[index]).bitPattern
            target[index] = Float(bitPattern: bits & UInt32(bitPattern: Int32(mask[index])))
          }
        }
      case .divisors(let divisors):
        divisors.withFloats { divisors in
          let divisors = UnsafeBufferPointer(rebasing: divisors[block])
          for index in 0..<count { target[index] = (entries[index] - base[index]) / divisors[index] }
        }
      }
    }
  }

  /// Where an index lies within a block, or the nearest end of it.
  private static func place(_ index: Int, in block: Range<Int>) -> Int {
    min(max(index, block.lowerBound), block.upperBound) - block.lowerBound
  }
}
