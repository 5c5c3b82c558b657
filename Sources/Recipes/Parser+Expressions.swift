import Diagnostics

extension Parser {
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
  mutating func parseConditional() -> Expression {
    let start = advance().range.lowerBound
    let condition = parseExpression()
    if !take(word: "then") { fail(missing("`then`", "and the value where the condition holds")) }
    let then = parseExpression()
    if !take(word: "else") { fail(missing("`else`", "and the value where the condition does not hold")) }
    let otherwise = parseExpression()
    return Expression(kind: .conditional(condition, then: then, otherwise: otherwise), place: place(from: start))
  }

  /// `"match" , NAME , "{" , arm , { "," , arm } , [ "," ] , "}"`
  mutating func parseMatch() -> Expression {
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
  mutating func parseArm() -> ArmSyntax {
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
  static let levels: [[String: Builtin]] = [
    ["or": .or], ["and": .and],
    [
      "==": .equal, "!=": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ],
    ["+": .add, "-": .subtract], ["*": .multiply, "/": .divide],
  ]

  mutating func parseSum() -> Expression { parseBinary(level: 3) }

  /// `disjunction`, `conjunction`, `comparison`, `sum` and `product`: each is the next, joined by its own operators.
  mutating func parseBinary(level: Int) -> Expression {
    guard level < Self.levels.count else { return parseUnary() }
    let start = current.range.lowerBound
    var left = parseBinary(level: level + 1)
    while current.kind == .symbol || current.kind == .keyword, let builtin = Self.levels[level][current.text] {
      let sign = currentPlace
      index += 1
      let right = parseBinary(level: level + 1)
      left = joined(.binary(builtin, left, right, sign: sign), from: start)
      if level == 2 {
        if current.kind == .symbol, Self.levels[2][current.text] != nil { fail(.chainedComparison(at: currentPlace)) }
        break
      }
    }
    return left
  }

  /// `unary = [ "-" | "not" ] , ( postfix | unary ) ;`
  mutating func parseUnary() -> Expression {
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
  mutating func parsePostfix() -> Expression {
    let start = current.range.lowerBound
    var expression = parsePrimary()
    while !hasFailed {
      if current.isSymbol("."), !current.hasSpaceBefore {
        index += 1
        let name = expectName("of a field")
        expression = joined(.field(expression, name), from: start)
      } else if current.isSymbol("("), !current.hasSpaceBefore {
        let arguments = parseArguments()
        expression = joined(.call(expression, arguments), from: start)
      } else {
        break
      }
    }
    return expression
  }

  /// An expression that goes on behind another one. Without brackets there is no end to that, but whoever reads the tree must come to one.
  mutating func joined(_ kind: Expression.Kind, from start: Int) -> Expression {
    let expression = Expression(kind: kind, place: place(from: start))
    guard expression.depth > Self.longest else { return expression }
    fail(.tooLong(at: expression.place))
    while current.kind != .newline, current.kind != .end { index += 1 }
    return Expression(kind: .missing, place: expression.place)
  }

  /// `arguments = [ argument , { "," , argument } , [ "," ] ] ;`
  mutating func parseArguments() -> [ArgumentSyntax] {
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
  mutating func parseArgument() -> ArgumentSyntax {
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
  mutating func isClosed(_ open: Place) -> Bool {
    guard current.kind == .end || current.kind == .newline else { return false }
    fail(.neverClosed(open))
    return true
  }

  mutating func close(_ symbol: String, _ open: Place) {
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
  mutating func parsePrimary() -> Expression {
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
  mutating func parseQuantity() -> Expression {
    let start = current.range.lowerBound
    let text = advance().text.filter { $0 != "_" }
    guard let number = Double(text), number.isFinite else {
      fail(.numberTooLarge(at: place(from: start)))
      return Expression(kind: .missing, place: place(from: start))
    }
    var unit: String?
    if take("%") {
      unit = "%"
    } else if current.kind == .name, Unit.all[current.text] != nil || !token(ahead: 1).isSymbol("(") {
      // Blanks before it say nothing: `fmt` puts one there.
      unit = advance().text
    }
    return Expression(kind: .number(number, unit: unit), place: place(from: start))
  }

  /// `list = "[" , [ "for" , targets , "in" , expression , [ "if" , expression ] , ":" , expression , [ "," ] | … ] , "]" ;`
  mutating func parseList() -> Expression {
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
  mutating func parseComprehension(_ start: Int, _ open: Place) -> Expression {
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
