import Diagnostics

/// A recipe's text for showing: its lines, cut into stretches of one sort.
public struct Listing: Sendable {
  public enum Sort: String, Sendable { case plain, keyword, number, text, comment }

  public struct Stretch: Sendable {
    public let sort: Sort
    public let text: String
  }

  public struct Line: Sendable {
    public let stretches: [Stretch]
    /// The values that `let` gives a name on this line.
    public let names: [String]
  }

  public let lines: [Line]
  let endsInNewline: Bool

  init(lines: [Line], endsInNewline: Bool) {
    self.lines = lines
    self.endsInNewline = endsInNewline
  }

  public init(_ source: Source) {
    var sorts = [Sort](repeating: .plain, count: source.bytes.count)
    for token in Lexer.tokens(of: source).tokens {
      let sort: Sort =
        switch token.kind {
        case .keyword: .keyword
        case .number: .number
        case .text: .text
        default: .plain
        }
      for offset in token.range { sorts[offset] = sort }
    }
    Self.markComments(source.bytes, &sorts)
    var names: [Int: [String]] = [:]
    for case .bind(let name, _) in Parser.file(source).file.items.map(\.kind) {
      names[source.position(of: name.place.range.lowerBound).line, default: []].append(name.text)
    }
    var lines: [Line] = []
    var start = 0
    for end in source.bytes.indices.filter({ source.bytes[$0] == UInt8(ascii: "\n") }) + [source.bytes.count] {
      if start == source.bytes.count, end == start, !lines.isEmpty { break }
      lines.append(
        Line(stretches: Self.stretches(source.bytes, sorts, start..<end), names: names[lines.count + 1] ?? []))
      start = end + 1
    }
    self.init(lines: lines, endsInNewline: source.bytes.last == UInt8(ascii: "\n"))
  }

  /// A comment reaches from its sign to the end of the line, and no token covers it.
  private static func markComments(_ bytes: [UInt8], _ sorts: inout [Sort]) {
    var isComment = false
    for offset in bytes.indices {
      if bytes[offset] == UInt8(ascii: "\n") { isComment = false }
      if bytes[offset] == UInt8(ascii: "#"), sorts[offset] == .plain { isComment = true }
      if isComment { sorts[offset] = .comment }
    }
  }

  private static func stretches(_ bytes: [UInt8], _ sorts: [Sort], _ line: Range<Int>) -> [Stretch] {
    var stretches: [Stretch] = []
    var start = line.lowerBound
    for offset in line where offset + 1 == line.upperBound || sorts[offset + 1] != sorts[offset] {
      stretches.append(Stretch(sort: sorts[offset], text: String(decoding: bytes[start...offset], as: UTF8.self)))
      start = offset + 1
    }
    return stretches
  }
}
