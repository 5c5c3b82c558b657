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
    inBlocks(vectors, length: Tensor.blockLength) { block, laid, deltas in
      for place in places {
        laid[place].subtract(into: deltas, block)
        if case .mask(let words) = laid[place].kept {
          var both = (all: 0.0, kept: 0.0)
          kernel_sum_masked_magnitudes(deltas, block.count, words, block.lowerBound, &both.all, &both.kept)
          sums[place] = (sums[place].all + both.all, sums[place].kept + both.kept)
        } else {
          sums[place].all += kernel_sum_magnitudes(deltas, block.count)
          laid[place].keep(of: deltas, block)
          sums[place].kept += kernel_sum_magnitudes(deltas, block.count)
        }
      }
    }
    return zip(vectors, sums).map { vector, sum in
      guard sum.all >= 1e-7, sum.kept >= 1e-7 else { return vector }
      return TaskVector(
        vector.model, minus: vector.base, kept: vector.kept, factor: vector.factor * sum.all / sum.kept)
    }
  }
}
