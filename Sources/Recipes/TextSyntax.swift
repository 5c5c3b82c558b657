import Diagnostics

/// Reads what stands between the quotes of a text: escapes, and values put in with braces.
enum TextSyntax {
  /// A text in which no value may be put; `complain` is called where one is.
  static func plain(_ token: String, complain: () -> Void) -> String {
    var result = ""
    var rest = Substring(token).dropFirst().dropLast()
    while let character = rest.popFirst() {
      if character == "\\" {
        result += escape(&rest)
      } else {
        if character == "{" { complain() }
        result.append(character)
      }
    }
    return result
  }

  /// The parts of a text: what is written, and the names whose values are put in.
  static func parts(of token: Token, in source: Source, report: (Diagnostic) -> Void) -> [TextPart] {
    var parts: [TextPart] = []
    var literal = ""
    var rest = Substring(token.text).dropFirst().dropLast()
    while let character = rest.popFirst() {
      switch character {
      case "\\": literal += escape(&rest)
      case "{":
        let start = token.range.lowerBound + token.text[..<rest.startIndex].utf8.count
        let name = rest.prefix { $0 != "}" }
        rest = rest.dropFirst(name.count + 1)
        let place = Place(source, start..<start + name.utf8.count)
        guard let value = value(named: name, at: place) else {
          report(.textTakesNames(at: place))
          continue
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        literal = ""
        parts.append(.value(value))
      default: literal.append(character)
      }
    }
    if !literal.isEmpty || parts.isEmpty { parts.append(.literal(literal)) }
    return parts
  }

  /// `name` or `name.field`.
  private static func value(named text: Substring, at place: Place) -> Expression? {
    let names = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let first = names.first, names.allSatisfy(isName) else { return nil }
    var expression = Expression(kind: .name(String(first)), place: place)
    for name in names.dropFirst() {
      expression = Expression(kind: .field(expression, NameSyntax(text: String(name), place: place)), place: place)
    }
    return expression
  }

  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.first, first.isASCII, first.isLetter else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  private static func escape(_ rest: inout Substring) -> String {
    switch rest.popFirst() {
    case "n": "\n"
    case "t": "\t"
    case let character?: String(character)
    case nil: ""
    }
  }
}
