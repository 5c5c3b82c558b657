/// A text that people wrote and that messages point into: a recipe, a library of one, or a command line.
public final class Source: Sendable {
  /// The name that messages show: a path as the user gave it, or `--set`.
  public let name: String
  public let text: String
  /// The text's bytes; every place counts in these.
  public let bytes: [UInt8]
  /// The offset of each line's first byte.
  private let lineStarts: [Int]

  public init(name: String, text: String) {
    self.name = name
    self.text = text
    let bytes = Array(text.utf8)
    self.bytes = bytes
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  /// The line, from 1, that holds a byte, and the column, from 1, in characters.
  public func position(of offset: Int) -> (line: Int, column: Int) {
    let clamped = min(max(offset, 0), bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= clamped { low = middle } else { high = middle }
    }
    return (low + 1, characters(in: lineStarts[low]..<clamped) + 1)
  }

  /// How many characters some bytes within a line are.
  func characters(in range: Range<Int>) -> Int {
    // As a rule each byte is one, and lines of a million bytes are counted once for each mistake in them.
    let isPlain = bytes[range].withUnsafeBufferPointer { $0.allSatisfy { $0 < 0x80 } }
    return isPlain ? range.count : String(decoding: bytes[range], as: UTF8.self).count
  }

  /// The bytes of a line that are near a place in it, whole characters: all of them unless there are more than twice `reach`.
  func bytes(ofLine number: Int, near offset: Int, reach: Int) -> (range: Range<Int>, line: Range<Int>) {
    let start = lineStarts[number - 1]
    let end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    guard end - start > 2 * reach else { return (start..<max(start, end), start..<max(start, end)) }
    var (low, high) = (max(start, min(offset, end) - reach), min(end, max(offset, start) + reach))
    while low > start, bytes[low] & 0xC0 == 0x80 { low -= 1 }
    while high < end, bytes[high] & 0xC0 == 0x80 { high += 1 }
    return (low..<high, start..<end)
  }

  /// The text of a line, from 1, without its newline.
  public func line(_ number: Int) -> String {
    guard number >= 1, number <= lineStarts.count else { return "" }
    let start = lineStarts[number - 1]
    let end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    return String(decoding: bytes[start..<max(start, end)], as: UTF8.self)
  }
}

/// A stretch of a source.
public struct Place: Sendable, Hashable {
  public let source: Source
  public let range: Range<Int>

  public init(_ source: Source, _ range: Range<Int>) {
    self.source = source
    self.range = range
  }

  public var text: String { String(decoding: source.bytes[range], as: UTF8.self) }

  public static func == (a: Place, b: Place) -> Bool { a.source === b.source && a.range == b.range }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(source))
    hasher.combine(range)
  }
}
