import Diagnostics

extension JSON {
  /// The one text of a value that fingerprints are made of: members sorted by the bytes of their names, no white space.
  public var canonical: String { JSONWriter.text(of: self, .canonical) }

  /// The value for people: members in their order, two spaces a level, lists of simple things on one line.
  public var pretty: String { JSONWriter.text(of: self, .pretty) + "\n" }

  /// The value on one line without white space, members in their order.
  public var compact: String { JSONWriter.text(of: self, .compact) }
}

/// Writes JSON as UTF-8.
struct JSONWriter {
  enum Style { case canonical, compact, pretty }

  private(set) var bytes: [UInt8] = []
  private let style: Style

  init(_ style: Style) { self.style = style }

  static func text(of value: JSON, _ style: Style) -> String {
    var writer = JSONWriter(style)
    writer.write(value, level: 0)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  mutating func write(_ value: JSON, level: Int) {
    switch value {
    case .null: write("null")
    case .bool(let flag): write(flag ? "true" : "false")
    case .integer(let integer): write("\(integer)")
    // The shortest text that reads back as the same number; JSON has none for NaN and the infinities.
    case .number(let number): write(number.isFinite ? "\(number)" : "null")
    case .string(let string): write(quoting: string)
    case .array(let values): write(values, level: level)
    case .object(let members): write(members, level: level)
    }
  }

  private mutating func write(_ values: [JSON], level: Int) {
    let isNested = values.contains { $0.array != nil || $0.object != nil }
    bytes.append(UInt8(ascii: "["))
    for (index, value) in values.enumerated() {
      if index > 0 { write(style == .pretty && !isNested ? ", " : ",") }
      if isNested { beginLine(level + 1) }
      write(value, level: level + 1)
    }
    if isNested { beginLine(level) }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func write(_ members: [JSON.Member], level: Int) {
    let isSorted = style == .canonical
    let ordered = isSorted ? members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } : members
    bytes.append(UInt8(ascii: "{"))
    for (index, member) in ordered.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      beginLine(level + 1)
      write(quoting: member.name)
      write(style == .pretty ? ": " : ":")
      write(member.value, level: level + 1)
    }
    if !members.isEmpty { beginLine(level) }
    bytes.append(UInt8(ascii: "}"))
  }

  private mutating func beginLine(_ level: Int) {
    guard style == .pretty else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
  }

  mutating func write(_ text: String) { bytes += text.utf8 }

  mutating func write(quoting text: String) {
    // What people read obeys no character of a text; fingerprints are made of the bytes as they are.
    if style != .canonical, text.unicodeScalars.contains(where: { $0.value > 0x7F && $0.isObeyed }) {
      return write(escaping: text)
    }
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): write("\\\"")
      case UInt8(ascii: "\\"): write("\\\\")
      case UInt8(ascii: "\n"): write("\\n")
      case UInt8(ascii: "\r"): write("\\r")
      case UInt8(ascii: "\t"): write("\\t")
      case 0..<0x20, 0x7F: write("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a text in pieces, between which stand the characters that are escaped although they may stand in JSON.
  private mutating func write(escaping text: String) {
    var quoted: [UInt8] = [UInt8(ascii: "\"")]
    for scalar in text.unicodeScalars {
      if scalar.value > 0x7F, scalar.isObeyed {
        for unit in scalar.utf16 {
          let digits = String(unit, radix: 16)
          quoted += Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
        }
      } else {
        var piece = JSONWriter(.canonical)
        piece.write(quoting: String(scalar))
        quoted += piece.bytes.dropFirst().dropLast()
      }
    }
    bytes += quoted + [UInt8(ascii: "\"")]
  }
}
