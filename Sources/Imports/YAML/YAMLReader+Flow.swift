import Diagnostics

extension YAMLReader {
  /// A collection in brackets, over as many lines as it takes.
  mutating func flowNode() throws -> YAMLNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw Diagnostic.tooDeep(at: restOfLine) }
    switch byte() {
    case UInt8(ascii: "["): return try flowSequence()
    case UInt8(ascii: "{"): return try flowMapping()
    case UInt8(ascii: "*"): return try alias()
    case UInt8(ascii: "&"):
      let start = offset
      offset += 1
      let name = anchorName()
      guard !name.isEmpty else { throw Diagnostic.anchorNameMissing(at: place(start..<offset)) }
      try skipToContent()
      let node = try flowNode()
      define(name, as: node)
      return node
    case UInt8(ascii: "!"): throw Diagnostic.tag(at: restOfLine)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return try quotedScalar()
    default: return try flowPlainScalar()
    }
  }

  private mutating func flowSequence() throws -> YAMLNode {
    let start = offset
    var nodes: [YAMLNode] = []
    offset += 1
    try skipInFlow(from: start)
    while byte() != UInt8(ascii: "]") {
      let node = try flowNode()
      try skipInFlow(from: start)
      if byte() == UInt8(ascii: ":") {
        throw Diagnostic.keyInFlowSequence(at: place(offset..<offset + 1), open: place(start..<start + 1))
      }
      nodes.append(node)
      try separateItems(closedBy: UInt8(ascii: "]"), from: start)
    }
    offset += 1
    return YAMLNode(.sequence(nodes), at: place(start..<offset))
  }

  private mutating func flowMapping() throws -> YAMLNode {
    let start = offset
    var members: [YAMLMember] = []
    var places: [String: Place] = [:]
    offset += 1
    try skipInFlow(from: start)
    while byte() != UInt8(ascii: "}") {
      let key = try flowNode()
      guard let scalar = key.scalar, !scalar.text.isEmpty else { throw Diagnostic.keyNotPlain(at: key.place) }
      checkNew(scalar.text, at: key.place, &places)
      try skipInFlow(from: start)
      var value = YAMLNode(.scalar(YAMLScalar("", isPlain: true)), at: key.place)
      if byte() == UInt8(ascii: ":") {
        offset += 1
        try skipInFlow(from: start)
        if byte() != UInt8(ascii: ","), byte() != UInt8(ascii: "}") { value = try flowNode() }
        try skipInFlow(from: start)
      }
      members.append(YAMLMember(key: scalar.text, keyPlace: key.place, value: value))
      try separateItems(closedBy: UInt8(ascii: "}"), from: start)
    }
    offset += 1
    return YAMLNode(.mapping(try merged(members)), at: place(start..<offset))
  }

  /// Goes over the comma between two items; afterwards an item or the closing bracket is next.
  private mutating func separateItems(closedBy close: UInt8, from start: Int) throws {
    guard byte() != close else { return }
    guard byte() == UInt8(ascii: ",") else {
      throw Diagnostic.commaMissing(at: restOfLine, open: place(start..<start + 1))
    }
    offset += 1
    try skipInFlow(from: start)
    if byte() == UInt8(ascii: ",") { throw Diagnostic.valueMissing(at: place(offset..<offset + 1)) }
  }

  private mutating func skipInFlow(from start: Int) throws {
    try skipToContent()
    if isAtEnd || isAtMarker { throw Diagnostic.neverClosed(at: place(start..<start + 1)) }
  }

  /// A scalar without quotes within brackets; over several lines, it is one line.
  private mutating func flowPlainScalar() throws -> YAMLNode {
    let start = offset
    try checkPlainStart()
    var words: [String] = []
    var end = offset
    while true {
      let line = offset
      skipPlain(inFlow: true)
      if offset == line { break }
      words.append(text(line..<offset))
      end = offset
      try skipToContent()
      // A comment ends a scalar, and what stands behind it on the next line is found wanting there.
      if isAtEnd || text(end..<offset).contains("#") || !text(end..<offset).contains("\n") { break }
      if let byte = byte(), Self.isFlowIndicator(byte) || byte == UInt8(ascii: ":") { break }
    }
    guard !words.isEmpty else { throw Diagnostic.valueMissing(at: place(start..<min(start + 1, bytes.count))) }
    return YAMLNode(.scalar(YAMLScalar(words.joined(separator: " "), isPlain: true)), at: place(start..<end))
  }
}
