import Diagnostics
import Formats
import Operations

/// Metrics side by side: a row for each, a column for each number that any of them has. What has no number in common but how many
/// examples there were, such as differences and what they are of, stands in tables of its own.
struct MetricsTable {
  private struct Group {
    var rows: [(label: String, facts: Facts)] = []
    var columns: [String] = []
  }

  private var groups: [Group] = []

  init(_ rows: [(label: String, facts: JSON)]) {
    for (label, facts) in rows {
      let facts = Facts(facts)
      let names = facts.numbers
      guard !names.isEmpty else { continue }
      let index = groups.firstIndex { group in names.contains { $0 != "examples" && group.columns.contains($0) } }
      if index == nil { groups.append(Group()) }
      let place = index ?? groups.count - 1
      groups[place].rows.append((label, facts))
      for name in names where !groups[place].columns.contains(name) { groups[place].columns.append(name) }
    }
  }

  func lines(_ style: Style) -> [String] {
    groups.enumerated().flatMap { index, group in
      var table = Table()
      let heads = group.columns.map { Table.Cell(Renderer.printable($0), .faint, isNumber: true) }
      table.rows.append([.init("")] + heads)
      for (label, facts) in group.rows {
        let cells = group.columns.map { name in Table.Cell(facts.text(name), isNumber: true) }
        table.rows.append([.init(Renderer.printable(label), .bold)] + cells)
      }
      return (index > 0 ? [""] : []) + table.lines(style, indent: 0)
    }
  }
}
