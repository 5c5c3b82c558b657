import CKernels

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

  /// The same, each multiplied so that the sum of its magnitudes is again what it was before entries were dropped; left alone
  /// where either sum is less than 10⁻⁷.
  public static func rescaledToFullSums(_ vectors: [TaskVector]) -> [TaskVector] {
    let places = vectors.indices.filter { if case .everything = vectors[$0].kept { false } else { true } }
    guard !places.isEmpty else { return vectors }
    var sums = vectors.map { _ in (all: 0.0, kept: 0.0) }
    inBlocks(vectors, length: Tensor.blockLength) { block, base, deltas, scratch in
      for place in places {
        vectors[place].subtract(base, into: deltas, block, scratch)
        sums[place].all += kernel_sum_magnitudes(deltas, block.count)
        vectors[place].keep(of: deltas, block)
        sums[place].kept += kernel_sum_magnitudes(deltas, block.count)
      }
    }
    return zip(vectors, sums).map { vector, sum in
      guard sum.all >= 1e-7, sum.kept >= 1e-7 else { return vector }
      return TaskVector(
        vector.model, minus: vector.base, kept: vector.kept, factor: vector.factor * sum.all / sum.kept)
    }
  }

  // MARK: Blocks

  /// Entries where they lie, as they are stored.
  struct Stored {
    let entries: UnsafeRawPointer
    let kind: KernelFloat
  }

  /// Goes over a run of task vectors of one base, or all of it, in blocks, with the base's entries, room for `length` entries
  /// of each vector and for one block.
  static func inBlocks(
    _ vectors: [TaskVector], _ run: Range<Int>? = nil, length: Int,
    _ body: (
      Range<Int>, _ base: Stored, _ deltas: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableBufferPointer<Float>
    ) -> Void
  ) {
    guard let base = vectors.first?.base else { preconditionFailure("there is no task vector to work on") }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Tensor.blockLength) { second in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length * vectors.count) { deltas in
        guard let deltas = deltas.baseAddress else { return }
        Tensor.inBlocks(run ?? 0..<base.count, length: length) { block, scratch in
          base.withStored(block, second) { entries, dtype in
            body(block, Stored(entries: entries, kind: dtype.kernelFloat), deltas, scratch)
          }
        }
      }
    }
  }

  /// Writes a block of what is kept of the difference, without the factor.
  ///
  /// - Parameters:
  ///   - base: The base's entries of the block.
  ///   - scratch: Room for a block.
  func fill(
    _ target: UnsafeMutablePointer<Float>, _ block: Range<Int>, base: Stored,
    _ scratch: UnsafeMutableBufferPointer<Float>
  ) {
    subtract(base, into: target, block, scratch)
    keep(of: target, block)
  }

  private func subtract(
    _ base: Stored, into target: UnsafeMutablePointer<Float>, _ block: Range<Int>,
    _ scratch: UnsafeMutableBufferPointer<Float>
  ) {
    model.withStored(block, scratch) { entries, dtype in
      kernel_difference(target, entries, dtype.kernelFloat, base.entries, base.kind, block.count)
    }
  }

  /// Leaves of a block's differences what is kept.
  private func keep(of target: UnsafeMutablePointer<Float>, _ block: Range<Int>) {
    switch kept {
    case .everything: return
    case .between(let lower, let upper):
      // Between the ends of ties, the cuts are plain bounds.
      let first = TaskVector.place(min(lower.tieEnd, upper.tieEnd), in: block)
      let second = TaskVector.place(max(lower.tieEnd, upper.tieEnd), in: block)
      for (start, end) in [(0, first), (first, second), (second, block.count)] where start < end {
        let index = block.lowerBound + start
        let (least, below) = (lower.floor(at: index), upper.floor(at: index))
        kernel_keep_between(target + start, end - start, Int32(bitPattern: least), Int32(bitPattern: below))
      }
    case .mask(let mask):
      mask.buffer.withBytes { bytes in
        guard let words = bytes.baseAddress?.assumingMemoryBound(to: UInt32.self) else { return }
        kernel_keep_masked(target, block.count, words, block.lowerBound)
      }
    case .divisors(let divisors):
      divisors.withFloats { divisors in
        let divisors = UnsafeBufferPointer(rebasing: divisors[block])
        for index in 0..<block.count { target[index] /= divisors[index] }
      }
    }
  }

  /// Where an index lies within a block, or the nearest end of it.
  private static func place(_ index: Int, in block: Range<Int>) -> Int {
    min(max(index, block.lowerBound), block.upperBound) - block.lowerBound
  }
}
