/// The two 16-bit floats, whole runs of entries at a time.
///
/// Bit by bit and without branches, so that the loops become vector code; they stand in one file with what they call, or a debug
/// build would not inline it. Sources need no alignment.
enum HalfFloat {
  /// bfloat16 entries as float32: exact.
  static func floats(bfloat16 source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<Float>) {
    for index in 0..<count { target[index] = Float(bitPattern: UInt32(half(source, index)) &<< 16) }
  }

  /// IEEE half precision entries as float32: exact.
  static func floats(float16 source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<Float>) {
    for index in 0..<count { target[index] = float(float16: half(source, index)) }
  }

  /// float32 entries as bfloat16, rounded to nearest even.
  static func bfloat16(_ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<UInt16>) {
    for index in 0..<count { target[index] = bfloat16(word(source, index)) }
  }

  /// float32 entries as IEEE half precision, rounded to nearest even.
  static func float16(_ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<UInt16>) {
    for index in 0..<count { target[index] = float16(word(source, index)) }
  }

  /// float64 entries as float32, but inexact ones become odd: a half float rounded from these is as if it were rounded from
  /// float64 at once.
  static func oddFloats(_ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      let value = source.loadUnaligned(fromByteOffset: index &* 8, as: Double.self)
      let nearest = Float(value)
      let back = Double(nearest)
      let isAbove: UInt32 = back.magnitude > value.magnitude ? 1 : 0
      let isInexact: UInt32 = back != value ? 1 : 0
      target[index] = Float(bitPattern: (nearest.bitPattern &- isAbove) | isInexact)
    }
  }

  // MARK: One entry

  /// A NaN stays a NaN, made quiet.
  @inline(__always)
  private static func bfloat16(_ bits: UInt32) -> UInt16 {
    let rounded = (bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16
    let quiet = bits &>> 16 | 0x40
    let isNaN = mask(0x7F80_0000, isBelow: bits & 0x7FFF_FFFF)
    return UInt16(truncatingIfNeeded: quiet & isNaN | rounded & ~isNaN)
  }

  /// What is too large becomes infinite; a NaN stays a NaN.
  @inline(__always)
  private static func float16(_ bits: UInt32) -> UInt16 {
    let magnitude = bits & 0x7FFF_FFFF
    let normal = (magnitude &+ 0xC800_0FFF &+ (magnitude &>> 13 & 1)) &>> 13
    // Adding one half moves a subnormal's bits to the end of the mantissa, and rounds them there.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let isSmall = mask(magnitude, isBelow: 0x3880_0000)
    let isHuge = mask(0x477F_FFFF, isBelow: magnitude)
    let isNaN = mask(0x7F80_0000, isBelow: magnitude)
    let finite = subnormal & isSmall | normal & ~isSmall
    let huge: UInt32 = 0x7C00 | 0x0200 & isNaN
    return UInt16(truncatingIfNeeded: huge & isHuge | finite & ~isHuge | bits &>> 16 & 0x8000)
  }

  @inline(__always)
  private static func float(float16 half: UInt16) -> Float {
    let shifted = (UInt32(half) & 0x7FFF) &<< 13
    // The exponent's offset goes from 15 to 127, and all ones stay all ones.
    let isSpecial = mask(0x0F7F_FFFF, isBelow: shifted)
    let normal = shifted &+ 0x3800_0000 &+ (0x3800_0000 & isSpecial)
    // A subnormal is put behind the leading one of 2⁻¹⁴, which is then taken away.
    let subnormal = (Float(bitPattern: shifted &+ 0x3880_0000) - 0x1p-14).bitPattern
    let isSmall = mask(shifted, isBelow: 0x0080_0000)
    return Float(bitPattern: subnormal & isSmall | normal & ~isSmall | (UInt32(half) & 0x8000) &<< 16)
  }

  /// All ones where `a` < `b`, which are below 2³¹; else zero.
  @inline(__always)
  private static func mask(_ a: UInt32, isBelow b: UInt32) -> UInt32 {
    UInt32(bitPattern: Int32(bitPattern: a &- b) &>> 31)
  }

  @inline(__always)
  private static func half(_ source: UnsafeRawPointer, _ index: Int) -> UInt16 {
    source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
  }

  @inline(__always)
  private static func word(_ source: UnsafeRawPointer, _ index: Int) -> UInt32 {
    source.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)
  }
}
