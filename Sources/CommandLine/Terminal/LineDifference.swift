import Diagnostics

/// How one text becomes another, line by line, as `diff -u` shows it.
struct LineDifference {
  private struct Line {
    let mark: Character
    let text: String
    /// In the old text, from 1; of a new line, that of the one it stands before.
    let number: Int
  }

  private let lines: [Line]

  /// Lines that are shown before and behind what differs.
  private static let context = 2

  init(from old: String, to new: String) {
    let (before, after) = (Self.split(old), Self.split(new))
    var (removed, inserted) = (Set<Int>(), Set<Int>())
    for change in after.difference(from: before) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [Line] = []
    var (place, next) = (0, 0)
    while place < before.count || next < after.count {
      if removed.contains(place), place < before.count {
        lines.append(Line(mark: "-", text: before[place], number: place + 1))
        place += 1
      } else if inserted.contains(next), next < after.count {
        lines.append(Line(mark: "+", text: after[next], number: place + 1))
        next += 1
      } else {
        lines.append(Line(mark: " ", text: before[place], number: place + 1))
        (place, next) = (place + 1, next + 1)
      }
    }
    self.lines = lines
  }

  private static func split(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// What differs, with a few lines around it.
  func text(_ style: Style) -> [String] {
    let changed = lines.indices.filter { lines[$0].mark != " " }
    let shown = changed.reduce(into: Set<Int>()) { shown, index in
      shown.formUnion(max(0, index - Self.context)...min(lines.count - 1, index + Self.context))
    }
    var result: [String] = []
    for index in lines.indices where shown.contains(index) {
      if !shown.contains(index - 1) { result.append(style("@@ line \(lines[index].number) @@", .cyan)) }
      let ink: Style.Ink? = lines[index].mark == "-" ? .red : lines[index].mark == "+" ? .green : nil
      result.append(style("\(lines[index].mark)\(Renderer.printable(lines[index].text))", ink))
    }
    return result
  }
}
