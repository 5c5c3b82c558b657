import Diagnostics

/// Reads YAML: the part of YAML 1.2 that people write by hand.
///
/// Block and flow collections, plain and quoted scalars, block scalars, comments, several documents, anchors, aliases and merge
/// keys. Not read, and said so: tags, directives, keys that are not texts on one line. Stricter than YAML: a tab is a mistake
/// wherever blanks separate things, and so is a key that is there twice.
public struct YAMLReader {
  /// How deep values may lie in each other.
  static let maximumDepth = 64
  /// How many values aliases may stand for together: a few lines of them can stand for billions.
  static let maximumAliased = 100_000

  let source: Source
  let bytes: [UInt8]
  var offset = 0
  var depth = 0
  /// Mistakes after which reading goes on.
  var mistakes: [Diagnostic] = []
  private var anchors: [String: YAMLNode] = [:]
  private var aliased = 0

  private init(_ source: Source) {
    self.source = source
    bytes = source.bytes
  }

  /// The documents of a file; an empty one is a null.
  /// - Throws: `DiagnosticsError`: all repeated keys before the first mistake that ends the reading, and that.
  public static func documents(of source: Source) throws -> [YAMLNode] {
    var reader = YAMLReader(source)
    do {
      let documents = try reader.documents()
      if reader.mistakes.isEmpty { return documents }
    } catch let mistake as Diagnostic {
      reader.mistakes.append(mistake)
    }
    throw DiagnosticsError(reader.mistakes)
  }

  private mutating func documents() throws -> [YAMLNode] {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    var documents: [YAMLNode] = []
    while true {
      try skipToContent()
      if isAtEnd { return documents }
      if byte() == UInt8(ascii: "%"), column == 0 { throw Diagnostic.directive(at: restOfLine) }
      let start = offset
      if isAt(marker: "...") {
        offset += 3
        try endLine()
        continue
      }
      let hasMarker = isAt(marker: "---")
      if hasMarker {
        offset += 3
        try skipToContent()
      }
      anchors = [:]
      if isAtEnd || isAtMarker {
        documents.append(YAMLNode(.scalar(YAMLScalar("", isPlain: true)), at: place(start..<start + 3)))
        continue
      }
      // What stands behind `---` on its line is no place for a collection of lines.
      let isInline = hasMarker && !isFirstOfLine
      documents.append(try blockNode(above: -1, isInline: isInline))
      try skipToContent()
      if !isAtEnd, !isAtMarker { throw Diagnostic.behindTheDocument(at: restOfLine) }
    }
  }

  // MARK: Anchors

  mutating func define(_ anchor: String, as node: YAMLNode) { anchors[anchor] = node }

  /// What an alias stands for, at the alias's place.
  mutating func alias() throws -> YAMLNode {
    let start = offset
    offset += 1
    let name = anchorName()
    guard let node = anchors[name] else {
      throw Diagnostic.aliasUnknown(name, at: place(start..<offset), known: anchors.keys.sorted())
    }
    aliased += node.size
    guard aliased <= Self.maximumAliased else { throw Diagnostic.tooManyAliases(at: place(start..<offset)) }
    return node.moved(to: place(start..<offset))
  }

  /// The name behind `&` or `*`.
  mutating func anchorName() -> String {
    let start = offset
    while let byte = byte(), !Self.isSpace(byte), !Self.isFlowIndicator(byte) { offset += 1 }
    return text(start..<offset)
  }

  // MARK: Between values

  /// Goes over blanks, line ends and comments.
  mutating func skipToContent() throws {
    while let byte = byte() {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"): offset += 1
      case UInt8(ascii: "\t"): throw Diagnostic.tabInYAML(at: place(offset..<offset + 1))
      case UInt8(ascii: "#") where isAfterSpace: skipLine()
      default: return
      }
    }
  }

  /// Goes over blanks, and over a comment behind them.
  mutating func skipBlanks() throws {
    while byte() == UInt8(ascii: " ") { offset += 1 }
    if byte() == UInt8(ascii: "\t") { throw Diagnostic.tabInYAML(at: place(offset..<offset + 1)) }
    if byte() == UInt8(ascii: "#"), isAfterSpace { skipLine() }
  }

  /// Goes to the line's end, where nothing but a comment may stand before it.
  mutating func endLine() throws {
    try skipBlanks()
    guard isAtLineEnd else { throw Diagnostic.behindTheValue(at: restOfLine) }
  }

  mutating func skipLine() { while let byte = byte(), byte != UInt8(ascii: "\n") { offset += 1 } }

  // MARK: Where it stands

  func byte(_ ahead: Int = 0) -> UInt8? { offset + ahead < bytes.count ? bytes[offset + ahead] : nil }

  var isAtEnd: Bool { offset >= bytes.count }

  var isAtLineEnd: Bool {
    switch byte() {
    case nil, UInt8(ascii: "\n"): true
    case UInt8(ascii: "\r"): byte(1) == nil || byte(1) == UInt8(ascii: "\n")
    default: false
    }
  }

  private var isAfterSpace: Bool { offset == 0 || Self.isSpace(bytes[offset - 1]) }

  var lineStart: Int {
    var start = offset
    while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
    return start
  }

  /// Bytes between the line's start and here; what counts as indentation is blanks alone.
  var column: Int { offset - lineStart }

  /// Whether only blanks stand before it on its line.
  var isFirstOfLine: Bool { bytes[lineStart..<offset].allSatisfy { $0 == UInt8(ascii: " ") } }

  var isAtMarker: Bool { isAt(marker: "---") || isAt(marker: "...") }

  func isAt(marker: String) -> Bool {
    // Not by the column: who looks for a marker behind each value of one long line must not go back to the line's start.
    (offset == 0 || bytes[offset - 1] == UInt8(ascii: "\n")) && bytes[offset...].starts(with: marker.utf8)
      && isSpaceOrEnd(3)
  }

  /// Whether a blank, a line's end or the file's end stands so many bytes ahead.
  func isSpaceOrEnd(_ ahead: Int) -> Bool { byte(ahead).map(Self.isSpace) ?? true }

  /// From here to the line's last visible byte.
  var restOfLine: Place {
    var end = offset
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
    while end > offset + 1, Self.isSpace(bytes[end - 1]) { end -= 1 }
    return place(offset..<max(end, offset))
  }

  func place(_ range: Range<Int>) -> Place { Place(source, range) }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  static func isFlowIndicator(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
    default: false
    }
  }
}
