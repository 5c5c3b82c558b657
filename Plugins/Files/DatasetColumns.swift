import Diagnostics
import Formats
import Operations
import Tensors

/// What each column of a table is for.
struct DatasetColumns {
  let label: Table.Column?
  let score: Table.Column?
  let features: [Table.Column]
  let others: [Table.Column]
  private let path: String

  private static let labelNames = ["label", "target", "class"]
  /// More classes than any classifier has; a column that goes further numbers something else.
  private static let mostClasses = 1_000_000

  /// - Parameters:
  ///   - label: As the recipe names it; found by its name where it does not.
  ///   - score: The column of numbers to predict, where there is one.
  ///   - features: Likewise; all other columns of numbers where it does not.
  ///   - apart: Columns that are neither: what texts are to be continued with, and the like.
  init(_ table: Table, path: String, label: String?, score: String?, features: [String]?, apart: [String]) throws {
    self.path = path
    let labelColumn = try Self.label(of: table, path: path, named: label)
    self.label = labelColumn
    self.score = try score.map { name in
      let column = try table.column(named: name, path: path)
      guard column.isNumeric, column.width == 1 else {
        throw OperationError(.data, "`\(name)` of `\(path)` is no column of single numbers, and scores are")
      }
      return column
    }
    let rest = table.columns.filter { column in
      ![labelColumn?.name, score, "split"].contains(column.name) && !apart.contains(column.name)
    }
    if let features {
      self.features = try features.map { name in
        let column = try table.column(named: name, path: path)
        guard column.isNumeric else {
          throw OperationError(.data, "`\(name)` of `\(path)` holds texts, and features are numbers")
        }
        guard name != labelColumn?.name else {
          throw OperationError(.step, "`\(name)` of `\(path)` is the label, so it cannot be predicted from")
        }
        return column
      }
    } else {
      if path.lowercased().hasSuffix(".csv") { for column in rest { try Self.checkCells(column, path) } }
      self.features = rest.filter(\.isNumeric)
    }
    others = rest.filter { !$0.isNumeric }
  }

  private static func label(of table: Table, path: String, named name: String?) throws -> Table.Column? {
    if let name { return try table.column(named: name, path: path) }
    let found = table.columns.filter { labelNames.contains($0.name) }
    guard found.count <= 1 else {
      throw OperationError(
        .data, "`\(path)` has \(found.count) columns that could be the label: \(Table.list(found.map(\.name)))",
        helps: ["say which: `label: \"\(found[0].name)\"`"])
    }
    return found.first
  }

  /// A CSV column that is nearly all numbers is one of numbers with a mistake in it.
  private static func checkCells(_ column: Table.Column, _ path: String) throws {
    guard case .texts(let texts) = column.cells else { return }
    guard let stray = column.stray, stray.count * 2 < texts.count else { return }
    let cell = stray.text.isEmpty ? "nothing" : "`\(stray.text)`"
    throw OperationError(
      .data, "`\(column.name)` of `\(path)` holds numbers, but \(cell) in line \(stray.line)",
      helps: ["mend the cell, or name the columns to use with `features`"])
  }

  // MARK: Reading

  /// (rows, features), each divided by `scale`.
  func features(_ rows: [Int], scale: Double) throws -> Tensor {
    let width = features.reduce(0) { $0 + $1.width }
    var entries = [Float](repeating: 0, count: rows.count * width)
    var start = 0
    for column in features {
      guard case .numbers(let numbers) = column.cells else { preconditionFailure("features are columns of numbers") }
      for (index, row) in rows.enumerated() {
        for offset in 0..<column.width {
          let number = Float(numbers[row * column.width + offset] / scale)
          guard number.isFinite else {
            throw OperationError(
              .data, "`\(column.name)` of `\(path)` is \(numbers[row * column.width + offset]) in row \(row + 1)",
              notes: ["features are numbers that float32 can hold"])
          }
          entries[index * width + start + offset] = number
        }
      }
      start += column.width
    }
    return Tensor(entries, shape: [rows.count, width])
  }

  /// The class of every row of the file, how many classes there are, and what they are called where they have names.
  func labels(_ column: Table.Column) throws -> (numbers: [Int], classes: Int, names: [String]?) {
    switch column.cells {
    case .texts(let texts):
      let names = Set(texts).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0.element, $0.offset) })
      return (texts.compactMap { numbers[$0] }, names.count, names)
    case .lists:
      throw OperationError(
        .data, "`\(column.name)` of `\(path)` holds lists of texts, and a label is one",
        helps: ["classes of words are `tags: \"\(column.name)\"`"])
    case .numbers(let numbers):
      guard column.width == 1 else {
        throw OperationError(
          .data, "`\(column.name)` of `\(path)` holds \(column.width) numbers in a row, and a label is one")
      }
      if let row = numbers.indices.first(where: { !Self.isLabel(numbers[$0]) }) {
        throw OperationError(
          .data, "the label `\(column.name)` of `\(path)` is \(numbers[row]) in row \(row + 1)",
          notes: ["labels are whole numbers from 0 to \(Self.mostClasses - 1), or texts"])
      }
      let labels = numbers.map { Int($0) }
      return (labels, (labels.max() ?? 0) + 1, nil)
    }
  }

  private static func isLabel(_ number: Double) -> Bool {
    number >= 0 && number < Double(mostClasses) && number == number.rounded()
  }

  /// The number of each row, float64.
  func scores(_ column: Table.Column, _ rows: [Int]) throws -> Tensor {
    guard case .numbers(let numbers) = column.cells else { preconditionFailure("scores are a column of numbers") }
    if let row = rows.first(where: { !numbers[$0].isFinite }) {
      throw OperationError(.data, "`\(column.name)` of `\(path)` is \(numbers[row]) in row \(row + 1)")
    }
    return Tensor(doubles: rows.map { numbers[$0] }, shape: [rows.count])
  }

  /// Columns of text.
  func texts(_ rows: [Int]) throws -> [(name: String, tensor: Tensor)] {
    try others.flatMap { column -> [(name: String, tensor: Tensor)] in
      let texts = try column.sentences(path)
      return TextColumn(rows.map { texts[$0] }).tensors("text.\(column.name)")
    }
  }
}

extension Table.Column {
  var isNumeric: Bool { if case .numbers = cells { true } else { false } }
}

extension Table {
  /// - Throws: `OperationError` naming the nearest column there is.
  func column(named name: String, path: String) throws -> Column {
    if let column = column(name) { return column }
    let names = columns.map(\.name)
    throw OperationError(
      .data, "`\(path)` has no column `\(name)`", notes: ["it has \(Table.list(names))"],
      helps: NearestName.of(name, among: names).map { ["did you mean `\($0)`?"] } ?? [])
  }

  /// Names for a message: the first few of many.
  static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
    return names.count > 8 ? shown + " and \(names.count - 8) more" : shown
  }
}
