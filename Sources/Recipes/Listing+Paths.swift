/// A recipe that is shown to others, who need not know how somebody's disk is arranged, nor what its owner is called.
extension Listing {
  /// The same recipe with only the last part of each absolute path, in texts and comments: `"/home/ada/models/base"` becomes
  /// `"…/base"`.
  public var withoutPaths: Listing {
    Listing(
      lines: lines.map { line in
        Line(
          stretches: line.stretches.map { stretch in
            switch stretch.sort {
            case .text: Stretch(sort: .text, text: Listing.shortenedLiteral(stretch.text))
            case .comment: Stretch(sort: .comment, text: Listing.withoutPaths(stretch.text))
            case .plain, .keyword, .number: stretch
            }
          }, names: line.names)
      }, endsInNewline: endsInNewline)
  }

  /// The recipe's text.
  public var text: String {
    lines.map { line in line.stretches.map(\.text).joined() }.joined(separator: "\n") + (endsInNewline ? "\n" : "")
  }

  /// A sentence in which of each absolute path with at least two parts only the last is left.
  public static func withoutPaths(_ text: String) -> String {
    text.replacing(
      /(?<before>^|[\s"'(=,\[`:])(?:~[\w.-]*|[A-Za-z]:)?(?:[\/\\][^\s\/\\"'`(),;:<>]+)+[\/\\](?<last>[^\s\/\\"'`(),;:<>]+)/
    ) {
      "\($0.before)…/\($0.last)"
    }
  }

  /// A text of a recipe, in its quotes: a whole path, which may have blanks in it, or a sentence.
  private static func shortenedLiteral(_ literal: String) -> String {
    let content = literal.dropFirst()
    guard content.starts(with: /[\/~]|[A-Za-z]:[\/\\]/) else { return withoutPaths(literal) }
    let parts = content.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
    // The closing quote alone is no part: the path ended in a sign that parts it.
    guard let last = parts.last(where: { !$0.isEmpty && $0 != "\"" }), parts.count > 1 else { return literal }
    return "\"…/" + last + (last.hasSuffix("\"") ? "" : "\"")
  }
}
