/// Prints diagnostics as people read them: the sentence, the place, the line with what matters marked, notes and helps.
public struct Renderer: Sendable {
  let isColored: Bool

  public init(isColored: Bool = false) { self.isColored = isColored }

  /// As many are shown at once. Whoever has more has one mistake that brings up all the others, or another program's file.
  static let most = 1000

  /// All diagnostics, errors first, each in the order of its place; a blank line between them.
  public func text(_ diagnostics: [Diagnostic]) -> String {
    let sorted = Diagnostic.sorted(diagnostics)
    let rest = sorted.count - Self.most
    let texts = sorted.prefix(Self.most).map(text(_:))
    return (texts + (rest > 0 ? ["there are \(rest) more of them\n"] : [])).joined(separator: "\n")
  }

  /// One diagnostic, ending in a newline.
  public func text(_ diagnostic: Diagnostic) -> String {
    let severity = diagnostic.severity == .error ? paint("error", "1;31") : paint("warning", "1;33")
    var lines = ["\(severity): \(paint(Renderer.printable(diagnostic.message), "1"))"]
    var margin = 1
    if let place = diagnostic.place {
      let labels = [Diagnostic.Label(place, diagnostic.label)] + diagnostic.others
      margin = labels.map { String($0.place.source.position(of: $0.place.range.lowerBound).line).count }.max() ?? 1
      let position = place.source.position(of: place.range.lowerBound)
      let name = Renderer.printable(place.source.name)
      lines.append("\(pad(margin))\(paint("——▶", "34")) \(name):\(position.line):\(position.column)")
      lines += snippet(labels, main: place, margin: margin)
    }
    let gutter = "\(pad(margin + 1))\(paint("=", "34"))"
    lines += diagnostic.notes.map { "\(gutter) note: \(Renderer.printable($0))" }
    lines += diagnostic.helps.map { "\(gutter) \(paint("help", "36")): \(Renderer.printable($0))" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The lines that labels stand on, each mark under its text.
  private func snippet(_ labels: [Diagnostic.Label], main: Place, margin: Int) -> [String] {
    let bar = paint("│", "34")
    var lines = ["\(pad(margin + 1))\(bar)"]
    var last: (line: Int, excerpt: Excerpt)?
    for label in labels.filter({ $0.place.source === main.source }).sorted(by: Renderer.isBefore) {
      let place = label.place
      let position = place.source.position(of: place.range.lowerBound)
      let end = place.range.lowerBound + min(place.range.count, Excerpt.reach)
      let length = Place(place.source, place.range.lowerBound..<end).text.prefix { $0 != "\n" }.count
      let marked = position.column - 1..<position.column - 1 + length
      var excerpt = Excerpt(place, line: position.line, around: marked)
      if let last, last.line == position.line, last.excerpt.shows(marked) {
        excerpt = last.excerpt
      } else {
        if let last, last.line + 1 < position.line { lines.append("\(pad(margin + 1))\(bar) …") }
        let number = String(position.line)
        lines.append("\(pad(margin - number.count))\(paint(number, "34")) \(bar) \(excerpt.text)")
      }
      last = (position.line, excerpt)
      let columns = excerpt.columns(of: marked)
      let isMain = place == main
      let mark = String(repeating: isMain ? "^" : "-", count: max(1, columns.count))
      let note = label.text.isEmpty ? "" : " " + Renderer.printable(label.text)
      lines.append("\(pad(margin + 1))\(bar) \(pad(columns.lowerBound))\(paint(mark + note, isMain ? "1;31" : "34"))")
    }
    return lines
  }

  private static func isBefore(_ a: Diagnostic.Label, _ b: Diagnostic.Label) -> Bool {
    (a.place.range.lowerBound, a.place.range.upperBound) < (b.place.range.lowerBound, b.place.range.upperBound)
  }

  private func pad(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  private func paint(_ text: String, _ code: String) -> String { isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

  /// A printable text with its middle left out where it is longer: names of many things differ in their ends.
  public static func shortened(_ text: String, to count: Int) -> String {
    let text = printable(text)
    guard text.count > count else { return text }
    return text.prefix((count - 1) * 3 / 5) + "…" + text.suffix(count - 1 - (count - 1) * 3 / 5)
  }

  /// A text with everything escaped that a terminal would obey: control characters and changes of direction.
  public static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar.isObeyed {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// Whether a terminal, an editor or a browser does something else with it than show it: a control character, a change of
  /// direction, a line's end by another name, or what is never seen at all, so that two names would look the same. What joins
  /// letters stays: words of some languages need it.
  public var isObeyed: Bool {
    switch value {
    case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    case 0xAD, 0x180E, 0x200B, 0x2060...0x2064, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
    default: false
    }
  }
}

/// A line of a source, or of a long one the part around what is marked.
private struct Excerpt {
  private static let width = 120
  private static let lead = 40

  /// Bytes to either side of a place that are looked at: enough for what is shown, however many make one character.
  static let reach = 4096

  /// Of a very long line the characters near the place.
  private let line: [Character]
  /// How many stand before them, and whether any behind.
  private let before: Int
  private let isCut: Bool
  private let shown: Range<Int>

  init(_ place: Place, line number: Int, around marked: Range<Int>) {
    let source = place.source
    let (near, whole) = source.bytes(ofLine: number, near: place.range.lowerBound, reach: Excerpt.reach)
    line = Array(String(decoding: source.bytes[near], as: UTF8.self))
    before = near.lowerBound == whole.lowerBound ? 0 : source.characters(in: whole.lowerBound..<near.lowerBound)
    isCut = near.upperBound < whole.upperBound
    let (count, start) = (before + line.count, before)
    guard count > Excerpt.width, marked.upperBound > Excerpt.width else {
      shown = 0..<min(count, Excerpt.width)
      return
    }
    let first = min(max(0, marked.lowerBound - Excerpt.lead), count - Excerpt.width + Excerpt.lead)
    shown = max(start, first)..<min(count, first + Excerpt.width)
  }

  func shows(_ marked: Range<Int>) -> Bool { shown.contains(marked.lowerBound) }

  /// As it is printed, an ellipsis for what is left out at either end.
  var text: String {
    (shown.lowerBound > 0 ? "…" : "") + printed(shown) + (isCut || shown.upperBound < before + line.count ? "…" : "")
  }

  /// Where a marked part of the line stands in `text`.
  func columns(of marked: Range<Int>) -> Range<Int> {
    let start = (shown.lowerBound > 0 ? 1 : 0) + printed(shown.lowerBound..<marked.lowerBound).count
    return start..<start + printed(marked.clamped(to: shown)).count
  }

  private func printed(_ part: Range<Int>) -> String {
    let here = part.clamped(to: before..<before + line.count)
    return Renderer.printable(String(line[here.lowerBound - before..<here.upperBound - before]))
  }
}

extension Diagnostic {
  /// Errors before warnings; then by file, as first mentioned, and by place.
  public static func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    var files: [ObjectIdentifier: Int] = [:]
    for diagnostic in diagnostics {
      if let place = diagnostic.place, files[ObjectIdentifier(place.source)] == nil {
        files[ObjectIdentifier(place.source)] = files.count
      }
    }
    func rank(_ diagnostic: Diagnostic) -> (Int, Int, Int) {
      let file = diagnostic.place.flatMap { files[ObjectIdentifier($0.source)] } ?? -1
      return (diagnostic.severity == .error ? 0 : 1, file, diagnostic.place?.range.lowerBound ?? 0)
    }
    return diagnostics.enumerated().sorted { a, b in
      let (first, second) = (rank(a.element), rank(b.element))
      return first == second ? a.offset < b.offset : first < second
    }.map(\.element)
  }
}
