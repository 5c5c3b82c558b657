import Diagnostics

extension Table {
  /// Reads comma-separated values whose first line names the columns. A column all of whose cells are numbers is one of
  /// numbers, every other one of texts.
  init(csv bytes: [UInt8], path: String) throws {
    var scanner = CSVScanner(bytes, path: path)
    guard let header = try scanner.record() else { throw OperationError(.data, "`\(path)` is empty") }
    let names = try header.map(scanner.text)
    try Self.checkNames(names, path)
    var columns = names.map { CSVColumn(name: $0) }
    let beginning = scanner
    var rowCount = 0
    while let row = try scanner.record() {
      guard row.count == names.count else {
        let columns = "\(row.count) \(row.count == 1 ? "column" : "columns")"
        throw OperationError(.data, "`\(path)` line \(scanner.line) has \(columns), its header has \(names.count)")
      }
      for index in names.indices { columns[index].count(row[index], line: scanner.line) }
      rowCount += 1
    }
    guard rowCount > 0 else { throw OperationError(.data, "`\(path)` has a header, but no rows") }
    // Only now is it known which columns hold texts.
    let textual = columns.indices.filter { columns[$0].stray != nil }
    if !textual.isEmpty {
      scanner = beginning
      while let row = try scanner.record() {
        for index in textual { columns[index].texts.append(try scanner.text(row[index])) }
      }
    }
    self.init(columns: try columns.map { try $0.column(scanner) }, rowCount: rowCount)
  }
}

/// A column that is being filled.
private struct CSVColumn {
  let name: String
  var texts: [String] = []
  private var numbers: [Double] = []
  private var numberCount = 0
  private(set) var stray: (line: Int, cell: ArraySlice<UInt8>)?

  init(name: String) { self.name = name }

  /// Takes note of whether a cell is a number, and keeps it as long as all are.
  mutating func count(_ cell: ArraySlice<UInt8>, line: Int) {
    guard let number = Double(decimal: Self.trimmed(cell)) else {
      if stray == nil { stray = (line, cell) }
      numbers = []
      return
    }
    numberCount += 1
    if stray == nil { numbers.append(number) }
  }

  func column(_ scanner: CSVScanner) throws -> Table.Column {
    guard let stray else { return Table.Column(name, numbers: numbers) }
    let text = try scanner.text(stray.cell)
    return Table.Column(
      name, texts: texts, stray: .init(line: stray.line, text: text, count: texts.count - numberCount))
  }

  private static func trimmed(_ cell: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    guard let first = cell.firstIndex(where: { !isBlank($0) }), let last = cell.lastIndex(where: { !isBlank($0) })
    else { return [] }
    return cell[first...last]
  }
}
