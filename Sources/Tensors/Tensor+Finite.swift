extension Tensor {
  /// The index of the first entry that is NaN or infinite; nil where all are finite or the dtype has no such entries.
  ///
  /// 8-bit floats are carried unseen.
  public var firstNonFinite: Int? { withBytes(dtype.firstNonFinite) }
}

extension DType {
  /// The index of the first of some entries that is NaN or infinite.
  func firstNonFinite(_ bytes: UnsafeRawBufferPointer) -> Int? {
    switch self {
    case .f64: DType.firstNonFinite(bytes, exponent: 0x7FF0_0000_0000_0000 as UInt64)
    case .f32: DType.firstNonFinite(bytes, exponent: 0x7F80_0000 as UInt32)
    case .f16: DType.firstNonFinite(bytes, exponent: 0x7C00 as UInt16)
    case .bf16: DType.firstNonFinite(bytes, exponent: 0x7F80 as UInt16)
    default: nil
    }
  }

  /// The first entry whose exponent bits are all set.
  private static func firstNonFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, exponent: Bits
  ) -> Int? {
    let size = MemoryLayout<Bits>.size
    let count = bytes.count / size
    // One more than all ones carries into the sign bit. A block's sign bits are gathered without a branch.
    let one = exponent & (0 &- exponent)
    for start in stride(from: 0, to: count, by: Tensor.blockLength) {
      let end = min(start + Tensor.blockLength, count)
      var found: Bits = 0
      for index in start..<end {
        found |= (bytes.loadUnaligned(fromByteOffset: index &* size, as: Bits.self) & exponent) &+ one
      }
      guard found.leadingZeroBitCount == 0 else { continue }
      return (start..<end).first {
        bytes.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self) & exponent == exponent
      }
    }
    return nil
  }
}
