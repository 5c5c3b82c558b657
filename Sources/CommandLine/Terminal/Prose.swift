/// Texts for people, broken to a width.
enum Prose {
  /// Breaks a text into lines at blanks. A word that is longer than a line stands alone.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      if line.isEmpty {
        line = String(word)
      } else if line.count + 1 + word.count <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = String(word)
      }
    }
    return line.isEmpty ? lines : lines + [line]
  }

  /// Breaks Markdown's paragraphs and keeps its lists, tables and code as they are.
  static func markdown(_ text: String, width: Int) -> [String] {
    var result: [String] = []
    var paragraph: [Substring] = []
    var isCode = false
    func flush() {
      result += wrapped(paragraph.joined(separator: " "), width: width)
      paragraph = []
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isFence = line.hasPrefix("```")
      if isCode || isFence || !startsProse(line) {
        flush()
        if !isFence { result.append(isCode ? "    " + line : String(line)) }
        if isFence { isCode.toggle() }
      } else {
        paragraph.append(line)
      }
    }
    flush()
    return result
  }

  private static func startsProse(_ line: Substring) -> Bool {
    guard let first = line.first else { return false }
    let isNumbered = first.isNumber && line.drop(while: \.isNumber).hasPrefix(". ")
    return !first.isWhitespace && first != "|" && first != "#" && !line.hasPrefix("- ") && !line.hasPrefix("* ")
      && !isNumbered
  }

  /// Names with what is said of each, the texts in one column.
  static func definitions(_ items: [(name: String, text: String)], width: Int, style: Style) -> [String] {
    let longest = items.map(\.name.count).filter { $0 <= 24 }.max() ?? 0
    return items.flatMap { name, text -> [String] in
      let lines = wrapped(text, width: max(30, width - longest - 4))
      let margin = String(repeating: " ", count: longest + 4)
      guard name.count <= longest else { return ["  " + style(name, .bold)] + lines.map { margin + $0 } }
      let gap = String(repeating: " ", count: longest - name.count + 2)
      let first = "  " + style(name, .bold) + (lines.isEmpty ? "" : gap + lines[0])
      return [first] + lines.dropFirst().map { margin + $0 }
    }
  }
}

extension String {
  /// With blanks behind it, or before it, up to a width.
  func padded(to width: Int, atStart: Bool = false) -> String {
    let gap = String(repeating: " ", count: max(0, width - count))
    return atStart ? gap + self : self + gap
  }
}
