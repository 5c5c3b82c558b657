import Diagnostics
import Formats

/// Numbers by row and column, to be drawn as shades: what an adapter's start explains in each layer, how much of each skill a task
/// takes.
///
/// Found in what an artifact's facts hold under `mergekit`: objects of numbers by the names of layers, and tables of numbers.
public struct NumberMap: Sendable {
  public struct Cell: Sendable {
    public let row: Int
    public let column: Int
    public let number: Double
    /// What it is of: a layer's path.
    public let label: String
  }

  public let name: String
  public let rows: [String]
  public let columns: [String]
  /// What is drawn, by row and column; not every place has one.
  public let cells: [Cell]

  /// All that an artifact's facts hold.
  public static func all(in facts: JSON) -> [NumberMap] {
    guard case .object(let members) = facts["mergekit"] else { return [] }
    return members.compactMap { byLayer($0) ?? table($0) }
  }

  /// The cells' numbers, and zero where that is less.
  public var range: (low: Double, high: Double) {
    let numbers = cells.map(\.number)
    return (min(0, numbers.min() ?? 0), numbers.max() ?? 0)
  }

  /// How dark a cell is: 0 for the lowest number, 1 for the highest.
  public func share(of cell: Cell) -> Double {
    let (low, high) = range
    return high > low ? (cell.number - low) / (high - low) : 0
  }

  /// What one would see at a glance.
  public var summary: String {
    guard let largest = cells.max(by: { $0.number < $1.number }), let least = cells.min(by: { $0.number < $1.number })
    else { return name }
    return "\(name): most \(Measure.figure(largest.number)) at \(largest.label), least \(Measure.figure(least.number)) "
      + "at \(least.label)"
  }

  /// Numbers by the names of layers: the layers' numbers go across, what there is in each goes down.
  private static func byLayer(_ member: JSON.Member) -> NumberMap? {
    guard case .object(let numbers) = member.value, numbers.count > 1 else { return nil }
    var (rows, columns): ([String], [String]) = ([], [])
    var cells: [Cell] = []
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
      cells.append(
        Cell(
          row: place(row, in: &rows), column: place(layer.map { parts[$0] } ?? "", in: &columns), number: number,
          label: entry.name))
    }
    return NumberMap(name: member.name, rows: rows, columns: columns, cells: cells)
  }

  /// Rows of numbers: of tasks the share of each skill.
  private static func table(_ member: JSON.Member) -> NumberMap? {
    guard let lists = member.value.array?.map({ $0.array?.compactMap(\.number) ?? [] }), let width = lists.first?.count,
      width > 0, lists.allSatisfy({ $0.count == width && $0.allSatisfy(\.isFinite) })
    else { return nil }
    let cells = lists.enumerated().flatMap { row, numbers in
      numbers.enumerated().map { Cell(row: row, column: $0, number: $1, label: "row \(row), column \($0)") }
    }
    return NumberMap(
      name: member.name, rows: lists.indices.map(String.init), columns: (0..<width).map(String.init), cells: cells)
  }
}
