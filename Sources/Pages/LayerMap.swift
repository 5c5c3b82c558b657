import Diagnostics
import Operations

/// A step's numbers by row and column, as shades.
struct LayerMap {
  private let step: Int
  private let title: String
  private let map: NumberMap

  private static let room = (left: 130.0, top: 18.0, cell: 22.0)
  /// More than these would no longer be a picture.
  private static let most = (maps: 24, cells: 4_000)

  /// A map for each set of numbers that a step has.
  static func maps(of lineage: Lineage) -> [LayerMap] {
    let all = lineage.steps.enumerated().flatMap { index, step in
      NumberMap.all(in: step.facts).filter { $0.cells.count <= most.cells }.map {
        LayerMap(step: index, title: step.label, map: $0)
      }
    }
    return Array(all.prefix(most.maps))
  }

  var html: HTML {
    let (width, height) = (
      Self.room.left + Double(map.columns.count) * Self.room.cell,
      Self.room.top + Double(map.rows.count) * Self.room.cell
    )
    let (low, high) = map.range
    return """
      <figure class="map"><figcaption><a href="#step-\(step)">\(title)</a> <small>\(map.name), \(Measure.figure(low)) to \
      \(Measure.figure(high))</small></figcaption><div class="scroll" tabindex="0" role="region" aria-label="\(map.name) of \(title)">\
      <svg width="\(width)" height="\(height)" role="img" aria-label="\(map.summary)">\
      \(map.rows.enumerated().map { name($1, x: Self.room.left - 6, y: middle($0) + 4, anchor: "end") })\
      \(map.columns.enumerated().map { name($1, x: left($0) + Self.room.cell / 2, y: 12, anchor: "middle") })\
      \(map.cells.map { cell($0) })</svg></div></figure>
      """
  }

  private func name(_ text: String, x: Double, y: Double, anchor: String) -> HTML {
    "<text class=\"axis\" x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(text)</text>"
  }

  private func cell(_ cell: NumberMap.Cell) -> HTML {
    """
    <rect class="cell" x="\(left(cell.column))" y="\(middle(cell.row) - Self.room.cell / 2)" width="\(Self.room.cell - 1)" \
    height="\(Self.room.cell - 1)" fill-opacity="\((map.share(of: cell) * 95).rounded() / 100 + 0.05)"><title>\(cell.label): \
    \(Measure.figure(cell.number))</title></rect>
    """
  }

  private func left(_ column: Int) -> Double { Self.room.left + Double(column) * Self.room.cell }

  private func middle(_ row: Int) -> Double { Self.room.top + (Double(row) + 0.5) * Self.room.cell }
}
