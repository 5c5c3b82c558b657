/// What keeps some bytes from being JSON, and where.
public struct JSONError: Error, Sendable, Hashable {
  /// Bytes from the start.
  public let offset: Int
  /// Lowercase, without a full stop: `a name stands twice in one object`.
  public let message: String
}

/// Reads JSON (RFC 8259) in one pass: strict, without backtracking, never deeper than it says.
struct JSONScanner {
  static let deepest = 256

  let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { offset >= bytes.count }

  func error(_ message: String, at place: Int? = nil) -> JSONError { JSONError(offset: place ?? offset, message: message) }

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

  // MARK: Strings

  mutating func string() throws(JSONError) -> String {
    try expect("\"")
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\""), bytes[offset] != UInt8(ascii: "\\") {
      guard bytes[offset] >= 0x20 else { throw error("a control character stands in a text") }
      offset += 1
    }
    guard offset < bytes.count else { throw error("a text has no end", at: start) }
    if bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      return try decode(bytes[start..<offset - 1], at: start)
    }
    return try escapedString(from: start)
  }

  /// A text with escapes, whose first `offset - start` bytes have none.
  private mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var text = Array(bytes[start..<offset])
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return try decode(text[...], at: start)
      case UInt8(ascii: "\\"): text += Array(try escape().utf8)
      case 0..<0x20: throw error("a control character stands in a text", at: offset - 1)
      default: text.append(byte)
      }
    }
    throw error("a text has no end", at: start)
  }

  private func decode(_ text: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
    guard let string = String(validating: text, as: UTF8.self) else { throw error("a text is not UTF-8", at: start) }
    return string
  }

  private mutating func escape() throws(JSONError) -> String {
    guard offset < bytes.count else { throw error("a text has no end") }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal()
      guard first & 0xFC00 == 0xD800 else { return try scalar(first) }
      guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u") else {
        throw error("a surrogate stands alone")
      }
      offset += 2
      let second = try hexadecimal()
      guard second & 0xFC00 == 0xDC00 else { throw error("a surrogate stands alone") }
      return try scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
    default: throw error("there is no such escape", at: offset - 1)
    }
  }

  private func scalar(_ code: UInt32) throws(JSONError) -> String {
    guard let scalar = Unicode.Scalar(code) else { throw error("a surrogate stands alone") }
    return String(scalar)
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard offset < bytes.count, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
        throw error("four hexadecimal digits are missing")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }

  // MARK: Numbers

  /// A number that is not negative and has neither point nor exponent.
  mutating func wholeNumber() throws(JSONError) -> Int {
    guard case .integer(let number) = try number(), number >= 0 else { throw error("a whole number is missing") }
    return number
  }

  mutating func number() throws(JSONError) -> JSON {
    _ = peek()
    let start = offset
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    let whole = digits()
    guard whole > 0 else { throw error("a value is missing", at: start) }
    if whole > 1, bytes[offset - whole] == UInt8(ascii: "0") { throw error("a number begins with zero", at: start) }
    var isInteger = true
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      isInteger = false
      offset += 1
      guard digits() > 0 else { throw error("digits are missing behind a point") }
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      offset += 1
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
      guard digits() > 0 else { throw error("digits are missing in an exponent") }
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw error("a number is too large", at: start) }
    return .number(number)
  }

  private mutating func digits() -> Int {
    let start = offset
    while offset < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset]) { offset += 1 }
    return offset - start
  }

  // MARK: Any value

  mutating func value(depth: Int = 0) throws(JSONError) -> JSON {
    guard depth < Self.deepest else { throw error("values are nested more than \(Self.deepest) deep") }
    switch peek() {
    case UInt8(ascii: "{"):
      var members: [JSON.Member] = []
      var seen: Set<String> = []
      try object { (scanner, name) throws(JSONError) in
        guard seen.insert(name).inserted else { throw scanner.error("`\(name)` stands twice in one object") }
        members.append(JSON.Member(name, try scanner.value(depth: depth + 1)))
      }
      return .object(members)
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

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    for byte in UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount) {
      guard offset < bytes.count, bytes[offset] == byte else { throw error("a value is missing") }
      offset += 1
    }
    return value
  }
}
