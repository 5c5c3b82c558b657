import Diagnostics
import Formats
import Operations

/// Metrics side by side: a row for each, a column for each number that any of them has.
struct MetricsTable {
  private let rows: [(label: String, facts: Facts)]
  private let columns: [String]

  init(_ rows: [(label: String, facts: JSON)]) {
    self.rows = rows.map { ($0.label, Facts($0.facts)) }
    var columns: [String] = []
    for name in self.rows.flatMap(\.facts.numbers) where !columns.contains(name) { columns.append(name) }
    self.columns = columns
  }

  func lines(_ style: Style) -> [String] {
    guard !columns.isEmpty else { return [] }
    var table = Table()
    table.rows.append([.init("")] + columns.map { .init(Renderer.printable($0), .faint, isNumber: true) })
    for (label, facts) in rows {
      let cells = columns.map { name in Table.Cell(facts.text(name), isNumber: true) }
      table.rows.append([.init(Renderer.printable(label), .bold)] + cells)
    }
    return table.lines(style, indent: 0)
  }
}
