extension JSON {
  /// The one text of a value that fingerprints are made of: members sorted by name, no white space.
  public var canonical: String {
    var text = ""
    write(into: &text, isSorted: true, indentation: nil)
    return text
  }

  /// The value for people: members in their order, two spaces a level.
  public var pretty: String {
    var text = ""
    write(into: &text, isSorted: false, indentation: 0)
    return text + "\n"
  }

  /// The value on one line, members in their order.
  public var compact: String {
    var text = ""
    write(into: &text, isSorted: false, indentation: nil)
    return text
  }

  private func write(into text: inout String, isSorted: Bool, indentation: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .integer(let integer): text += String(integer)
    case .number(let number): text += JSON.text(of: number)
    case .string(let string): JSON.write(string, into: &text)
    case .array(let values):
      // Numbers and short things stay on one line.
      let inner = values.contains { $0.array != nil || $0.object != nil } ? indentation.map { $0 + 1 } : nil
      JSON.write(values, "[", "]", into: &text, indentation: inner) { value, text in
        value.write(into: &text, isSorted: isSorted, indentation: inner)
      }
    case .object(let members):
      let inner = indentation.map { $0 + 1 }
      let ordered = isSorted ? members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } : members
      JSON.write(ordered, "{", "}", into: &text, indentation: inner) { member, text in
        JSON.write(member.name, into: &text)
        text += inner == nil ? ":" : ": "
        member.value.write(into: &text, isSorted: isSorted, indentation: inner)
      }
    }
  }

  private static func write<Part>(
    _ parts: [Part], _ open: String, _ close: String, into text: inout String, indentation: Int?,
    part write: (Part, inout String) -> Void
  ) {
    text += open
    for (index, part) in parts.enumerated() {
      if index > 0 { text += indentation == nil && Part.self == JSON.self ? ", " : "," }
      if let indentation { text += "\n" + String(repeating: "  ", count: indentation) }
      write(part, &text)
    }
    if let indentation, !parts.isEmpty { text += "\n" + String(repeating: "  ", count: indentation - 1) }
    text += close
  }

  /// The shortest text that reads back as the same number; JSON has none for NaN and the infinities.
  private static func text(of number: Double) -> String {
    guard number.isFinite else { return "null" }
    if number == number.rounded(.towardZero), abs(number) < 1e15 { return String(Int(number)) + ".0" }
    return "\(number)"
  }

  static func write(_ string: String, into text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
