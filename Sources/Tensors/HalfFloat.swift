/// The two 16-bit floats, bit by bit and without branches, so that loops over them become vector code.
enum HalfFloat {
  /// The float32 with these bits as bfloat16, rounded to nearest even. NaN stays a quiet NaN.
  @inline(__always)
  static func bfloat16(_ bits: UInt32) -> UInt16 {
    let rounded = (bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16
    let quiet = bits &>> 16 | 0x40
    return UInt16(truncatingIfNeeded: select(quiet, rounded, where: bits & 0x7FFF_FFFF > 0x7F80_0000))
  }

  /// The float32 with these bits as IEEE half precision, rounded to nearest even.
  @inline(__always)
  static func float16(_ bits: UInt32) -> UInt16 {
    let magnitude = bits & 0x7FFF_FFFF
    let normal = (magnitude &+ 0xC800_0FFF &+ (magnitude &>> 13 & 1)) &>> 13
    // Adding one half moves a subnormal's bits to the end of the mantissa, and rounds them there.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let huge = select(0x7E00, 0x7C00, where: magnitude > 0x7F80_0000)
    let small = select(subnormal, normal, where: magnitude < 0x3880_0000)
    let result = select(huge, small, where: magnitude >= 0x4780_0000)
    return UInt16(truncatingIfNeeded: result | bits &>> 16 & 0x8000)
  }

  /// The value of an IEEE half.
  @inline(__always)
  static func float(float16 half: UInt16) -> Float {
    let bits = UInt32(half)
    let scaled = (Float(bitPattern: (bits & 0x7FFF) &<< 13) * Float(bitPattern: 0x7780_0000)).bitPattern
    let special = (bits & 0x7FFF) &<< 13 | 0x7F80_0000
    let magnitude = select(special, scaled, where: bits & 0x7C00 == 0x7C00)
    return Float(bitPattern: magnitude | (bits & 0x8000) &<< 16)
  }

  @inline(__always)
  private static func select(_ yes: UInt32, _ no: UInt32, where condition: Bool) -> UInt32 {
    let mask = 0 &- (condition ? 1 : 0 as UInt32)
    return yes & mask | no & ~mask
  }
}
