import Diagnostics

extension YAMLReader {
  /// The value that begins here, outside brackets.
  ///
  /// - Parameters:
  ///   - parent: The column of the collection it lies in; its further lines stand to the right of that.
  ///   - isInline: Whether it stands behind a key on the key's line, where no block collection begins.
  mutating func blockNode(above parent: Int, isInline: Bool) throws -> YAMLNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw Diagnostic.tooDeep(at: restOfLine) }
    let start = offset
    switch byte() {
    case UInt8(ascii: "&"): return try anchored(above: parent, isInline: isInline)
    case UInt8(ascii: "*"):
      let node = try alias()
      try endValue()
      return node
    case UInt8(ascii: "!"): throw Diagnostic.tag(at: restOfLine)
    case UInt8(ascii: "|"), UInt8(ascii: ">"): return try blockScalar(above: parent)
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      let node = try flowNode()
      try endValue()
      return node
    case UInt8(ascii: "-") where isSpaceOrEnd(1):
      if isInline { throw Diagnostic.sequenceBehindKey(at: place(start..<start + 1)) }
      return try blockSequence(at: column)
    case UInt8(ascii: "?") where isSpaceOrEnd(1): throw Diagnostic.longKey(at: place(start..<start + 1))
    default: break
    }
    if try isKey() {
      if isInline { throw Diagnostic.mappingBehindKey(at: restOfLine) }
      return try blockMapping(at: column)
    }
    if byte() == UInt8(ascii: "\"") || byte() == UInt8(ascii: "'") {
      let node = try quotedScalar()
      try endValue()
      return node
    }
    return try plainScalar(above: parent)
  }

  /// An anchor and the value that it names.
  private mutating func anchored(above parent: Int, isInline: Bool) throws -> YAMLNode {
    let start = offset
    offset += 1
    let name = anchorName()
    let anchor = place(start..<offset)
    guard !name.isEmpty else { throw Diagnostic.anchorNameMissing(at: anchor) }
    try skipBlanks()
    let node: YAMLNode
    if isAtLineEnd {
      node = try nodeBelow(parent, isValueOfKey: isInline, else: anchor)
    } else if try isKey(), !isInline {
      throw Diagnostic.anchorBeforeKey(at: anchor)
    } else {
      node = try blockNode(above: parent, isInline: true)
    }
    define(name, as: node)
    return node
  }

  /// A collection or scalar on the lines below, or nothing.
  private mutating func nodeBelow(_ parent: Int, isValueOfKey: Bool, else place: Place) throws -> YAMLNode {
    try skipToContent()
    // The dashes of a key's list may stand right under the key.
    let isListUnderKey = isValueOfKey && column == parent && byte() == UInt8(ascii: "-") && isSpaceOrEnd(1)
    guard !isAtEnd, !isAtMarker, column > parent || isListUnderKey else {
      return YAMLNode(.scalar(YAMLScalar("", isPlain: true)), at: place)
    }
    return try blockNode(above: parent, isInline: false)
  }

  /// `- value`, a line or more each, all dashes in one column.
  private mutating func blockSequence(at column: Int) throws -> YAMLNode {
    let start = offset
    var nodes: [YAMLNode] = []
    var end = offset
    repeat {
      let dash = place(offset..<offset + 1)
      offset += 1
      try skipBlanks()
      let node =
        isAtLineEnd
        ? try nodeBelow(column, isValueOfKey: false, else: dash) : try blockNode(above: column, isInline: false)
      nodes.append(node)
      end = max(end, node.place.range.upperBound)
      try skipToContent()
      if !isAtEnd, !isAtMarker, self.column > column { throw Diagnostic.indentation(at: restOfLine) }
    } while !isAtEnd && !isAtMarker && self.column == column && byte() == UInt8(ascii: "-") && isSpaceOrEnd(1)
    return YAMLNode(.sequence(nodes), at: place(start..<end))
  }

  /// `key: value`, a line or more each, all keys in one column.
  private mutating func blockMapping(at column: Int) throws -> YAMLNode {
    let start = offset
    var members: [YAMLMember] = []
    var places: [String: Place] = [:]
    var end = offset
    repeat {
      let isDash = byte() == UInt8(ascii: "-") && isSpaceOrEnd(1)
      guard try isKey(), !isDash else { throw Diagnostic.keyExpected(at: restOfLine) }
      let key = try keyScalar()
      checkNew(key.text, at: key.place, &places)
      let colon = offset
      offset += 1
      try skipBlanks()
      let value =
        isAtLineEnd
        ? try nodeBelow(column, isValueOfKey: true, else: place(colon..<colon + 1))
        : try blockNode(above: column, isInline: true)
      members.append(YAMLMember(key: key.text, keyPlace: key.place, value: value))
      end = max(end, value.place.range.upperBound)
      try skipToContent()
      if !isAtEnd, !isAtMarker, self.column > column { throw Diagnostic.indentation(at: restOfLine) }
    } while !isAtEnd && !isAtMarker && self.column == column
    return YAMLNode(.mapping(try merged(members)), at: place(start..<end))
  }

  /// What is left of a value's line.
  private mutating func endValue() throws {
    try skipBlanks()
    if byte() == UInt8(ascii: ":"), isSpaceOrEnd(1) { throw Diagnostic.keyNotPlain(at: place(offset..<offset + 1)) }
    try endLine()
  }

  // MARK: Keys

  /// Whether a key begins here: a scalar on one line with `:` and a blank behind it.
  private func isKey() throws -> Bool {
    var copy = self
    copy.mistakes = []
    guard let first = byte(), !Self.isFlowIndicator(first) else { return false }
    if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
      // A text that never ends is reported where it is read.
      guard let node = try? copy.quotedScalar(), !node.place.text.contains("\n") else { return false }
    } else {
      copy.skipPlain(inFlow: false)
      if copy.offset == offset { return first == UInt8(ascii: ":") && isSpaceOrEnd(1) }
    }
    while copy.byte() == UInt8(ascii: " ") { copy.offset += 1 }
    return copy.byte() == UInt8(ascii: ":") && copy.isSpaceOrEnd(1)
  }

  /// The key that begins here; afterwards its colon is next.
  private mutating func keyScalar() throws -> (text: String, place: Place) {
    let start = offset
    let key: (String, Place)
    if byte() == UInt8(ascii: "\"") || byte() == UInt8(ascii: "'") {
      let node = try quotedScalar()
      key = (node.scalar?.text ?? "", node.place)
    } else {
      try checkPlainStart()
      skipPlain(inFlow: false)
      key = (text(start..<offset), place(start..<offset))
    }
    while byte() == UInt8(ascii: " ") { offset += 1 }
    guard !key.0.isEmpty else { throw Diagnostic.keyExpected(at: restOfLine) }
    return key
  }

  /// - Parameter places: Where the keys of the mapping stand that were read before.
  mutating func checkNew(_ key: String, at place: Place, _ places: inout [String: Place]) {
    if let first = places[key] { return mistakes.append(.keyTwice(key, at: place, first: first)) }
    places[key] = place
  }

  /// The members with what merge keys (`<<: *name`) bring in, which never replaces what is written out.
  func merged(_ members: [YAMLMember]) throws -> [YAMLMember] {
    var result = members.filter { $0.key != "<<" }
    var keys = Set(result.map(\.key))
    for merge in members where merge.key == "<<" {
      for node in merge.value.sequence ?? [merge.value] {
        guard let others = node.mapping else { throw Diagnostic.mergeOfNoMapping(node, at: node.place) }
        result += others.filter { keys.insert($0.key).inserted }
      }
    }
    return result
  }
}
