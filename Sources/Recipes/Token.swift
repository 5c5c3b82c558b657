import Diagnostics

/// A word, sign or number of a recipe.
struct Token: Sendable {
  enum Kind: Sendable, Hashable {
    case name, keyword, number, text, symbol
    /// The end of a statement.
    case newline
    case end
    /// Something that no token begins with; it has been reported.
    case unknown
  }

  /// A remark beside or above a token.
  struct Comment: Sendable {
    let text: String
    /// Whether it stands behind other tokens on its line.
    let isTrailing: Bool
    let hasBlankLineBefore: Bool
  }

  let kind: Kind
  let range: Range<Int>
  /// The token as it is written; empty for a newline and the end.
  let text: String
  /// What stands between the token before and this one.
  let comments: [Comment]
  /// Whether white space stands right before it.
  let hasSpaceBefore: Bool
  /// Whether an empty line stands between this and the comments or token before.
  let hasBlankLineBefore: Bool

  func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }

  func isKeyword(_ word: String) -> Bool { kind == .keyword && text == word }

  static let statementWords: Set<String> = ["use", "param", "let", "fn", "require", "export"]

  static let keywords: Set<String> = statementWords.union([
    "recipe", "as", "else", "to", "if", "then", "match", "for", "in", "and", "or", "not", "true", "false", "none",
  ])

  /// Whether a statement can be over behind this token.
  var canEndStatement: Bool {
    switch kind {
    case .name, .number, .text, .unknown: true
    case .keyword: ["true", "false", "none"].contains(text)
    case .symbol: [")", "]", "}", "%", "_", "?"].contains(text)
    case .newline, .end: false
    }
  }
}
