/// A regular expression as it was understood.
indirect enum PatternNode: Sendable {
  /// One scalar of a set.
  case set(ScalarRanges)
  case sequence([PatternNode])
  /// The first that leads to a match is taken.
  case alternation([PatternNode])
  case repetition(PatternNode, Repetition)
  /// Matches where the node does, takes nothing and is not tried again in another way.
  case look(PatternNode, ahead: Bool, isNegated: Bool)
  /// What it matched is not given back.
  case atomic(PatternNode)
  case assertion(Assertion)

  struct Repetition: Sendable {
    enum Greed: Sendable { case greedy, lazy, possessive }
    var least: Int
    /// nil: as often as it goes.
    var most: Int?
    var greed: Greed
  }

  enum Assertion: Int32, Sendable {
    case lineStart, lineEnd, textStart, textEnd, lastLineEnd, wordBoundary, noWordBoundary
  }

  /// Whether it may match without taking anything.
  var mayBeEmpty: Bool {
    switch self {
    case .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.mayBeEmpty)
    case .alternation(let nodes): nodes.contains(where: \.mayBeEmpty)
    case .repetition(let node, let times): times.least == 0 || node.mayBeEmpty
    case .look, .assertion: true
    case .atomic(let node): node.mayBeEmpty
    }
  }

  /// How many scalars it takes, where that is always the same number.
  var length: Int? {
    switch self {
    case .set: 1
    case .sequence(let nodes):
      nodes.reduce(0) { sum, node in sum.flatMap { sum in node.length.map { sum + $0 } } }
    case .alternation(let nodes):
      nodes.dropFirst().allSatisfy { $0.length == nodes[0].length } ? nodes.first?.length : nil
    case .repetition(let node, let times):
      times.most == times.least ? node.length.map { $0 * times.least } : nil
    case .look, .assertion: 0
    case .atomic(let node): node.length
    }
  }

  /// About how many instructions it takes.
  var size: Int {
    switch self {
    case .set, .assertion: 1
    case .sequence(let nodes), .alternation(let nodes): nodes.reduce(1) { $0 + $1.size }
    case .repetition(.set, _): 1
    case .repetition(let node, let times): node.size * max(times.least + 1, times.most ?? 1)
    case .look(let node, _, _), .atomic(let node): node.size + 1
    }
  }

  /// The bytes that a match may begin with.
  var firstBytes: ByteSet {
    switch self {
    case .set(let ranges):
      var bytes = ByteSet()
      for run in ranges.runs {
        for byte in Self.leadByte(run.lowerBound)...Self.leadByte(run.upperBound) { bytes.insert(byte) }
      }
      return bytes
    case .sequence(let nodes):
      var bytes = ByteSet()
      for node in nodes {
        if case .look = node { continue }
        if case .assertion = node { continue }
        bytes.formUnion(node.firstBytes)
        if !node.mayBeEmpty { return bytes }
      }
      return bytes
    case .alternation(let nodes): return nodes.reduce(into: ByteSet()) { $0.formUnion($1.firstBytes) }
    case .repetition(let node, let times): return times.most == 0 ? ByteSet() : node.firstBytes
    case .look, .assertion: return ByteSet()
    case .atomic(let node): return node.firstBytes
    }
  }

  private static func leadByte(_ scalar: UInt32) -> UInt8 {
    if scalar < 0x80 { return UInt8(scalar) }
    if scalar < 0x800 { return UInt8(0xC0 | scalar >> 6) }
    if scalar < 0x10000 { return UInt8(0xE0 | scalar >> 12) }
    return UInt8(0xF0 | scalar >> 18)
  }

  /// A set of bytes.
  struct ByteSet {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    mutating func insert(_ byte: UInt8) {
      withUnsafeMutableBytes(of: &words) { $0[Int(byte >> 3)] |= 1 << (byte & 7) }
    }

    func contains(_ byte: UInt8) -> Bool {
      withUnsafeBytes(of: words) { $0[Int(byte >> 3)] >> (byte & 7) & 1 != 0 }
    }

    mutating func formUnion(_ other: ByteSet) {
      words.0 |= other.words.0
      words.1 |= other.words.1
      words.2 |= other.words.2
      words.3 |= other.words.3
    }
  }
}
