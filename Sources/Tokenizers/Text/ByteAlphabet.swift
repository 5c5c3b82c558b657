/// The characters that GPT-2 spells bytes with, so that a vocabulary of bytes can be written as text.
///
/// Bytes that are printable in Latin 1 are themselves; the others are the scalars from U+0100, in order.
enum ByteAlphabet {
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0...255).map { (byte: UInt32) in
      if 0x21...0x7E ~= byte || 0xA1...0xAC ~= byte || 0xAE...0xFF ~= byte { return byte }
      defer { next += 1 }
      return next
    }
  }()

  private static let byteOfScalar: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = UInt8(byte) }
    return bytes
  }()

  /// The bytes that a text spells, or nil where one of its scalars is not of the alphabet.
  static func bytes(spelledBy text: Bytes) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var offset = 0
    while offset < text.count {
      let (value, length) = scalar(text, at: offset)
      guard value < 0x144, let byte = byteOfScalar[Int(value)] else { return nil }
      bytes.append(byte)
      offset += length
    }
    return bytes
  }

  /// Spells all bytes of a text.
  static func spell(_ text: inout AlignedText) {
    var bytes: [UInt8] = []
    var spans: [Span] = []
    for (byte, span) in zip(text.bytes, text.spans) {
      bytes.append(scalar: scalars[Int(byte)])
      while spans.count < bytes.count { spans.append(span) }
    }
    text = AlignedText(bytes: bytes, spans: spans, origin: text.origin)
  }
}
