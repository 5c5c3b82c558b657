extension Tensor {
  /// The same entries as another float dtype, rounded to nearest even. Whole numbers become the nearest float.
  ///
  /// NaN stays NaN, infinities stay, what is too large becomes infinite. 8-bit floats and flags are carried, not converted.
  public func converted(to target: DType) -> Tensor {
    if dtype == target { return self }
    switch target {
    case .f32: return Tensor(shape: shape) { fill(floats: $0) }
    case .f64:
      let buffer = Buffer(count: count * 8) { fill(doubles: $0.bindMemory(to: Double.self)) }
      return Tensor(dtype: .f64, shape: shape, buffer: buffer)
    case .f16, .bf16:
      let source = dtype == .f64 ? roundedToOdd() : converted(to: .f32)
      let buffer = Buffer(count: count * 2) { bytes in
        let entries = bytes.bindMemory(to: UInt16.self)
        source.withBytes { source in
          if target == .f16 {
            for index in 0..<count { entries[index] = HalfFloat.float16(source.word(index)) }
          } else {
            for index in 0..<count { entries[index] = HalfFloat.bfloat16(source.word(index)) }
          }
        }
      }
      return Tensor(dtype: target, shape: shape, buffer: buffer)
    default: preconditionFailure("\(dtype.rawValue) is not converted to \(target.rawValue): only floats are made")
    }
  }

  /// The entries as float32.
  public var floats: [Float] {
    [Float](unsafeUninitializedCapacity: count) { entries, filled in
      fill(floats: entries)
      filled = count
    }
  }

  /// The entries as float64.
  public var doubles: [Double] {
    [Double](unsafeUninitializedCapacity: count) { entries, filled in
      fill(doubles: entries)
      filled = count
    }
  }

  /// The entries of an int64 tensor.
  public var integers: [Int] {
    precondition(dtype == .i64, "whole numbers are read from I64, not from \(dtype.rawValue)")
    return withBytes { bytes in
      (0..<count).map { Int(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
    }
  }

  /// The entries as float32, without a copy where that can be.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    let isAligned = withBytes { UInt(bitPattern: $0.baseAddress) % 4 == 0 }
    guard dtype == .f32, isAligned else { return try floats.withUnsafeBufferPointer(body) }
    return try withBytes { try body($0.bindMemory(to: Float.self)) }
  }

  /// The index of the first entry that is NaN or infinite; nil where all are finite or the entries are whole numbers.
  public var firstNonFinite: Int? {
    switch dtype {
    case .f64: return doubles.firstIndex { !$0.isFinite }
    case .f32, .f16, .bf16:
      return withFloats { entries in
        // Exponents with all bits set, counted without a branch, block by block.
        for start in stride(from: 0, to: entries.count, by: 4096) {
          let block = entries[start..<min(start + 4096, entries.count)]
          var found: UInt32 = 0
          for entry in block { found |= ((entry.bitPattern & 0x7F80_0000) &+ 0x0080_0000) & 0x8000_0000 }
          if found != 0 { return block.firstIndex { !$0.isFinite } }
        }
        return nil
      }
    default: return nil
    }
  }

  /// The rows with these numbers along the first axis, in this order.
  public func rows(_ indices: [Int]) -> Tensor {
    precondition(shape.rank > 0, "a scalar has no rows")
    let rowBytes = shape.axes.dropFirst().reduce(dtype.size, *)
    let buffer = Buffer(count: indices.count * rowBytes) { bytes in
      withBytes { source in
        for (row, index) in indices.enumerated() where rowBytes > 0 {
          let slice = UnsafeRawBufferPointer(rebasing: source[index * rowBytes..<(index + 1) * rowBytes])
          UnsafeMutableRawBufferPointer(rebasing: bytes[(row * rowBytes)...]).copyMemory(from: slice)
        }
      }
    }
    return Tensor(dtype: dtype, shape: Shape([indices.count] + shape.axes.dropFirst()), buffer: buffer)
  }

  // MARK: Reading every dtype

  private func fill(floats entries: UnsafeMutableBufferPointer<Float>) {
    withBytes { bytes in
      switch dtype {
      case .f32: UnsafeMutableRawBufferPointer(entries).copyMemory(from: bytes)
      case .bf16: for index in 0..<count { entries[index] = Float(bitPattern: UInt32(bytes.half(index)) << 16) }
      case .f16: for index in 0..<count { entries[index] = HalfFloat.float(float16: bytes.half(index)) }
      default:
        fill(from: bytes) {
          entries[$0] = Float($1)
        } whole: {
          entries[$0] = Float($1)
        }
      }
    }
  }

  private func fill(doubles entries: UnsafeMutableBufferPointer<Double>) {
    withBytes { bytes in
      switch dtype {
      case .f32: for index in 0..<count { entries[index] = Double(Float(bitPattern: bytes.word(index))) }
      case .bf16: for index in 0..<count { entries[index] = Double(Float(bitPattern: UInt32(bytes.half(index)) << 16)) }
      case .f16: for index in 0..<count { entries[index] = Double(HalfFloat.float(float16: bytes.half(index))) }
      default:
        fill(from: bytes) {
          entries[$0] = $1
        } whole: {
          entries[$0] = Double($1)
        }
      }
    }
  }

  private func fill(
    from bytes: UnsafeRawBufferPointer, double: (Int, Double) -> Void, whole: (Int, Int64) -> Void
  ) {
    func each<Entry>(_ type: Entry.Type, _ body: (Int, Entry) -> Void) {
      for index in 0..<count {
        body(index, bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Entry>.size, as: Entry.self))
      }
    }
    switch dtype {
    case .f64: each(Double.self, double)
    case .i64: each(Int64.self, whole)
    case .i32: each(Int32.self) { whole($0, Int64($1)) }
    case .i16: each(Int16.self) { whole($0, Int64($1)) }
    case .i8: each(Int8.self) { whole($0, Int64($1)) }
    case .u64: each(UInt64.self) { double($0, Double($1)) }
    case .u32: each(UInt32.self) { whole($0, Int64($1)) }
    case .u16: each(UInt16.self) { whole($0, Int64($1)) }
    case .u8: each(UInt8.self) { whole($0, Int64($1)) }
    case .f32, .f16, .bf16, .bool, .f8e4m3, .f8e5m2:
      preconditionFailure("\(dtype.rawValue) entries are not read one by one as numbers")
    }
  }

  /// Float32 entries that round on to a half float as if they came straight from float64: inexact ones are odd.
  private func roundedToOdd() -> Tensor {
    let exact = doubles
    return Tensor(shape: shape) { entries in
      for (index, value) in exact.enumerated() {
        var nearest = Float(value)
        if nearest.isFinite, Double(nearest) != value {
          if Double(nearest).magnitude > value.magnitude { nearest = Float(bitPattern: nearest.bitPattern &- 1) }
          nearest = Float(bitPattern: nearest.bitPattern | 1)
        }
        entries[index] = nearest
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  fileprivate func half(_ index: Int) -> UInt16 { loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self) }

  @inline(__always)
  fileprivate func word(_ index: Int) -> UInt32 { loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self) }
}
