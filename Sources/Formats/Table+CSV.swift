import Diagnostics

extension Table {
  /// Reads comma-separated values (RFC 4180) whose first line names the columns.
  init(csv bytes: [UInt8], path: String) throws {
    var scanner = CSVScanner(bytes: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...], path: path)
    guard let names = try scanner.record() else { throw OperationError(.data, "`\(path)` is empty") }
    if let twice = Dictionary(grouping: names, by: { $0 }).filter({ $1.count > 1 }).keys.min() {
      throw OperationError(.data, "`\(path)` has two columns called `\(twice)`")
    }
    var rows: [[String]] = []
    while true {
      let line = scanner.line
      guard let row = try scanner.record() else { break }
      guard row.count == names.count else {
        throw OperationError(
          .data,
          "line \(line) of `\(path)` has \(row.count) \(row.count == 1 ? "cell" : "cells"), its first line names \(names.count) columns"
        )
      }
      rows.append(row)
    }
    guard !rows.isEmpty else { throw OperationError(.data, "`\(path)` names its columns, but has no rows") }
    self.init(names: names, rows: rows)
  }
}

/// Cuts CSV into records.
private struct CSVScanner {
  let bytes: ArraySlice<UInt8>
  let path: String
  private var offset: Int
  /// Of the next record, from 1.
  private(set) var line = 1

  init(bytes: ArraySlice<UInt8>, path: String) {
    self.bytes = bytes
    self.path = path
    offset = bytes.startIndex
  }

  /// The cells of the next line that is not empty; nil at the end.
  mutating func record() throws -> [String]? {
    while offset < bytes.endIndex, bytes[offset] == UInt8(ascii: "\n") || bytes[offset] == UInt8(ascii: "\r") {
      newline()
    }
    guard offset < bytes.endIndex else { return nil }
    var cells = [try cell()]
    while offset < bytes.endIndex, bytes[offset] == UInt8(ascii: ",") {
      offset += 1
      cells.append(try cell())
    }
    if offset < bytes.endIndex { newline() }
    return cells
  }

  private mutating func newline() {
    if bytes[offset] == UInt8(ascii: "\r"), offset + 1 < bytes.endIndex, bytes[offset + 1] == UInt8(ascii: "\n") {
      offset += 1
    }
    offset += 1
    line += 1
  }

  private mutating func cell() throws -> String {
    if offset < bytes.endIndex, bytes[offset] == UInt8(ascii: "\"") { return try quotedCell() }
    let start = offset
    while offset < bytes.endIndex, !Self.endsCell(bytes[offset]) { offset += 1 }
    return try text(bytes[start..<offset])
  }

  private mutating func quotedCell() throws -> String {
    let first = line
    var content: [UInt8] = []
    offset += 1
    while offset < bytes.endIndex {
      let byte = bytes[offset]
      offset += 1
      guard byte == UInt8(ascii: "\"") else {
        if byte == UInt8(ascii: "\n") { line += 1 }
        content.append(byte)
        continue
      }
      guard offset < bytes.endIndex, bytes[offset] == UInt8(ascii: "\"") else {
        guard offset == bytes.endIndex || Self.endsCell(bytes[offset]) else {
          throw OperationError(.data, "line \(line) of `\(path)` goes on behind a closing quote")
        }
        return try text(content[...])
      }
      content.append(byte)
      offset += 1
    }
    throw OperationError(.data, "a quote that opens on line \(first) of `\(path)` is never closed")
  }

  private func text(_ bytes: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw OperationError(.data, "line \(line) of `\(path)` is not UTF-8")
    }
    return text
  }

  private static func endsCell(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }
}
