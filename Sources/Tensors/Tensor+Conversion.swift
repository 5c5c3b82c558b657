extension Tensor {
  /// The same entries as another dtype.
  ///
  /// Floats are rounded once, to nearest even; NaN stays NaN, infinities stay, what is too large becomes infinite. Whole numbers
  /// are the nearest to the entry that the dtype holds, even ones where two are as near, and 0 for NaN. 8-bit floats and flags
  /// are carried, not converted.
  public func converted(to target: DType) -> Tensor {
    if dtype == target { return self }
    switch target {
    case .f32:
      return Tensor(shape: shape) { copyFloats(0..<count, to: $0) }
    case .f64:
      let buffer = Buffer(count: count * 8) { copyDoubles(0..<count, to: $0.bindMemory(to: Double.self)) }
      return Tensor(dtype: .f64, shape: shape, buffer: buffer)
    case .f16, .bf16:
      let buffer = Buffer(count: count * 2) { fill(halves: $0.bindMemory(to: UInt16.self), target) }
      return Tensor(dtype: target, shape: shape, buffer: buffer)
    case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8:
      let buffer = Buffer(count: count * target.size) { fill(wholeNumbers: $0, target) }
      return Tensor(dtype: target, shape: shape, buffer: buffer)
    case .bool, .f8e4m3, .f8e5m2:
      preconditionFailure("\(dtype.rawValue) is not converted to \(target.rawValue), which is only carried")
    }
  }

  /// The entries as float32.
  public var floats: [Float] {
    [Float](unsafeUninitializedCapacity: count) { entries, filled in
      copyFloats(0..<count, to: entries)
      filled = count
    }
  }

  /// The entries as float64.
  public var doubles: [Double] {
    [Double](unsafeUninitializedCapacity: count) { entries, filled in
      copyDoubles(0..<count, to: entries)
      filled = count
    }
  }

  /// The entries as whole numbers, rounded and clamped as by `converted(to: .i64)`.
  public var integers: [Int] {
    converted(to: .i64).withBytes { bytes in
      [Int](unsafeUninitializedCapacity: count) { entries, filled in
        UnsafeMutableRawBufferPointer(entries).copyMemory(from: bytes)
        filled = count
      }
    }
  }

  /// The entries as float32, without a copy where they are that already and aligned.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    let isAligned = withBytes { UInt(bitPattern: $0.baseAddress) % 4 == 0 }
    guard dtype == .f32, isAligned else { return try floats.withUnsafeBufferPointer(body) }
    return try withBytes { try body($0.assumingMemoryBound(to: Float.self)) }
  }

  /// Writes a run of entries as float32, so that a tensor of any dtype can be worked through block by block.
  public func copyFloats(_ range: Range<Int>, to target: UnsafeMutableBufferPointer<Float>) {
    precondition(range.count <= target.count, "\(range.count) entries do not fit \(target.count) places")
    withRun(range) { source in
      guard let target = target.baseAddress else { return }
      switch dtype {
      case .f32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: range.count * 4)
      case .bf16: HalfFloat.floats(bfloat16: source, range.count, into: target)
      case .f16: HalfFloat.floats(float16: source, range.count, into: target)
      default: NumberConversion.floats(dtype, source, range.count, into: target)
      }
    }
  }

  /// Writes a run of entries as float64.
  public func copyDoubles(_ range: Range<Int>, to target: UnsafeMutableBufferPointer<Double>) {
    precondition(range.count <= target.count, "\(range.count) entries do not fit \(target.count) places")
    switch dtype {
    case .bf16, .f16:
      Tensor.inBlocks(range) { block, scratch in
        copyFloats(block, to: scratch)
        let start = block.lowerBound - range.lowerBound
        let target = UnsafeMutableBufferPointer(rebasing: target[start..<start + block.count])
        for index in 0..<block.count { target[index] = Double(scratch[index]) }
      }
    default:
      withRun(range) { source in
        guard let target = target.baseAddress else { return }
        NumberConversion.doubles(dtype, source, range.count, into: target)
      }
    }
  }

  private func fill(halves target: UnsafeMutableBufferPointer<UInt16>, _ kind: DType) {
    let narrow = kind == .f16 ? HalfFloat.float16(_:_:into:) : HalfFloat.bfloat16(_:_:into:)
    guard let target = target.baseAddress else { return }
    if dtype == .f32 { return withRun(0..<count) { narrow($0, count, target) } }
    Tensor.inBlocks(0..<count) { block, scratch in
      guard let floats = scratch.baseAddress else { return }
      if dtype == .f64 {
        withRun(block) { HalfFloat.oddFloats($0, block.count, into: floats) }
      } else {
        copyFloats(block, to: scratch)
      }
      narrow(floats, block.count, target + block.lowerBound)
    }
  }

  private func fill(wholeNumbers target: UnsafeMutableRawBufferPointer, _ kind: DType) {
    guard dtype.isFloat else {
      return withRun(0..<count) { NumberConversion.wholeNumbers(dtype, $0, count, into: target, kind) }
    }
    let source = doubles
    source.withUnsafeBytes { source in
      guard let source = source.baseAddress else { return }
      NumberConversion.wholeNumbers(.f64, source, count, into: target, kind)
    }
  }

  /// The bytes of a run of entries; not called for an empty run.
  private func withRun(_ range: Range<Int>, _ body: (UnsafeRawPointer) -> Void) {
    guard !range.isEmpty else { return }
    withBytes(of: range) { bytes in if let source = bytes.baseAddress { body(source) } }
  }

  /// Goes over a range in blocks that stay in the first cache, with room for a block's entries.
  static func inBlocks(_ range: Range<Int>, _ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength) { scratch in
      for start in stride(from: range.lowerBound, to: range.upperBound, by: blockLength) {
        body(start..<min(start + blockLength, range.upperBound), scratch)
      }
    }
  }

  /// Entries of a block.
  static let blockLength = 2048
}
