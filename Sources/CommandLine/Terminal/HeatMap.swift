import Diagnostics
import Operations

/// Numbers by row and column as shades of characters, with the numbers themselves where there is room for them.
struct HeatMap {
  private let map: NumberMap
  private static let shades = ["·", "░", "▒", "▓", "█"]
  /// More columns than these have no numbers beside their shades.
  private static let columnsWithNumbers = 10

  init(_ map: NumberMap) { self.map = map }

  /// A line for what it is, one for the columns' names, and one for each row.
  func lines(_ style: Style) -> [String] {
    let hasNumbers = map.columns.count <= Self.columnsWithNumbers
    let (low, high) = map.range
    var table = Table()
    table.rows.append(
      [.init("")] + map.columns.map { Table.Cell(Renderer.printable($0), .faint) })
    for (index, name) in map.rows.enumerated() {
      var cells = [Table.Cell](repeating: .init(""), count: map.columns.count)
      for cell in map.cells where cell.row == index {
        cells[cell.column] = .init(shade(of: cell) + (hasNumbers ? " " + Measure.figure(cell.number) : ""))
      }
      table.rows.append([.init(Renderer.printable(name), .faint)] + cells)
    }
    let scale = "\(Self.shades[0]) \(Measure.figure(low)) to \(Self.shades[4]) \(Measure.figure(high))"
    return ["\(style(Renderer.printable(map.name), .bold))  \(style(scale, .faint))"] + table.lines(style)
  }

  private func shade(of cell: NumberMap.Cell) -> String {
    let shade = Self.shades[min(Int(map.share(of: cell) * 5), 4)]
    return shade + shade
  }
}
