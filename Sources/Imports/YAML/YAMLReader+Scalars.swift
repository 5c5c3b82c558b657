import Diagnostics

extension YAMLReader {
  // MARK: Plain

  /// Checks that a scalar without quotes may begin with what stands here.
  func checkPlainStart() throws {
    guard let byte = byte() else { return }
    let here = place(offset..<offset + 1)
    if byte == UInt8(ascii: "\t") { throw Diagnostic.tabInYAML(at: here) }
    let isSeparated = isSpaceOrEnd(1)
    let isIndicator = "-?:".utf8.contains(byte) && isSeparated || ",[]{}#&*!|>%@`".utf8.contains(byte)
    if isIndicator { throw Diagnostic.indicator(String(UnicodeScalar(byte)), at: here) }
  }

  /// Goes over a plain scalar's part of this line: up to `: `, ` #` or the line's end, and within brackets up to `,`, `[`, `]`,
  /// `{` or `}`.
  mutating func skipPlain(inFlow: Bool) {
    let start = offset
    while let byte = byte(), !isAtLineEnd {
      if byte == UInt8(ascii: "\t") { break }
      if byte == UInt8(ascii: ":"), isSpaceOrEnd(1) || inFlow && self.byte(1).map(Self.isFlowIndicator) == true {
        break
      }
      if byte == UInt8(ascii: "#"), offset > start, bytes[offset - 1] == UInt8(ascii: " ") { break }
      if inFlow, Self.isFlowIndicator(byte) { break }
      offset += 1
    }
    while offset > start, bytes[offset - 1] == UInt8(ascii: " ") { offset -= 1 }
  }

  /// A scalar without quotes; its further lines stand to the right of `parent` and are joined by blanks.
  mutating func plainScalar(above parent: Int) throws -> YAMLNode {
    let start = offset
    try checkPlainStart()
    skipPlain(inFlow: false)
    var result = text(start..<offset)
    var end = offset
    while true {
      try skipBlanks()
      guard isAtLineEnd else {
        if byte() == UInt8(ascii: ":") {
          throw Diagnostic.colonInText(at: place(offset..<offset + 1), text: place(start..<end))
        }
        throw Diagnostic.behindTheValue(at: restOfLine)
      }
      // A comment ends the scalar.
      if text(end..<offset).contains("#") { break }
      let emptyLines = skipEmptyLines()
      let line = offset
      while byte() == UInt8(ascii: " ") { offset += 1 }
      if byte() == UInt8(ascii: "\t") { throw Diagnostic.tabInYAML(at: place(offset..<offset + 1)) }
      if isAtEnd || isAtMarker || column <= parent || byte() == UInt8(ascii: "#") {
        offset = line
        break
      }
      let next = offset
      skipPlain(inFlow: false)
      result += emptyLines == 0 ? " " : String(repeating: "\n", count: emptyLines)
      result += text(next..<offset)
      end = offset
    }
    return YAMLNode(.scalar(YAMLScalar(result, isPlain: true)), at: place(start..<end))
  }

  /// Goes from a line's end to the start of the next line that is not empty; gives how many empty ones lie between.
  private mutating func skipEmptyLines() -> Int {
    skipLine()
    var count = -1
    while byte() == UInt8(ascii: "\n") {
      offset += 1
      count += 1
      let line = offset
      while let byte = byte(), byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\r") { offset += 1 }
      if byte() != UInt8(ascii: "\n") {
        offset = line
        break
      }
    }
    return max(0, count)
  }

  // MARK: Quoted

  mutating func quotedScalar() throws -> YAMLNode {
    let start = offset
    let quote = bytes[offset]
    offset += 1
    var result: [UInt8] = []
    while true {
      guard let byte = byte() else { throw Diagnostic.neverEnds(at: place(start..<start + 1)) }
      if byte == quote {
        offset += 1
        guard quote == UInt8(ascii: "'"), self.byte() == quote else { break }
        result.append(quote)
        offset += 1
      } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        try escape(into: &result)
      } else if byte == UInt8(ascii: "\n") {
        foldLine(into: &result)
        if isAtMarker { throw Diagnostic.neverEnds(at: place(start..<start + 1)) }
      } else {
        result.append(byte)
        offset += 1
      }
    }
    return YAMLNode(
      .scalar(YAMLScalar(String(decoding: result, as: UTF8.self), isPlain: false)), at: place(start..<offset))
  }

  /// A line's end within quotes is a blank, and each empty line behind it a line's end.
  private mutating func foldLine(into result: inout [UInt8]) {
    while let last = result.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\r") { result.removeLast() }
    var newlines = 0
    while let byte = byte(), Self.isSpace(byte) {
      if byte == UInt8(ascii: "\n") {
        if newlines > 0, isAtMarker { break }
        newlines += 1
      }
      offset += 1
      if byte == UInt8(ascii: "\n"), isAtMarker { break }
    }
    result += newlines > 1 ? Array(repeating: UInt8(ascii: "\n"), count: newlines - 1) : [UInt8(ascii: " ")]
  }

  private static let escapes: [UInt8: String] = [
    UInt8(ascii: "0"): "\0", UInt8(ascii: "a"): "\u{7}", UInt8(ascii: "b"): "\u{8}", UInt8(ascii: "t"): "\t",
    UInt8(ascii: "n"): "\n", UInt8(ascii: "v"): "\u{B}", UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "r"): "\r",
    UInt8(ascii: "e"): "\u{1B}", UInt8(ascii: " "): " ", UInt8(ascii: "\""): "\"", UInt8(ascii: "/"): "/",
    UInt8(ascii: "\\"): "\\", UInt8(ascii: "N"): "\u{85}", UInt8(ascii: "_"): "\u{A0}", UInt8(ascii: "L"): "\u{2028}",
    UInt8(ascii: "P"): "\u{2029}",
  ]

  /// What a backslash and the sign behind it stand for.
  private mutating func escape(into result: inout [UInt8]) throws {
    let start = offset
    offset += 1
    let sign = byte() ?? 0
    offset = min(offset + 1, bytes.count)
    if let known = Self.escapes[sign] {
      result += Array(known.utf8)
      return
    }
    // A line's end that is escaped is nothing, and so are the blanks that begin the next line.
    if sign == UInt8(ascii: "\n") || sign == UInt8(ascii: "\r") && byte() == UInt8(ascii: "\n") {
      while let byte = byte(), Self.isSpace(byte) { offset += 1 }
      return
    }
    let widths: [UInt8: Int] = [UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8]
    let width = widths[sign] ?? 0
    let digits = bytes[offset..<min(offset + width, bytes.count)].prefix {
      UnicodeScalar($0).properties.isASCIIHexDigit
    }
    guard width > 0, digits.count == width, let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
      let scalar = UnicodeScalar(code)
    else { throw Diagnostic.escapeUnknown(at: place(start..<offset)) }
    offset += width
    result += Array(String(scalar).utf8)
  }
}
