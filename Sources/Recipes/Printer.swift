import Diagnostics

/// Prints a recipe in its one form, from its tokens: whatever is not white space stays, comments included.
struct Printer {
  static let width = 90

  private var lines: [String] = []

  /// The text of a recipe that can be read, in its one form.
  static func text(of source: Source) -> String {
    var printer = Printer()
    let bytes = source.bytes
    if bytes.starts(with: Array("#!".utf8)) {
      printer.lines.append(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
    printer.print(Lexer.tokens(of: source).tokens)
    return printer.lines.joined(separator: "\n") + "\n"
  }

  /// A number with its digits in threes, from five up.
  static func spelled(_ number: String) -> String {
    let plain = number.filter { $0 != "_" }
    let sign = plain.hasPrefix("-") ? "-" : ""
    let digits = plain.dropFirst(sign.count).prefix(while: \.isNumber)
    let rest = plain.dropFirst(sign.count + digits.count).replacing("E", with: "e")
    guard digits.count > 4 else { return sign + digits + rest }
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped += "_" }
      grouped.append(digit)
    }
    return sign + grouped + rest
  }

  // MARK: Statements

  private mutating func print(_ tokens: [Token]) {
    var last: (kind: String, isBroken: Bool)?
    for statement in tokens.split(whereSeparator: { $0.kind == .newline || $0.kind == .end }) {
      guard let first = statement.first else { continue }
      let end = statement.endIndex < tokens.count ? tokens[statement.endIndex] : nil
      var layout = Layout()
      let nodes = Node.tree(statement)
      let comments = first.comments + nodes.strayComments
      layout.print(nodes, indentation: 0)
      let isBroken = layout.lines.count > 1
      let hasBlankLine = comments.first?.hasBlankLineBefore ?? first.hasBlankLineBefore
      if let last, hasBlankLine || last.kind != first.text || last.isBroken || isBroken { lines.append("") }
      print(comments, before: first)
      let trailing = end?.kind == .newline ? end?.comments.map { "  " + $0.text }.joined() ?? "" : ""
      lines += layout.lines.dropLast() + [(layout.lines.last ?? "") + trailing]
      last = (first.text, isBroken)
    }
    let rest = tokens.last?.comments ?? []
    if !rest.isEmpty, !lines.isEmpty, rest[0].hasBlankLineBefore { lines.append("") }
    for (index, comment) in rest.enumerated() {
      if index > 0, comment.hasBlankLineBefore { lines.append("") }
      lines.append(comment.text.trimmedAtEnd)
    }
  }

  private mutating func print(_ comments: [Token.Comment], before token: Token) {
    for (index, comment) in comments.enumerated() {
      if index > 0, comment.hasBlankLineBefore { lines.append("") }
      lines.append(comment.text.trimmedAtEnd)
    }
    if !comments.isEmpty, token.hasBlankLineBefore { lines.append("") }
  }
}

/// A token, or all that stands between two brackets.
indirect enum Node {
  case token(Token)
  case group(open: Token, items: [[Node]], close: Token?)
  /// Brackets round an expression or several names: they never break themselves.
  case parenthesis(open: Token, items: [[Node]], close: Token?)

  /// The tree of a statement's tokens.
  static func tree(_ tokens: ArraySlice<Token>) -> [Node] {
    var rest = tokens
    var nodes: [Node] = []
    while let token = rest.popFirst() {
      // `fn name(` opens a list of parameters, whose labels have types behind them.
      let isDeclaration = nodes.count == 2 && nodes[0].first.text == "fn"
      nodes.append(node(token, after: nodes.last, &rest, isDeclaration: isDeclaration))
    }
    return nodes
  }

  private static func node(
    _ token: Token, after last: Node?, _ rest: inout ArraySlice<Token>, isDeclaration: Bool = false
  ) -> Node {
    guard ["(", "[", "{"].contains(token.text), token.kind == .symbol else { return .token(token) }
    let isCall = !token.hasSpaceBefore && last?.last.canEndStatement == true
    let (items, close) = group(token, &rest)
    if token.text == "(", !isCall { return .parenthesis(open: token, items: items, close: close) }
    return .group(open: token, items: isDeclaration ? items : items.map { shortened($0, in: token) }, close: close)
  }

  /// What stands between a bracket and its end, cut at its commas.
  private static func group(_ token: Token, _ rest: inout ArraySlice<Token>) -> (items: [[Node]], close: Token?) {
    var items: [[Node]] = []
    var item: [Node] = []
    while let next = rest.popFirst() {
      if next.kind == .symbol, [")", "]", "}"].contains(next.text) {
        if !item.isEmpty { items.append(item) }
        return (items, next)
      }
      if next.isSymbol(",") {
        items.append(item)
        item = []
      } else {
        item.append(node(next, after: item.last, &rest))
      }
    }
    if !item.isEmpty { items.append(item) }
    return (items, nil)
  }

  /// `base: base` says no more than `base:`.
  private static func shortened(_ item: [Node], in open: Token) -> [Node] {
    guard open.text == "(", item.count == 3, case .token(let label) = item[0], case .token(let colon) = item[1],
      case .token(let value) = item[2], label.kind == .name, colon.isSymbol(":"), value.kind == .name,
      label.text == value.text, value.comments.isEmpty
    else { return item }
    return Array(item.prefix(2))
  }

  var first: Token {
    switch self {
    case .token(let token), .group(let token, _, _), .parenthesis(let token, _, _): token
    }
  }

  var last: Token {
    switch self {
    case .token(let token): token
    case .group(let open, _, let close), .parenthesis(let open, _, let close): close ?? open
    }
  }

  /// Whether it never fits on one line: a match's arms, or anything with a comment in it.
  var mustBreak: Bool {
    switch self {
    case .token: false
    case .group(let open, let items, let close):
      open.text == "{" || close?.comments.isEmpty == false
        || items.joined().contains { !$0.comments.isEmpty || $0.mustBreak }
    case .parenthesis(_, let items, _): items.joined().contains(where: \.mustBreak)
    }
  }
}

extension [Node] {
  /// Comments before tokens that begin neither a statement nor an item; they move above it.
  var strayComments: [Token.Comment] { flatMap(\.comments).dropFirst(first?.first.comments.count ?? 0).map { $0 } }

  /// All on one line.
  var flat: String {
    var text = ""
    for (index, node) in enumerated() {
      if index > 0, Spacing.isNeeded(between: self[..<index], and: node) { text += " " }
      text += node.flat
    }
    return text
  }
}

extension Node {
  /// The comments before it, and those within that have no item to stay with.
  var comments: [Token.Comment] {
    switch self {
    case .token(let token), .group(let token, _, _): token.comments
    case .parenthesis(let open, let items, let close):
      open.comments + items.joined().flatMap(\.comments) + (close?.comments ?? [])
    }
  }

  var flat: String {
    switch self {
    case .token(let token): token.kind == .number ? Printer.spelled(token.text) : token.text
    case .group(let open, let items, let close), .parenthesis(let open, let items, let close):
      open.text + items.map(\.flat).joined(separator: ", ") + (close?.text ?? "")
    }
  }
}

/// Lays one statement out over as many lines as it needs.
private struct Layout {
  private(set) var lines: [String] = [""]

  private var column: Int { lines[lines.count - 1].count }

  private mutating func write(_ text: String) { lines[lines.count - 1] += text }

  mutating func print(_ nodes: [Node], indentation: Int) {
    for (index, node) in nodes.enumerated() {
      if index > 0, Spacing.isNeeded(between: nodes[..<index], and: node) { write(" ") }
      if case .parenthesis(_, let items, _) = node, column + node.flat.count > Printer.width || node.mustBreak {
        write("(")
        for (index, item) in items.enumerated() {
          if index > 0 { write(", ") }
          print(item, indentation: indentation)
        }
        write(")")
        continue
      }
      guard case .group(let open, let items, let close) = node, !items.isEmpty else {
        write(node.flat)
        continue
      }
      let rest = Array(nodes[index...])
      let next = rest.dropFirst().firstIndex { if case .group = $0 { true } else { false } }
      let fitsAll = !rest.contains(where: \.mustBreak) && column + rest.flat.count <= Printer.width
      let upToNext = next.map { Array(rest[..<$0]).flat.count + 1 }
      let fitsUpToNext = !node.mustBreak && upToNext.map { column + $0 <= Printer.width } ?? false
      if fitsAll || fitsUpToNext {
        write(node.flat)
      } else {
        write(open.text)
        printItems(items, close, indentation: indentation + 4)
        lines.append(String(repeating: " ", count: indentation) + (close?.text ?? ""))
      }
    }
  }

  private mutating func printItems(_ items: [[Node]], _ close: Token?, indentation: Int) {
    let margin = String(repeating: " ", count: indentation)
    for item in items {
      let comments = (item.first?.first.comments ?? []) + item.strayComments
      print(comments, margin)
      lines.append(margin)
      print(item, indentation: indentation)
      write(",")
    }
    print(close?.comments ?? [], margin)
  }

  /// A remark behind the item before stays there; all others have lines of their own.
  private mutating func print(_ comments: [Token.Comment], _ margin: String) {
    for comment in comments {
      if comment.isTrailing {
        write("  " + comment.text.trimmedAtEnd)
      } else {
        if comment.hasBlankLineBefore, lines.count > 1 { lines.append("") }
        lines.append(margin + comment.text.trimmedAtEnd)
      }
    }
  }
}

/// Where a space stands between two tokens on one line.
private enum Spacing {
  static func isNeeded(between before: ArraySlice<Node>, and node: Node) -> Bool {
    guard let last = before.last?.last else { return false }
    let next = node.first
    if [",", ":", "%", "?", "...", "..<"].contains(next.text), next.kind == .symbol { return false }
    if last.kind == .symbol, ["...", "..<", "."].contains(last.text) { return false }
    if next.isSymbol(".") { return next.hasSpaceBefore || !endsOperand(last) }
    if next.isSymbol("(") { return next.hasSpaceBefore || !endsOperand(last) }
    if last.isSymbol("-"), isUnary(before.dropLast()) { return false }
    return true
  }

  /// Whether a minus sign behind these nodes has no left operand.
  private static func isUnary(_ before: ArraySlice<Node>) -> Bool {
    guard let last = before.last?.last else { return true }
    return !endsOperand(last)
  }

  private static func endsOperand(_ token: Token) -> Bool { token.canEndStatement }
}

extension String {
  fileprivate var trimmedAtEnd: String {
    var text = Substring(self)
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
