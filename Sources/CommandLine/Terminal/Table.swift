import Diagnostics

/// Rows of cells in aligned columns.
struct Table {
  struct Cell {
    let text: String
    let ink: Style.Ink?
    let isNumber: Bool

    init(_ text: String, _ ink: Style.Ink? = nil, isNumber: Bool = false) {
      self.text = text
      self.ink = ink
      self.isNumber = isNumber
    }
  }

  /// Less is left of no cell.
  private static let least = 8

  var rows: [[Cell]] = []

  mutating func add(_ cells: Cell...) { rows.append(cells) }

  /// The lines, without trailing blanks; two blanks between columns, numbers to the right.
  /// - Parameter width: Columns that there are; the last cell of a line that needs more loses its middle. None where that may be
  ///   broken by whoever shows it.
  func lines(_ style: Style, indent: Int = 2, width: Int? = nil) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].text.count : 0 }.max() ?? 0 }
    return rows.map { row in
      let last = row.lastIndex { !$0.text.isEmpty } ?? -1
      let cells = row.enumerated().prefix(last + 1).map { column, cell in
        let gap = String(repeating: " ", count: widths[column] - cell.text.count)
        if cell.isNumber { return gap + style(cell.text, cell.ink) }
        if column < last { return style(cell.text, cell.ink) + gap }
        let room = width.map { max(Self.least, $0 - indent - widths[..<column].reduce(0) { $0 + $1 + 2 }) }
        return style(room.map { Renderer.shortened(cell.text, to: $0) } ?? cell.text, cell.ink)
      }
      return String(repeating: " ", count: indent) + cells.joined(separator: "  ")
    }
  }
}
