import CKernels

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

  /// Goes over a run of the differences, or of the entries where there is no base, in blocks.
  func inBlocks(_ range: Range<Int>, _ body: (Range<Int>, _ entries: UnsafePointer<Float>) -> Void) {
    guard let base else {
      return Tensor.inBlocks(range) { block, scratch in
        tensor.withFloats(block, scratch) { body(block, $0) }
      }
    }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * Tensor.blockLength) { memory in
      let second = UnsafeMutableBufferPointer(rebasing: memory[..<Tensor.blockLength])
      guard let differences = UnsafeMutableBufferPointer(rebasing: memory[Tensor.blockLength...]).baseAddress else {
        return
      }
      Tensor.inBlocks(range) { block, scratch in
        tensor.withStored(block, scratch) { entries, dtype in
          base.withStored(block, second) { base, baseType in
            kernel_difference(differences, entries, dtype.kernelFloat, base, baseType.kernelFloat, block.count)
          }
        }
        body(block, differences)
      }
    }
  }
}
