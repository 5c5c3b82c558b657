/// What keeps some bytes from being JSON, and where.
public struct JSONError: Error, Sendable, Hashable {
  /// Bytes from the start.
  public let offset: Int
  /// Lowercase, without a full stop: `a text has no end`.
  public let message: String
}

/// Reads JSON (RFC 8259) in one pass: strict, without backtracking, never deeper than it says.
struct JSONScanner {
  /// Levels of arrays and objects within each other.
  static let deepest = 256

  let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func error(_ message: String, at place: Int? = nil) -> JSONError {
    JSONError(offset: place ?? offset, message: message)
  }

  // MARK: Bytes

  /// The byte at the offset, be it white space or not.
  private var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  /// The next byte that is not white space, not yet taken.
  mutating func peek() -> UInt8? {
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): offset += 1
      default: return bytes[offset]
      }
    }
    return nil
  }

  /// Takes a byte if it is the next.
  mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: byte) else { return false }
    offset += 1
    return true
  }

  mutating func expect(_ byte: Unicode.Scalar) throws(JSONError) {
    guard take(byte) else { throw error("`\(byte)` is missing") }
  }

  mutating func expectEnd() throws(JSONError) {
    guard peek() == nil else { throw error("something stands behind the value") }
  }

  // MARK: Containers

  /// Goes over the members of an object; `member` takes each value.
  mutating func object(_ member: (inout JSONScanner, String) throws(JSONError) -> Void) throws(JSONError) {
    try expect("{")
    if take("}") { return }
    repeat {
      guard peek() == UInt8(ascii: "\"") else { throw error("a member's name is missing") }
      let name = try string()
      try expect(":")
      try member(&self, name)
    } while take(",")
    try expect("}")
  }

  /// Goes over the values of an array; `value` takes each.
  mutating func array(_ value: (inout JSONScanner) throws(JSONError) -> Void) throws(JSONError) {
    try expect("[")
    if take("]") { return }
    repeat { try value(&self) } while take(",")
    try expect("]")
  }

  // MARK: Numbers

  /// A number that is not negative and has neither point nor exponent.
  mutating func wholeNumber() throws(JSONError) -> Int {
    let start = offset
    // Not even as `-0`, which other readers of safetensors refuse.
    guard peek() != UInt8(ascii: "-"), case .integer(let number) = try number() else {
      throw error("a whole number from 0 to \(Int.max) is missing", at: start)
    }
    return number
  }

  mutating func number() throws(JSONError) -> JSON {
    _ = peek()
    let start = offset
    let isNegative = byte == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    let (length, magnitude) = digits()
    guard length > 0 else { throw error("a value is missing", at: start) }
    if length > 1, bytes[offset - length] == UInt8(ascii: "0") { throw error("a number begins with zero", at: start) }
    var isWhole = true
    if byte == UInt8(ascii: ".") {
      isWhole = false
      offset += 1
      guard digits().length > 0 else { throw error("digits are missing behind a point") }
    }
    if let exponent = byte, exponent | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      offset += 1
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { offset += 1 }
      guard digits().length > 0 else { throw error("digits are missing in an exponent") }
    }
    if isWhole, length <= 18 { return .integer(isNegative ? -magnitude : magnitude) }
    let text = bytes[start..<offset]
    if isWhole, let integer = Int(String(decoding: text, as: UTF8.self)) { return .integer(integer) }
    guard let number = Double(decimal: text) else { throw error("a number is too large", at: start) }
    return .number(number)
  }

  /// Takes digits. Their value is right where there are at most 18.
  private mutating func digits() -> (length: Int, value: Int) {
    let start = offset
    var value = 0
    while offset < bytes.count, bytes[offset] &- UInt8(ascii: "0") < 10 {
      value = value &* 10 &+ Int(bytes[offset] &- UInt8(ascii: "0"))
      offset += 1
    }
    return (offset - start, value)
  }

  // MARK: Any value

  mutating func value(depth: Int = 0) throws(JSONError) -> JSON {
    let first = peek()
    if first == UInt8(ascii: "{") || first == UInt8(ascii: "["), depth >= Self.deepest {
      throw error("values are nested more than \(Self.deepest) deep")
    }
    switch first {
    case UInt8(ascii: "{"): return .object(try members(depth: depth + 1))
    case UInt8(ascii: "["):
      var values: [JSON] = []
      try array { (scanner) throws(JSONError) in values.append(try scanner.value(depth: depth + 1)) }
      return .array(values)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw error("a value is missing")
    default: return try number()
    }
  }

  private mutating func members(depth: Int) throws(JSONError) -> [JSON.Member] {
    var members: [JSON.Member] = []
    var seen: Set<ExactText> = []
    try object { (scanner, name) throws(JSONError) in
      guard seen.insert(ExactText(name)).inserted else { throw scanner.error("`\(name)` stands twice in one object") }
      members.append(JSON.Member(name, try scanner.value(depth: depth)))
    }
    return members
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let start = offset
    for letter in UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount) {
      guard byte == letter else { throw error("a value is missing", at: start) }
      offset += 1
    }
    return value
  }
}

// MARK: - Texts

extension JSONScanner {
  mutating func string() throws(JSONError) -> String {
    try expect("\"")
    let start = offset
    try skipPlain(from: start)
    if bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      return try decode(bytes[start..<offset - 1], at: start)
    }
    var text: [UInt8] = []
    var plain = start
    while bytes[offset] == UInt8(ascii: "\\") {
      text += bytes[plain..<offset]
      offset += 1
      text += UTF8.encode(try escape()) ?? Unicode.UTF8.encodedReplacementCharacter
      plain = offset
      try skipPlain(from: start)
    }
    text += bytes[plain..<offset]
    offset += 1
    return try decode(text[...], at: start)
  }

  /// Goes on to the next quote or backslash, which is there afterwards.
  private mutating func skipPlain(from start: Int) throws(JSONError) {
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): return
      case 0..<0x20: throw error("a control character stands in a text")
      default: offset += 1
      }
    }
    throw error("a text has no end", at: start)
  }

  private func decode(_ text: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
    guard let string = String(validating: text, as: UTF8.self) else { throw error("a text is not UTF-8", at: start) }
    return string
  }

  /// The character that an escape means, whose backslash is taken.
  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    guard let letter = byte else { throw error("a text has no end") }
    offset += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw error("there is no such escape", at: offset - 1)
    }
  }

  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let start = offset - 2
    var code = try hexadecimal()
    if code & 0xFC00 == 0xD800, bytes[offset...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
      offset += 2
      let low = try hexadecimal()
      guard low & 0xFC00 == 0xDC00 else { throw error("a surrogate stands alone", at: start) }
      code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
    }
    guard let scalar = Unicode.Scalar(code) else { throw error("a surrogate stands alone", at: start) }
    return scalar
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch byte ?? 0 {
      case let letter where letter &- UInt8(ascii: "0") < 10: digit = letter - UInt8(ascii: "0")
      case let letter where (letter | 0x20) &- UInt8(ascii: "a") < 6: digit = (letter | 0x20) - UInt8(ascii: "a") + 10
      default: throw error("four hexadecimal digits are missing")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}

/// A text that equals another only byte for byte, where `String` takes two spellings of `é` for one.
struct ExactText: Hashable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (a: ExactText, b: ExactText) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
