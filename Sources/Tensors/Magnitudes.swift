/// The magnitudes of a tensor's entries, or of the differences of two tensors' entries, which are taken in float32.
public struct Magnitudes: Sendable {
  public let tensor: Tensor
  public let base: Tensor?

  /// |xⱼ|.
  public init(_ tensor: Tensor) {
    self.tensor = tensor
    base = nil
  }

  /// |xⱼ − bⱼ|.
  public init(_ tensor: Tensor, minus base: Tensor) {
    precondition(tensor.shape == base.shape, "tensors of one shape, not \(tensor.shape) and \(base.shape)")
    self.tensor = tensor
    self.base = base
  }

  public var count: Int { tensor.count }

  /// Goes over the entries in blocks: what to subtract from what, zeros where there is no base.
  func inBlocks(
    _ range: Range<Int>, _ body: (Range<Int>, _ entries: UnsafePointer<Float>, _ base: UnsafePointer<Float>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Tensor.blockLength) { second in
      second.initialize(repeating: 0)
      guard let zeros = second.baseAddress else { return }
      Tensor.inBlocks(range) { block, scratch in
        tensor.withFloats(block, scratch) { entries in
          if let base {
            base.withFloats(block, second) { body(block, entries, $0) }
          } else {
            body(block, entries, zeros)
          }
        }
      }
    }
  }
}
