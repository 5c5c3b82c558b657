/// The last lines of a terminal, drawn again and again in place.
struct LiveRegion {
  /// Columns that each of the lines takes that stand there now; the cursor is below them.
  private var widths: [Int] = []

  /// What to write so that these lines stand there instead.
  /// - Parameter columns: Of the terminal as it is now: it may have become narrower, and broken what stands there.
  mutating func drawing(_ lines: [(text: String, width: Int)], columns: Int) -> String {
    let text = up(columns) + lines.map { "\u{1B}[2K" + $0.text + "\n" }.joined() + "\u{1B}[J"
    widths = lines.map(\.width)
    return text
  }

  /// What to write so that nothing stands there, and what is written next stands in its place.
  mutating func clearing(columns: Int) -> String {
    defer { widths = [] }
    return widths.isEmpty ? "" : up(columns) + "\u{1B}[J"
  }

  private func up(_ columns: Int) -> String {
    let height = widths.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(columns, 1)) }
    return height == 0 ? "\r" : "\r\u{1B}[\(height)A"
  }
}
