import Diagnostics
import Formats
import Operations

/// Numbers by row and column as shades: what an adapter's start explains in each layer, how much of each skill a task takes.
///
/// Drawn of what a step's facts hold under `mergekit`: objects of numbers by the names of layers, and tables of numbers in rows.
struct LayerMap {
  private let step: Int
  private let title: String
  private let name: String
  private let rows: [String]
  private let columns: [String]
  /// What is drawn, by row and column.
  private let cells: [(row: Int, column: Int, number: Double, label: String)]

  private static let room = (left: 130.0, top: 18.0, cell: 22.0)
  /// More than these would no longer be a picture.
  private static let most = (maps: 24, cells: 4_000)

  /// A map for each set of numbers that a step has.
  static func maps(of lineage: Lineage) -> [LayerMap] {
    var all: [LayerMap] = []
    for (index, step) in lineage.steps.enumerated() {
      guard case .object(let members) = step.facts["mergekit"] else { continue }
      for member in members {
        let map = byLayer(member, index, step.label) ?? table(member, index, step.label)
        if let map, map.cells.count <= most.cells { all.append(map) }
        if all.count == most.maps { return all }
      }
    }
    return all
  }

  /// Numbers by the names of layers: the layers' numbers go across, what there is in each goes down.
  private static func byLayer(_ member: JSON.Member, _ step: Int, _ title: String) -> LayerMap? {
    guard case .object(let numbers) = member.value, numbers.count > 1 else { return nil }
    var (rows, columns): ([String], [String]) = ([], [])
    var cells: [(Int, Int, Double, String)] = []
    func place(_ name: String, in names: inout [String]) -> Int {
      if let index = names.firstIndex(of: name) { return index }
      names.append(name)
      return names.count - 1
    }
    for entry in numbers {
      guard let number = entry.value.number, number.isFinite else { return nil }
      let parts = entry.name.split(separator: ".").map(String.init)
      let layer = parts.firstIndex { Int($0) != nil }
      let row = layer.map { parts.dropFirst($0 + 1).joined(separator: ".") } ?? entry.name
      cells.append((place(row, in: &rows), place(layer.map { parts[$0] } ?? "", in: &columns), number, entry.name))
    }
    return LayerMap(step: step, title: title, name: member.name, rows: rows, columns: columns, cells: cells)
  }

  /// Rows of numbers: of tasks the share of each skill.
  private static func table(_ member: JSON.Member, _ step: Int, _ title: String) -> LayerMap? {
    guard let lists = member.value.array?.map({ $0.array?.compactMap(\.number) ?? [] }), let width = lists.first?.count,
      width > 0, lists.allSatisfy({ $0.count == width && $0.allSatisfy(\.isFinite) })
    else { return nil }
    let cells = lists.enumerated().flatMap { row, numbers in
      numbers.enumerated().map { (row, $0, $1, "row \(row), column \($0)") }
    }
    return LayerMap(
      step: step, title: title, name: member.name, rows: lists.indices.map(String.init),
      columns: (0..<width).map(String.init), cells: cells)
  }

  var html: HTML {
    let (width, height) = (
      Self.room.left + Double(columns.count) * Self.room.cell, Self.room.top + Double(rows.count) * Self.room.cell
    )
    let numbers = cells.map(\.number)
    let (low, high) = (min(0, numbers.min() ?? 0), numbers.max() ?? 0)
    return """
      <figure class="map"><figcaption><a href="#step-\(step)">\(title)</a> <small>\(name), \(Measure.figure(low)) to \
      \(Measure.figure(high))</small></figcaption><div class="scroll" tabindex="0" role="region" aria-label="\(name) of \(title)">\
      <svg width="\(width)" height="\(height)" role="img" aria-label="\(description)">\
      \(rows.enumerated().map { name($1, x: Self.room.left - 6, y: middle($0) + 4, anchor: "end") })\
      \(columns.enumerated().map { name($1, x: left($0) + Self.room.cell / 2, y: 12, anchor: "middle") })\
      \(cells.map { cell($0, share: high > low ? ($0.number - low) / (high - low) : 0) })</svg></div></figure>
      """
  }

  /// What one would see at a glance.
  private var description: String {
    guard let largest = cells.max(by: { $0.number < $1.number }), let least = cells.min(by: { $0.number < $1.number })
    else { return name }
    return "\(name): most \(Measure.figure(largest.number)) at \(largest.label), least \(Measure.figure(least.number)) "
      + "at \(least.label)"
  }

  private func name(_ text: String, x: Double, y: Double, anchor: String) -> HTML {
    "<text class=\"axis\" x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(text)</text>"
  }

  private func cell(_ cell: (row: Int, column: Int, number: Double, label: String), share: Double) -> HTML {
    """
    <rect class="cell" x="\(left(cell.column))" y="\(middle(cell.row) - Self.room.cell / 2)" width="\(Self.room.cell - 1)" \
    height="\(Self.room.cell - 1)" fill-opacity="\((share * 95).rounded() / 100 + 0.05)"><title>\(cell.label): \
    \(Measure.figure(cell.number))</title></rect>
    """
  }

  private func left(_ column: Int) -> Double { Self.room.left + Double(column) * Self.room.cell }

  private func middle(_ row: Int) -> Double { Self.room.top + (Double(row) + 0.5) * Self.room.cell }
}
