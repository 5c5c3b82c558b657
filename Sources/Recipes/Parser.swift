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
  private var hasFailed = false
  private var depth = 0
  static let deepest = 200

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
  private var behindLast: Place {
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
  private mutating func parseFile() -> SyntaxFile {
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
  private mutating func endStatement() {
    if !hasFailed, current.kind != .newline, current.kind != .end { fail(.unexpected(current, at: currentPlace)) }
    while current.kind != .newline, current.kind != .end { index += 1 }
    while current.kind == .newline { index += 1 }
    hasFailed = false
  }

  /// `item = use | param | let | function | require | export ;`
  private mutating func parseItem() -> Statement? {
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
  private mutating func parseUse() -> Statement.Kind {
    index += 1
    let place = currentPlace
    let path = expectText("the library's path")
    if !take(word: "as") { fail(missing("`as`", "and the name under which the library is known")) }
    return .use(path: NameSyntax(text: path, place: place), name: expectName("of the library"))
  }

  /// `param = "param" , NAME , ":" , type , [ "=" , expression ] , NEWLINE ;`
  private mutating func parseParam() -> Statement.Kind {
    index += 1
    let name = expectName("of the parameter")
    expect(":", "and the parameter's type")
    let type = parseType()
    return .param(name: name, type: type, value: take("=") ? parseExpression() : nil)
  }

  /// `let = "let" , NAME , "=" , expression , NEWLINE ;`
  private mutating func parseLet() -> Statement.Kind {
    index += 1
    let name = expectName("for the value")
    expect("=", "and the value")
    return .bind(name: name, value: parseExpression())
  }

  /// `function = "fn" , NAME , "(" , [ parameter , { "," , parameter } , [ "," ] ] , ")" , "->" , type , "=" , expression ;`
  private mutating func parseFunction() -> FunctionSyntax {
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
  private mutating func parseRequire() -> Statement.Kind {
    index += 1
    let condition = parseExpression()
    return .require(condition, message: take(word: "else") ? expectText("what to say where it does not hold") : nil)
  }

  /// `export = "export" , expression , "to" , expression , [ "as" , expression ] , NEWLINE ;`
  private mutating func parseExport() -> Statement.Kind {
    index += 1
    let value = parseExpression()
    if !take(word: "to") { fail(missing("`to`", "and the path to write to")) }
    let path = parseExpression()
    return .export(value, to: path, format: take(word: "as") ? parseExpression() : nil)
  }

  private mutating func expectText(_ purpose: String) -> String {
    guard current.kind == .text else {
      fail(missing("a text", purpose))
      return ""
    }
    let place = currentPlace
    return TextSyntax.plain(advance().text) { diagnostics.append(.noValueInPlainText(at: place)) }
  }

  // MARK: Types

  /// `type = ( NAME , [ "in" , range ] | "[" , type , "]" ) , [ "?" ] ;`
  private mutating func parseType() -> TypeSyntax {
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
  private mutating func parseRange() -> RangeSyntax {
    let start = current.range.lowerBound
    let lower = parseSum()
    let excludesUpper = current.isSymbol("..<")
    if !take("...") && !take("..<") { fail(missing("`...` or `..<`", "between a range's ends")) }
    let upper = parseSum()
    return RangeSyntax(lower: lower, upper: upper, excludesUpper: excludesUpper, place: place(from: start))
  }

  // MARK: Expressions

  /// `expression = "if" … | "match" … | disjunction ;`
  mutating func parseExpression() -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else {
      fail(.tooDeep(at: currentPlace))
      return Expression(kind: .missing, place: currentPlace)
    }
    if current.isKeyword("if") { return parseConditional() }
    if current.isKeyword("match") { return parseMatch() }
    return parseBinary(level: 0)
  }

  /// `"if" , expression , "then" , expression , "else" , expression`
  private mutating func parseConditional() -> Expression {
    let start = advance().range.lowerBound
    let condition = parseExpression()
    if !take(word: "then") { fail(missing("`then`", "and the value where the condition holds")) }
    let then = parseExpression()
    if !take(word: "else") { fail(missing("`else`", "and the value where the condition does not hold")) }
    let otherwise = parseExpression()
    return Expression(kind: .conditional(condition, then: then, otherwise: otherwise), place: place(from: start))
  }

  /// `"match" , NAME , "{" , arm , { "," , arm } , [ "," ] , "}"`
  private mutating func parseMatch() -> Expression {
    let start = advance().range.lowerBound
    let subject = expectName("of what is matched: `tensor`, `layer` or a value")
    expect("{", "and the arms")
    var arms: [ArmSyntax] = []
    while !hasFailed, !current.isSymbol("}") {
      arms.append(parseArm())
      if !take(",") { break }
    }
    expect("}", "behind the last arm")
    return Expression(kind: .match(subject, arms), place: place(from: start))
  }

  /// `arm = ( TEXT | range | "_" ) , "=>" , expression ;`
  private mutating func parseArm() -> ArmSyntax {
    let start = current.range.lowerBound
    let pattern: ArmSyntax.Pattern
    if take("_") {
      pattern = .rest
    } else if current.kind == .text {
      pattern = .text(expectText("a pattern"))
    } else {
      pattern = .range(parseRange())
    }
    let patternPlace = place(from: start)
    expect("=>", "and the value for this arm")
    return ArmSyntax(pattern: pattern, place: patternPlace, value: parseExpression())
  }

  /// The operators, from the loosest: `or`, `and`, comparisons, sums, products.
  private static let levels: [[String: Builtin]] = [
    ["or": .or], ["and": .and],
    [
      "==": .equal, "!=": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ],
    ["+": .add, "-": .subtract], ["*": .multiply, "/": .divide],
  ]

  private mutating func parseSum() -> Expression { parseBinary(level: 3) }

  /// `disjunction`, `conjunction`, `comparison`, `sum` and `product`: each is the next, joined by its own operators.
  private mutating func parseBinary(level: Int) -> Expression {
    guard level < Self.levels.count else { return parseUnary() }
    let start = current.range.lowerBound
    var left = parseBinary(level: level + 1)
    while current.kind == .symbol || current.kind == .keyword, let builtin = Self.levels[level][current.text] {
      let sign = currentPlace
      index += 1
      let right = parseBinary(level: level + 1)
      left = Expression(kind: .binary(builtin, left, right, sign: sign), place: place(from: start))
      if level == 2 {
        if current.kind == .symbol, Self.levels[2][current.text] != nil { fail(.chainedComparison(at: currentPlace)) }
        break
      }
    }
    return left
  }

  /// `unary = [ "-" | "not" ] , ( postfix | unary ) ;`
  private mutating func parseUnary() -> Expression {
    let start = current.range.lowerBound
    let builtin: Builtin? = take("-") ? .negate : take(word: "not") ? .not : nil
    guard let builtin else { return parsePostfix() }
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else {
      fail(.tooDeep(at: currentPlace))
      return Expression(kind: .missing, place: currentPlace)
    }
    let operand = parseUnary()
    return Expression(kind: .unary(builtin, operand), place: place(from: start))
  }

  /// `postfix = primary , { "." , NAME | "(" , arguments , ")" } ;` with no space before the bracket.
  private mutating func parsePostfix() -> Expression {
    let start = current.range.lowerBound
    var expression = parsePrimary()
    while !hasFailed {
      if current.isSymbol("."), !current.hasSpaceBefore {
        index += 1
        let name = expectName("of a field")
        expression = Expression(kind: .field(expression, name), place: place(from: start))
      } else if current.isSymbol("("), !current.hasSpaceBefore {
        let arguments = parseArguments()
        expression = Expression(kind: .call(expression, arguments), place: place(from: start))
      } else {
        break
      }
    }
    return expression
  }

  /// `arguments = [ argument , { "," , argument } , [ "," ] ] ;`
  private mutating func parseArguments() -> [ArgumentSyntax] {
    let open = currentPlace
    index += 1
    var arguments: [ArgumentSyntax] = []
    while !hasFailed, !current.isSymbol(")") {
      guard !isClosed(open) else { return arguments }
      arguments.append(parseArgument())
      if !take(",") { break }
    }
    close(")", open)
    return arguments
  }

  /// `argument = NAME , ":" , [ expression ] | expression ;`
  private mutating func parseArgument() -> ArgumentSyntax {
    guard current.kind == .name, token(ahead: 1).kind == .symbol else {
      return ArgumentSyntax(label: nil, value: parseExpression())
    }
    let next = token(ahead: 1)
    if next.isSymbol("=") {
      let label = advance().text
      fail(.labelWithEqualsSign(label, at: currentPlace))
      return ArgumentSyntax(label: nil, value: Expression(kind: .missing, place: currentPlace))
    }
    guard next.isSymbol(":") else { return ArgumentSyntax(label: nil, value: parseExpression()) }
    let label = expectName("of an argument")
    index += 1
    if current.isSymbol(",") || current.isSymbol(")") {
      return ArgumentSyntax(label: label, value: Expression(kind: .name(label.text), place: label.place))
    }
    return ArgumentSyntax(label: label, value: parseExpression())
  }

  /// Whether the file or statement ends within a bracket; the bracket is then to blame.
  private mutating func isClosed(_ open: Place) -> Bool {
    guard current.kind == .end || current.kind == .newline else { return false }
    fail(.neverClosed(open))
    return true
  }

  private mutating func close(_ symbol: String, _ open: Place) {
    if hasFailed || take(symbol) || isClosed(open) { return }
    if current.kind == .number || current.kind == .text || current.kind == .name || current.isSymbol(".")
      || current.isSymbol("[")
    {
      fail(.missing("`,`", "between two of them", at: behindLast, found: nil))
    } else {
      fail(missing("`\(symbol)`", "to close this"))
    }
  }

  // MARK: Primaries

  /// `primary = quantity | TEXT | "true" | "false" | "none" | NAME | "." , NAME | list | "(" , expression , ")" ;`
  private mutating func parsePrimary() -> Expression {
    let start = current.range.lowerBound
    let token = current
    switch token.kind {
    case .number: return parseQuantity()
    case .text:
      index += 1
      let parts = TextSyntax.parts(of: token, in: source) { diagnostics.append($0) }
      return Expression(kind: .text(parts), place: place(from: start))
    case .name:
      index += 1
      return Expression(kind: .name(token.text), place: place(from: start))
    case .keyword where ["true", "false", "none"].contains(token.text):
      index += 1
      return Expression(kind: token.text == "none" ? .none : .flag(token.text == "true"), place: place(from: start))
    case .symbol where token.text == ".":
      index += 1
      let name =
        current.kind == .keyword
        ? NameSyntax(text: advance().text, place: place(from: start)) : expectName("of a choice")
      return Expression(kind: .choice(name.text), place: place(from: start))
    case .symbol where token.text == "[": return parseList()
    case .symbol where token.text == "(":
      let open = currentPlace
      index += 1
      let inner = parseExpression()
      close(")", open)
      return Expression(kind: inner.kind, place: place(from: start))
    default:
      fail(missing("a value", ""))
      return Expression(kind: .missing, place: currentPlace)
    }
  }

  /// `quantity = NUMBER , [ "%" | UNIT ] ;`
  private mutating func parseQuantity() -> Expression {
    let start = current.range.lowerBound
    let text = advance().text.filter { $0 != "_" }
    guard let number = Double(text), number.isFinite else {
      fail(.numberTooLarge(at: place(from: start)))
      return Expression(kind: .missing, place: place(from: start))
    }
    var unit: String?
    if take("%") {
      unit = "%"
    } else if current.kind == .name,
      Unit.all[current.text] != nil || !current.hasSpaceBefore || !token(ahead: 1).isSymbol("(")
    {
      unit = advance().text
    }
    return Expression(kind: .number(number, unit: unit), place: place(from: start))
  }

  /// `list = "[" , [ "for" , targets , "in" , expression , [ "if" , expression ] , ":" , expression , [ "," ] | … ] , "]" ;`
  private mutating func parseList() -> Expression {
    let start = current.range.lowerBound
    let open = currentPlace
    index += 1
    if take(word: "for") { return parseComprehension(start, open) }
    var elements: [Expression] = []
    while !hasFailed, !current.isSymbol("]") {
      guard !isClosed(open) else { break }
      elements.append(parseExpression())
      if !take(",") { break }
    }
    close("]", open)
    return Expression(kind: .list(elements), place: place(from: start))
  }

  /// `targets = NAME | "(" , NAME , { "," , NAME } , ")" ;` and what follows it.
  private mutating func parseComprehension(_ start: Int, _ open: Place) -> Expression {
    let isTuple = take("(")
    var targets = [expectName("for each element")]
    while isTuple, take(",") { targets.append(expectName("for each element")) }
    if isTuple { expect(")", "behind the names") }
    if !take(word: "in") { fail(missing("`in`", "and the list to go over")) }
    let source = parseExpression()
    let condition = take(word: "if") ? parseExpression() : nil
    expect(":", "and what to make of each element")
    let body = parseExpression()
    _ = take(",")
    close("]", open)
    let comprehension = ComprehensionSyntax(
      targets: targets, isTuple: isTuple, source: source, condition: condition, body: body)
    return Expression(kind: .comprehension(comprehension), place: place(from: start))
  }
}
