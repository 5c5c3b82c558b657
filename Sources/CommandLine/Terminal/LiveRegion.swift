/// The last lines of a terminal, drawn again and again in place.
struct LiveRegion {
  /// Lines that stand there now; the cursor is below them.
  private var height = 0

  /// What to write so that these lines stand there instead.
  mutating func drawing(_ lines: [String]) -> String {
    let text = up + lines.map { "\u{1B}[2K" + $0 + "\n" }.joined() + "\u{1B}[J"
    height = lines.count
    return text
  }

  /// What to write so that nothing stands there, and what is written next stands in its place.
  mutating func clearing() -> String {
    defer { height = 0 }
    return height == 0 ? "" : up + "\u{1B}[J"
  }

  private var up: String { height == 0 ? "\r" : "\r\u{1B}[\(height)A" }
}
