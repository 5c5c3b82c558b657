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

  var rows: [[Cell]] = []

  mutating func add(_ cells: Cell...) { rows.append(cells) }

  /// The lines, without trailing blanks; two blanks between columns, numbers to the right.
  func lines(_ style: Style, indent: Int = 2) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].text.count : 0 }.max() ?? 0 }
    return rows.map { row in
      let last = row.lastIndex { !$0.text.isEmpty } ?? -1
      let cells = row.enumerated().prefix(last + 1).map { column, cell in
        let gap = String(repeating: " ", count: widths[column] - cell.text.count)
        let text = style(cell.text, cell.ink)
        return cell.isNumber ? gap + text : column == last ? text : text + gap
      }
      return String(repeating: " ", count: indent) + cells.joined(separator: "  ")
    }
  }
}
