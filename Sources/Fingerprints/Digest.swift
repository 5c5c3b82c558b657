/// The name of some content: the 32 bytes of its BLAKE3 hash.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// From exactly 32 bytes.
  public init(bytes: [UInt8]) {
    precondition(bytes.count == 32, "a digest is 32 bytes")
    func word(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    words = (word(0), word(8), word(16), word(24))
  }

  /// From eight words of which each gives its low byte first, as BLAKE3 does.
  init(littleEndian halves: SIMD8<UInt32>) {
    func word(_ index: Int) -> UInt64 {
      UInt64(halves[2 * index].byteSwapped) << 32 | UInt64(halves[2 * index + 1].byteSwapped)
    }
    words = (word(0), word(1), word(2), word(3))
  }

  /// Reads `b3:` and 64 hexadecimal digits, or the digits alone.
  public init?(_ text: some StringProtocol) {
    let digits = Array((text.hasPrefix("b3:") ? text.dropFirst(3) : text[...]).utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for pair in stride(from: 0, to: 64, by: 2) {
      guard let high = Self.value(ofHex: digits[pair]), let low = Self.value(ofHex: digits[pair + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    self.init(bytes: bytes)
  }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) }
    }
  }

  /// The 64 hexadecimal digits.
  public var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Enough of it for people: the first ten digits.
  public var short: String { String(hex.prefix(10)) }

  public var description: String { "b3:" + hex }

  public static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }

  public static func < (a: Digest, b: Digest) -> Bool { a.words < b.words }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }

  private static func value(ofHex digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
