extension Double {
  /// Reads a decimal number such as `-12.5e-3`, rounded to nearest; nil where it is anything else, or too large.
  ///
  /// Unlike `Double(_: String)` it takes neither `nan` nor `inf` nor hexadecimal digits for numbers.
  init?(decimal text: ArraySlice<UInt8>) {
    var offset = text.startIndex
    func byte() -> UInt8 { offset < text.endIndex ? text[offset] : 0 }
    var digitCount = 0
    var mantissa: UInt64 = 0
    func takeDigits() {
      while byte() &- UInt8(ascii: "0") < 10 {
        mantissa = mantissa &* 10 &+ UInt64(byte() &- UInt8(ascii: "0"))
        digitCount += 1
        offset += 1
      }
    }
    let isNegative = byte() == UInt8(ascii: "-")
    if isNegative || byte() == UInt8(ascii: "+") { offset += 1 }
    takeDigits()
    let wholeCount = digitCount
    if byte() == UInt8(ascii: ".") {
      offset += 1
      takeDigits()
    }
    guard digitCount > 0 else { return nil }
    let isPlain = offset == text.endIndex
    if !isPlain {
      guard byte() | 0x20 == UInt8(ascii: "e") else { return nil }
      offset += 1
      if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") { offset += 1 }
      guard offset < text.endIndex, text[offset...].allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
    }
    // Both numbers are exact, so their quotient is the nearest there is.
    if isPlain, digitCount <= 15 {
      let magnitude = Double(mantissa) / Self.powersOfTen[digitCount - wholeCount]
      self = isNegative ? -magnitude : magnitude
      return
    }
    guard let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite else { return nil }
    self = number
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]
}
