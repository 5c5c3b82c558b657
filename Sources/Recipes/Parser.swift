import Diagnostics

/// Reads a recipe's tokens. Each function carries the rule of `Grammar.md` that it reads.
///
/// `expect…` reports a mistake where its token is missing; `parse…` gives a construct, with `.missing` in place of what could not
/// be read. A statement with a mistake is left at the mistake and the next one begins afresh, so that one run finds them all.
struct Parser {
  let source: Source
  let tokens: [Token]
  var index = 0
  var diagnostics: [Diagnostic]
  /// Whether this statement has had its mistake: what follows from it is not reported.
  var hasFailed = false
  var depth = 0
  /// Brackets in each other.
  static let deepest = 200
  /// Expressions in each other: more than the brackets, for `1 + 1 + 1` is a sum in a sum.
  static let longest = 500

  private init(_ source: Source) {
    self.source = source
    (tokens, diagnostics) = Lexer.tokens(of: source)
  }

  /// Reads a whole file.
  static func file(_ source: Source) -> (file: SyntaxFile, diagnostics: [Diagnostic]) {
    var parser = Parser(source)
    let file = parser.parseFile()
    return (file, parser.diagnostics)
  }

  /// Reads one expression and nothing behind it.
  static func expression(_ source: Source) -> (expression: Expression, diagnostics: [Diagnostic]) {
    var parser = Parser(source)
    let expression = parser.parseExpression()
    if parser.current.kind == .newline { parser.index += 1 }
    if parser.current.kind != .end { parser.fail(.unexpected(parser.current, at: parser.currentPlace)) }
    return (expression, parser.diagnostics)
  }

  // MARK: Tokens

  var current: Token { tokens[min(index, tokens.count - 1)] }

  func token(ahead: Int) -> Token { tokens[min(index + ahead, tokens.count - 1)] }

  var currentPlace: Place { Place(source, current.range) }

  /// Behind the last token: where something is missing at a line's end.
  var behindLast: Place {
    let end = index > 0 ? tokens[index - 1].range.upperBound : 0
    return Place(source, end..<end)
  }

  func place(from start: Int) -> Place {
    let end = index > 0 ? tokens[index - 1].range.upperBound : 0
    return Place(source, start..<max(start, end))
  }

  mutating func advance() -> Token {
    let token = current
    if index < tokens.count - 1 { index += 1 }
    return token
  }

  mutating func take(_ symbol: String) -> Bool {
    guard current.isSymbol(symbol) else { return false }
    index += 1
    return true
  }

  mutating func take(word: String) -> Bool {
    guard current.isKeyword(word) else { return false }
    index += 1
    return true
  }

  mutating func fail(_ diagnostic: Diagnostic) {
    // A token that could not be read has been reported by the lexer.
    if !hasFailed, current.kind != .unknown { diagnostics.append(diagnostic) }
    hasFailed = true
  }

  mutating func expect(_ symbol: String, _ purpose: String) {
    if take(symbol) { return }
    fail(missing("`\(symbol)`", purpose))
  }

  /// What is missing, behind the last token if the line ends there.
  func missing(_ what: String, _ purpose: String) -> Diagnostic {
    let isAtEnd = current.kind == .newline || current.kind == .end || current.hasBlankLineBefore
    return .missing(what, purpose, at: isAtEnd ? behindLast : currentPlace, found: isAtEnd ? nil : current.text)
  }

  mutating func expectName(_ purpose: String) -> NameSyntax {
    if current.kind == .name {
      let place = currentPlace
      return NameSyntax(text: advance().text, place: place)
    }
    if current.kind == .keyword {
      fail(.keywordAsName(current.text, at: currentPlace))
    } else {
      fail(missing("a name", purpose))
    }
    return NameSyntax(text: "", place: currentPlace)
  }

  // MARK: Statements

  /// `file = { NEWLINE } , [ "recipe" , TEXT , NEWLINE ] , { item } , END ;`
  mutating func parseFile() -> SyntaxFile {
    var title: (String, Place)?
    var items: [Statement] = []
    let documentation = Self.documentation(above: current, isFirst: true)
    while current.kind == .newline { index += 1 }
    if current.isKeyword("recipe") {
      let start = current.range.lowerBound
      index += 1
      let text = expectText("the recipe's title")
      title = (text, place(from: start))
      endStatement()
    }
    while current.kind != .end {
      hasFailed = false
      if let item = parseItem() { items.append(item) }
      endStatement()
    }
    return SyntaxFile(
      source: source, title: title.map { ($0.0, $0.1) }, documentation: title == nil ? "" : documentation, items: items)
  }

  /// The `##` lines right above a token.
  private static func documentation(above token: Token, isFirst: Bool = false) -> String {
    let comments = token.comments.reversed().prefix { $0.text.hasPrefix("##") }.reversed()
    return comments.map { comment in
      let text = comment.text.dropFirst(2)
      return text.hasPrefix(" ") ? String(text.dropFirst()) : String(text)
    }.joined(separator: "\n")
  }

  /// Leaves the rest of a statement that has failed, or takes the newline that ends it.
  mutating func endStatement() {
    if !hasFailed, current.kind != .newline, current.kind != .end { fail(.unexpected(current, at: currentPlace)) }
    while current.kind != .newline, current.kind != .end { index += 1 }
    while current.kind == .newline { index += 1 }
    hasFailed = false
  }

  /// `item = use | param | let | function | require | export ;`
  mutating func parseItem() -> Statement? {
    let documentation = Self.documentation(above: current)
    let start = current.range.lowerBound
    let word = current
    let kind: Statement.Kind? =
      switch word.kind == .keyword ? word.text : "" {
      case "use": parseUse()
      case "param": parseParam()
      case "let": parseLet()
      case "fn": .function(parseFunction())
      case "require": parseRequire()
      case "export": parseExport()
      default: nil
      }
    guard let kind else {
      fail(.noStatement(current, next: token(ahead: 1), at: currentPlace))
      return nil
    }
    return Statement(kind: kind, documentation: documentation, place: place(from: start))
  }

  /// `use = "use" , TEXT , "as" , NAME , NEWLINE ;`
  mutating func parseUse() -> Statement.Kind {
    index += 1
    let place = currentPlace
    let path = expectText("the library's path")
    if !take(word: "as") { fail(missing("`as`", "and the name under which the library is known")) }
    return .use(path: NameSyntax(text: path, place: place), name: expectName("of the library"))
  }

  /// `param = "param" , NAME , ":" , type , [ "=" , expression ] , NEWLINE ;`
  mutating func parseParam() -> Statement.Kind {
    index += 1
    let name = expectName("of the parameter")
    expect(":", "and the parameter's type")
    let type = parseType()
    return .param(name: name, type: type, value: take("=") ? parseExpression() : nil)
  }

  /// `let = "let" , NAME , "=" , expression , NEWLINE ;`
  mutating func parseLet() -> Statement.Kind {
    index += 1
    let name = expectName("for the value")
    expect("=", "and the value")
    return .bind(name: name, value: parseExpression())
  }

  /// `function = "fn" , NAME , "(" , [ parameter , { "," , parameter } , [ "," ] ] , ")" , "->" , type , "=" , expression ;`
  mutating func parseFunction() -> FunctionSyntax {
    index += 1
    let name = expectName("of the function")
    expect("(", "and the function's parameters")
    var parameters: [FunctionSyntax.Parameter] = []
    while !hasFailed, !current.isSymbol(")") {
      let name = expectName("of a parameter")
      expect(":", "and the parameter's type")
      let type = parseType()
      parameters.append(.init(name: name, type: type, value: take("=") ? parseExpression() : nil))
      if !take(",") { break }
    }
    expect(")", "behind the parameters")
    expect("->", "and the type of what the function gives")
    let result = parseType()
    expect("=", "and what the function gives")
    return FunctionSyntax(name: name, parameters: parameters, result: result, body: parseExpression())
  }

  /// `require = "require" , expression , [ "else" , TEXT ] , NEWLINE ;`
  mutating func parseRequire() -> Statement.Kind {
    index += 1
    let condition = parseExpression()
    return .require(condition, message: take(word: "else") ? expectText("what to say where it does not hold") : nil)
  }

  /// `export = "export" , expression , "to" , expression , [ "as" , expression ] , NEWLINE ;`
  mutating func parseExport() -> Statement.Kind {
    index += 1
    let value = parseExpression()
    if !take(word: "to") { fail(missing("`to`", "and the path to write to")) }
    let path = parseExpression()
    return .export(value, to: path, format: take(word: "as") ? parseExpression() : nil)
  }

  mutating func expectText(_ purpose: String) -> String {
    guard current.kind == .text else {
      fail(missing("a text", purpose))
      return ""
    }
    let place = currentPlace
    return TextSyntax.plain(advance().text) { diagnostics.append(.noValueInPlainText(at: place)) }
  }

  // MARK: Types

  /// `type = ( NAME , [ "in" , range ] | "[" , type , "]" ) , [ "?" ] ;`
  mutating func parseType() -> TypeSyntax {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else {
      fail(.tooDeep(at: currentPlace))
      return .missing
    }
    var type: TypeSyntax
    if take("[") {
      type = .list(parseType())
      expect("]", "behind the type of a list's elements")
    } else if current.kind == .name {
      let name = expectName("of a type")
      type = .named(name, range: take(word: "in") ? parseRange() : nil)
    } else {
      fail(missing("a type", "such as `number`, `count` or `checkpoint`"))
      return .missing
    }
    if take("?") { type = .optional(type) }
    return type
  }

  /// `range = sum , ( "..." | "..<" ) , sum ;`
  mutating func parseRange() -> RangeSyntax {
    let start = current.range.lowerBound
    let lower = parseSum()
    let excludesUpper = current.isSymbol("..<")
    if !take("...") && !take("..<") { fail(missing("`...` or `..<`", "between a range's ends")) }
    let upper = parseSum()
    return RangeSyntax(lower: lower, upper: upper, excludesUpper: excludesUpper, place: place(from: start))
  }
}
