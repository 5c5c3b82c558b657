import Diagnostics

/// Cuts a recipe into tokens, byte by byte. Nothing is lost: comments and empty lines hang on the token behind them.
struct Lexer {
  private let source: Source
  private let bytes: [UInt8]
  private var offset = 0
  private var tokens: [Token] = []
  private(set) var diagnostics: [Diagnostic] = []
  /// The brackets that are open: a newline within them ends nothing.
  private var brackets = 0

  // What stands before the next token.
  private var comments: [Token.Comment] = []
  private var hasSpace = false
  private var newlines = 0
  private var hasTab = false

  static func tokens(of source: Source) -> (tokens: [Token], diagnostics: [Diagnostic]) {
    var lexer = Lexer(source: source)
    lexer.run()
    return (lexer.tokens, lexer.diagnostics)
  }

  private init(source: Source) {
    self.source = source
    bytes = source.bytes
  }

  private mutating func run() {
    if bytes.starts(with: Array("#!".utf8)) { skipComment() }
    while true {
      skipTrivia()
      guard offset < bytes.count else { break }
      token()
    }
    endStatement()
    append(.end, offset..<offset)
  }

  // MARK: Between tokens

  private mutating func skipTrivia() {
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: " "), UInt8(ascii: "\r"): hasSpace = true
      case UInt8(ascii: "\t"):
        if !hasTab { diagnostics.append(.tab(at: place(offset..<offset + 1))) }
        hasTab = true
        hasSpace = true
      case UInt8(ascii: "\n"):
        newlines += 1
        hasSpace = true
        if brackets == 0 { endStatement() }
      case UInt8(ascii: "#"):
        let isTrailing = newlines == 0 && !tokens.isEmpty
        let start = offset
        skipComment()
        comments.append(
          Token.Comment(text: text(start..<offset), isTrailing: isTrailing, hasBlankLineBefore: newlines > 1))
        newlines = 0
        continue
      default: return
      }
      offset += 1
    }
  }

  private mutating func skipComment() {
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") { offset += 1 }
  }

  /// Ends the statement, if the token before can end one. A trailing comment goes with the newline.
  private mutating func endStatement() {
    guard let last = tokens.last, last.kind != .newline, last.canEndStatement else { return }
    let trailing = comments.filter(\.isTrailing)
    comments.removeAll(where: \.isTrailing)
    tokens.append(
      Token(
        kind: .newline, range: last.range.upperBound..<last.range.upperBound, text: "", comments: trailing,
        hasSpaceBefore: false, hasBlankLineBefore: false))
  }

  // MARK: Tokens

  private mutating func token() {
    let start = offset
    let byte = bytes[offset]
    if Self.isLetter(byte) {
      while offset < bytes.count,
        Self.isLetter(bytes[offset]) || Self.isDigit(bytes[offset]) || bytes[offset] == UInt8(ascii: "_")
      {
        offset += 1
      }
      word(start..<offset)
    } else if Self.isDigit(byte) {
      number()
    } else if byte == UInt8(ascii: "\"") {
      textToken()
    } else {
      symbol()
    }
  }

  private mutating func word(_ range: Range<Int>) {
    let word = text(range)
    // A statement that begins a line begins a statement, whatever was forgotten before.
    let beginsLine = range.lowerBound == 0 || bytes[range.lowerBound - 1] == UInt8(ascii: "\n")
    if beginsLine, Token.statementWords.contains(word), let last = tokens.last, last.kind != .newline {
      brackets = 0
      let end = last.range.upperBound
      tokens.append(
        Token(
          kind: .newline, range: end..<end, text: "", comments: [], hasSpaceBefore: false, hasBlankLineBefore: false))
    }
    append(Token.keywords.contains(word) ? .keyword : .name, range)
  }

  /// `NUMBER = DIGIT { DIGIT | "_" } [ "." DIGIT { DIGIT | "_" } ] [ ( "e" | "E" ) [ "+" | "-" ] DIGIT { DIGIT } ]`
  private mutating func number() {
    let start = offset
    digits()
    if byte(0) == UInt8(ascii: "."), let next = byte(1), Self.isDigit(next) {
      offset += 1
      digits()
    }
    if let exponent = byte(0), exponent | 0x20 == UInt8(ascii: "e") {
      let signed = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
      if let digit = byte(signed ? 2 : 1), Self.isDigit(digit) {
        offset += signed ? 2 : 1
        digits()
      }
    }
    append(.number, start..<offset)
  }

  private mutating func digits() {
    while let byte = byte(0), Self.isDigit(byte) || byte == UInt8(ascii: "_") { offset += 1 }
  }

  private mutating func textToken() {
    let start = offset
    offset += 1
    while let byte = byte(0), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\n") {
      offset += byte == UInt8(ascii: "\\") && self.byte(1) != nil && self.byte(1) != UInt8(ascii: "\n") ? 2 : 1
    }
    if byte(0) == UInt8(ascii: "\"") {
      offset += 1
      append(.text, start..<offset)
    } else {
      diagnostics.append(.textHasNoEnd(at: place(start..<offset)))
      append(.unknown, start..<offset)
    }
  }

  private static let symbols = [
    "...", "..<", "==", "!=", "<=", ">=", "=>", "->", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "+", "-", "*",
    "/", "<", ">", "%", "_", "?",
  ].map { Array($0.utf8) }

  private mutating func symbol() {
    let start = offset
    if let known = Self.symbols.first(where: { bytes[offset...].starts(with: $0) }) {
      offset += known.count
      switch known {
      case [UInt8(ascii: "(")], [UInt8(ascii: "[")], [UInt8(ascii: "{")]: brackets += 1
      case [UInt8(ascii: ")")], [UInt8(ascii: "]")], [UInt8(ascii: "}")]: brackets = max(0, brackets - 1)
      default: break
      }
      append(.symbol, start..<offset)
      return
    }
    unknown()
  }

  /// Something that no token begins with; the habits of other languages are known by name.
  private mutating func unknown() {
    let start = offset
    let rest = bytes[offset...]
    if rest.starts(with: Array("&&".utf8)) || rest.starts(with: Array("||".utf8)) {
      offset += 2
    } else if rest.first == UInt8(ascii: "'") {
      offset += 1
      while let byte = byte(0), byte != UInt8(ascii: "'"), byte != UInt8(ascii: "\n") { offset += 1 }
      if byte(0) == UInt8(ascii: "'") { offset += 1 }
    } else {
      offset += 1
      while let byte = byte(0), byte & 0xC0 == 0x80 { offset += 1 }
    }
    diagnostics.append(.unknownSign(at: place(start..<offset)))
    if text(start..<offset) == ";" {
      endStatement()
    } else {
      append(.unknown, start..<offset)
    }
  }

  private mutating func append(_ kind: Token.Kind, _ range: Range<Int>) {
    tokens.append(
      Token(
        kind: kind, range: range, text: text(range), comments: comments, hasSpaceBefore: hasSpace,
        hasBlankLineBefore: newlines > 1))
    comments = []
    hasSpace = false
    newlines = 0
    hasTab = false
  }

  // MARK: Bytes

  private func byte(_ ahead: Int) -> UInt8? { offset + ahead < bytes.count ? bytes[offset + ahead] : nil }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  private func place(_ range: Range<Int>) -> Place { Place(source, range) }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
