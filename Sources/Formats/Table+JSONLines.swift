import Diagnostics

extension Table {
  /// Reads JSON Lines: one object a line, all with the members of the first. A cell is a number, a text, or a list of numbers.
  init(jsonLines bytes: [UInt8], path: String) throws {
    var columns: [Builder] = []
    var count = 0
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      let place = "line \(index + 1) of `\(path)`"
      let row = try Self.object(Array(line), place)
      if count == 0 { columns = row.map { Builder(name: $0.name, kind: Builder.Kind($0.value)) } }
      for column in columns.indices {
        let name = columns[column].name
        guard
          let value = columns.count == row.count && row[column].name == name
            ? row[column].value : row.first(where: { $0.name == name })?.value
        else { throw OperationError(.data, "\(place) has no `\(name)`, which the first has") }
        guard columns[column].append(value) else {
          throw OperationError(
            .data,
            "`\(name)` is \(Builder.Kind(value)?.text ?? "neither number, text nor list of numbers") in \(place), \(columns[column].kind?.text ?? "neither number, text nor list of numbers") in the first"
          )
        }
      }
      if row.count != columns.count,
        let extra = row.first(where: { member in !columns.contains { $0.name == member.name } })
      {
        throw OperationError(.data, "\(place) has `\(extra.name)`, which the first has not")
      }
      count += 1
    }
    guard count > 0 else { throw OperationError(.data, "`\(path)` is empty") }
    self.init(columns: columns.map(\.column), rowCount: count)
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

  /// A column that is being filled.
  private struct Builder {
    enum Kind: Equatable {
      case number, text
      case vector(Int)

      init?(_ value: JSON) {
        switch value {
        case .integer, .number: self = .number
        case .bool: self = .number
        case .string: self = .text
        case .array(let values) where values.allSatisfy({ $0.number != nil }): self = .vector(values.count)
        default: return nil
        }
      }

      var text: String {
        switch self {
        case .number: "a number"
        case .text: "a text"
        case .vector(let length): "a list of \(length) numbers"
        }
      }
    }

    let name: String
    let kind: Kind?
    var numbers: [Double] = []
    var texts: [String] = []

    init(name: String, kind: Kind?) {
      self.name = name
      self.kind = kind
    }

    /// Adds a cell; false where it is not of the column's kind.
    mutating func append(_ value: JSON) -> Bool {
      guard let kind, Kind(value) == kind else { return false }
      switch value {
      case .bool(let flag): numbers.append(flag ? 1 : 0)
      case .string(let text): texts.append(text)
      case .array(let values): numbers += values.compactMap(\.number)
      default: numbers += [value.number].compactMap { $0 }
      }
      return true
    }

    var column: Column {
      switch kind {
      case .text: Column(name, texts: texts)
      case .vector(let length): Column(name, numbers: numbers, width: length)
      default: Column(name, numbers: numbers)
      }
    }
  }
}
