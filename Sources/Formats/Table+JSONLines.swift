import Diagnostics

extension Table {
  /// Reads JSON Lines: one object a line, all with the members of the first. A cell is a number, a flag (1 or 0), a text, a
  /// list of as many numbers as in the first line, or a list of any number of texts.
  init(jsonLines bytes: [UInt8], path: String) throws {
    var columns: [JSONLinesColumn] = []
    var rowCount = 0
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      let place = "`\(path)` line \(index + 1)"
      let row = try Self.object(Array(line), place)
      if rowCount == 0 {
        try Self.checkNames(row.map(\.name), path)
        columns = try row.map { try JSONLinesColumn($0, place) }
      }
      for column in columns.indices { try columns[column].append(from: row, at: column, place) }
      let known = columns.map(\.name)
      if row.count != columns.count, let extra = row.first(where: { !known.contains($0.name) }) {
        throw OperationError(.data, "\(place) has `\(extra.name)`, which the first line has not")
      }
      rowCount += 1
    }
    guard rowCount > 0 else { throw OperationError(.data, "`\(path)` is empty") }
    guard !columns.isEmpty else { throw OperationError(.data, "`\(path)` has rows, but nothing in them") }
    self.init(columns: columns.map(\.column), rowCount: rowCount)
  }

  private static func object(_ line: [UInt8], _ place: String) throws -> [JSON.Member] {
    do {
      guard let members = try JSON(parsing: line).object else {
        throw OperationError(.data, "\(place) is not a JSON object")
      }
      return members
    } catch let error as JSONError {
      throw OperationError(.data, "\(place) is not JSON: \(error.message), at byte \(error.offset)")
    }
  }
}

/// A column that is being filled.
private struct JSONLinesColumn {
  enum Kind: Equatable {
    case number
    case text
    case vector(Int)
    case list

    init?(_ value: JSON) {
      switch value {
      case .integer, .number, .bool: self = .number
      case .string: self = .text
      case .array(let values) where values.allSatisfy({ $0.number != nil }): self = .vector(values.count)
      case .array(let values) where values.allSatisfy({ $0.string != nil }): self = .list
      default: return nil
      }
    }

    static func text(_ kind: Kind?) -> String {
      switch kind {
      case .number: "a number"
      case .text: "a text"
      case .vector(let length): "a list of \(length) \(length == 1 ? "number" : "numbers")"
      case .list: "a list of texts"
      case nil: "neither number, text nor list of either"
      }
    }
  }

  let name: String
  private let kind: Kind
  private var numbers: [Double] = []
  private var texts: [String] = []
  private var lists: [[String]] = []

  /// A column like the first row's cell, which is not added yet.
  init(_ member: JSON.Member, _ place: String) throws {
    guard let kind = Kind(member.value) else {
      throw OperationError(.data, "`\(member.name)` is \(Kind.text(nil)) in \(place)")
    }
    name = member.name
    self.kind = kind
  }

  /// Adds a row's cell, which most often stands at the same place as in the first row.
  mutating func append(from row: [JSON.Member], at place: Int, _ line: String) throws {
    let isInPlace = place < row.count && row[place].name == name
    guard let member = isInPlace ? row[place] : row.first(where: { $0.name == name }) else {
      throw OperationError(.data, "\(line) has no `\(name)`, which the first line has")
    }
    let found = Kind(member.value)
    guard found == kind || kind == .list && found == .vector(0) else {
      throw OperationError(
        .data, "`\(name)` is \(Kind.text(found)) in \(line), and \(Kind.text(kind)) in the first line")
    }
    switch member.value {
    case .bool(let flag): numbers.append(flag ? 1 : 0)
    case .string(let text): texts.append(text)
    case .array(let values) where kind == .list: lists.append(values.compactMap(\.string))
    case .array(let values): numbers += values.compactMap(\.number)
    default: numbers += [member.value.number].compactMap { $0 }
    }
  }

  var column: Table.Column {
    switch kind {
    case .text: Table.Column(name, texts: texts)
    case .list: Table.Column(name, lists: lists)
    case .vector(let length): Table.Column(name, numbers: numbers, width: length)
    case .number: Table.Column(name, numbers: numbers)
    }
  }
}
