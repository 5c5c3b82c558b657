/// Runs of whole numbers and of float64 as other numbers, for every pair of types. Sources need no alignment.
enum NumberConversion {
  /// F64 or whole numbers, each as the nearest float32.
  static func floats(
    _ dtype: DType, _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<Float>
  ) {
    switch dtype {
    case .f64: each(source, count) { (entry: Double, index) in target[index] = Float(entry) }
    case .i64: each(source, count) { (entry: Int64, index) in target[index] = Float(entry) }
    case .i32: each(source, count) { (entry: Int32, index) in target[index] = Float(entry) }
    case .i16: each(source, count) { (entry: Int16, index) in target[index] = Float(entry) }
    case .i8: each(source, count) { (entry: Int8, index) in target[index] = Float(entry) }
    case .u64: each(source, count) { (entry: UInt64, index) in target[index] = Float(entry) }
    case .u32: each(source, count) { (entry: UInt32, index) in target[index] = Float(entry) }
    case .u16: each(source, count) { (entry: UInt16, index) in target[index] = Float(entry) }
    case .u8: each(source, count) { (entry: UInt8, index) in target[index] = Float(entry) }
    default: notANumber(dtype)
    }
  }

  /// F64, F32 or whole numbers, each as the nearest float64.
  static func doubles(
    _ dtype: DType, _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<Double>
  ) {
    switch dtype {
    case .f64: each(source, count) { (entry: Double, index) in target[index] = entry }
    case .f32: each(source, count) { (entry: Float, index) in target[index] = Double(entry) }
    case .i64: each(source, count) { (entry: Int64, index) in target[index] = Double(entry) }
    case .i32: each(source, count) { (entry: Int32, index) in target[index] = Double(entry) }
    case .i16: each(source, count) { (entry: Int16, index) in target[index] = Double(entry) }
    case .i8: each(source, count) { (entry: Int8, index) in target[index] = Double(entry) }
    case .u64: each(source, count) { (entry: UInt64, index) in target[index] = Double(entry) }
    case .u32: each(source, count) { (entry: UInt32, index) in target[index] = Double(entry) }
    case .u16: each(source, count) { (entry: UInt16, index) in target[index] = Double(entry) }
    case .u8: each(source, count) { (entry: UInt8, index) in target[index] = Double(entry) }
    default: notANumber(dtype)
    }
  }

  /// F64 or whole numbers as whole numbers of another type: clamped, fractions rounded to nearest even, 0 for NaN.
  static func wholeNumbers(
    _ dtype: DType, _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableRawBufferPointer, _ kind: DType
  ) {
    switch kind {
    case .i64: whole(dtype, source, count, into: target.bindMemory(to: Int64.self))
    case .i32: whole(dtype, source, count, into: target.bindMemory(to: Int32.self))
    case .i16: whole(dtype, source, count, into: target.bindMemory(to: Int16.self))
    case .i8: whole(dtype, source, count, into: target.bindMemory(to: Int8.self))
    case .u64: whole(dtype, source, count, into: target.bindMemory(to: UInt64.self))
    case .u32: whole(dtype, source, count, into: target.bindMemory(to: UInt32.self))
    case .u16: whole(dtype, source, count, into: target.bindMemory(to: UInt16.self))
    case .u8: whole(dtype, source, count, into: target.bindMemory(to: UInt8.self))
    default: notANumber(kind)
    }
  }

  private static func whole<Target: FixedWidthInteger>(
    _ dtype: DType, _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableBufferPointer<Target>
  ) {
    switch dtype {
    case .f64: each(source, count) { (entry: Double, index) in target[index] = nearest(entry) }
    case .i64: each(source, count) { (entry: Int64, index) in target[index] = Target(clamping: entry) }
    case .i32: each(source, count) { (entry: Int32, index) in target[index] = Target(clamping: entry) }
    case .i16: each(source, count) { (entry: Int16, index) in target[index] = Target(clamping: entry) }
    case .i8: each(source, count) { (entry: Int8, index) in target[index] = Target(clamping: entry) }
    case .u64: each(source, count) { (entry: UInt64, index) in target[index] = Target(clamping: entry) }
    case .u32: each(source, count) { (entry: UInt32, index) in target[index] = Target(clamping: entry) }
    case .u16: each(source, count) { (entry: UInt16, index) in target[index] = Target(clamping: entry) }
    case .u8: each(source, count) { (entry: UInt8, index) in target[index] = Target(clamping: entry) }
    default: notANumber(dtype)
    }
  }

  private static func nearest<Target: FixedWidthInteger>(_ value: Double) -> Target {
    let rounded = value.rounded(.toNearestOrEven)
    if let exact = Target(exactly: rounded) { return exact }
    return value.isNaN ? 0 : value < 0 ? .min : .max
  }

  @inline(__always)
  private static func each<Entry: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ count: Int, _ body: (Entry, Int) -> Void
  ) {
    for index in 0..<count {
      body(source.loadUnaligned(fromByteOffset: index &* MemoryLayout<Entry>.size, as: Entry.self), index)
    }
  }

  private static func notANumber(_ dtype: DType) -> Never {
    preconditionFailure("\(dtype.rawValue) entries are carried, not converted")
  }
}
