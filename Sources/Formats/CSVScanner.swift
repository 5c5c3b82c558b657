import Diagnostics

/// Cuts comma-separated values (RFC 4180) into records. Lines end with LF, CR or both; empty ones are passed over.
struct CSVScanner {
  private let bytes: [UInt8]
  private let path: String
  private var offset: Int
  /// Where the last record began, from 1.
  private(set) var line = 1
  private var nextLine = 1

  /// A byte-order mark in front is passed over.
  init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
    offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// The cells of the next line that is not empty; nil at the end.
  mutating func record() throws -> [ArraySlice<UInt8>]? {
    while offset < bytes.count, Self.endsLine(bytes[offset]) { takeLineEnd() }
    guard offset < bytes.count else { return nil }
    line = nextLine
    var cells = [try cell()]
    while offset < bytes.count, bytes[offset] == UInt8(ascii: ",") {
      offset += 1
      cells.append(try cell())
    }
    if offset < bytes.count { takeLineEnd() }
    return cells
  }

  /// A cell of the last record as text.
  func text(_ cell: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: cell, as: UTF8.self) else {
      throw OperationError(.data, "`\(path)` line \(line) is not UTF-8")
    }
    return text
  }

  private mutating func takeLineEnd() {
    let isCarriageReturn = bytes[offset] == UInt8(ascii: "\r")
    offset += 1
    if isCarriageReturn, offset < bytes.count, bytes[offset] == UInt8(ascii: "\n") { offset += 1 }
    nextLine += 1
  }

  private mutating func cell() throws -> ArraySlice<UInt8> {
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") { return try quotedCell() }
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: ","), !Self.endsLine(bytes[offset]) { offset += 1 }
    return bytes[start..<offset]
  }

  private mutating func quotedCell() throws -> ArraySlice<UInt8> {
    let first = nextLine
    var content: [UInt8] = []
    offset += 1
    while offset < bytes.count {
      if bytes[offset] != UInt8(ascii: "\"") {
        content.append(bytes[offset])
        if Self.endsLine(bytes[offset]) {
          takeLineEnd()
          if content.last == UInt8(ascii: "\r"), bytes[offset - 1] == UInt8(ascii: "\n") {
            content.append(UInt8(ascii: "\n"))
          }
        } else {
          offset += 1
        }
        continue
      }
      offset += 1
      // A doubled quote stands for one.
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
        content.append(UInt8(ascii: "\""))
        offset += 1
        continue
      }
      guard offset == bytes.count || bytes[offset] == UInt8(ascii: ",") || Self.endsLine(bytes[offset]) else {
        throw OperationError(.data, "`\(path)` line \(nextLine) goes on behind a closing quote")
      }
      return content[...]
    }
    throw OperationError(.data, "`\(path)` line \(first) opens a quote that is never closed")
  }

  private static func endsLine(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
