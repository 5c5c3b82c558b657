import Diagnostics
import Formats

/// Metrics side by side: a row for each, a column for each number that any of them has.
struct MetricsTable {
  private let rows: [(label: String, facts: JSON)]
  private let columns: [String]

  init(_ rows: [(label: String, facts: JSON)]) {
    self.rows = rows
    var columns: [String] = []
    for member in rows.flatMap({ $0.facts.object ?? [] })
    where member.value.number != nil && !columns.contains(member.name) {
      columns.append(member.name)
    }
    self.columns = columns
  }

  func lines(_ style: Style) -> [String] {
    guard !columns.isEmpty else { return [] }
    var table = Table()
    table.rows.append([.init("")] + columns.map { .init(Renderer.printable($0), .faint, isNumber: true) })
    for (label, facts) in rows {
      let cells = columns.map { name in Table.Cell(MetricsTable.text(name, in: facts), isNumber: true) }
      table.rows.append([.init(Renderer.printable(label), .bold)] + cells)
    }
    return table.lines(style, indent: 0)
  }

  /// A number, with its interval where the metrics have one.
  static func text(_ name: String, in facts: JSON) -> String {
    guard let number = facts[name]?.number else { return "" }
    let interval = facts["\(name)_interval"]?.array?.compactMap(\.number) ?? []
    return Measure.figure(number)
      + (interval.count == 2 ? " (\(Measure.figure(interval[0])) to \(Measure.figure(interval[1])))" : "")
  }
}
