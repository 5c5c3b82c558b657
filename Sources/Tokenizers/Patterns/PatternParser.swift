/// What keeps a text from being a pattern.
struct PatternError: Error {
  /// Lowercase, without a full stop.
  let message: String
}

/// Reads regular expressions as Oniguruma does with Ruby's syntax, as far as tokenizers use it.
///
/// There are no back references, no recursion, no conditions and no `\K`, `\X`, `\G`: each is an error that names it.
struct PatternParser {
  struct Flags {
    var ignoresCase = false
    /// `m` of Ruby: a point matches line feeds too.
    var pointMatchesAll = false
    var isExtended = false
  }

  let scalars: [UInt32]
  var offset = 0
  private var depth = 0

  static func parse(_ text: String) throws(PatternError) -> PatternNode {
    var parser = PatternParser(scalars: text.unicodeScalars.map(\.value))
    let node = try parser.alternation(Flags())
    guard parser.offset == parser.scalars.count else { throw PatternError(message: "a `)` stands alone") }
    return node
  }

  init(scalars: [UInt32]) { self.scalars = scalars }

  // MARK: Scalars

  func peek(_ ahead: Int = 0) -> UInt32? { offset + ahead < scalars.count ? scalars[offset + ahead] : nil }

  func isNext(_ text: StaticString) -> Bool {
    var index = 0
    return text.withUTF8Buffer { text in
      while index < text.count {
        guard peek(index) == UInt32(text[index]) else { return false }
        index += 1
      }
      return true
    }
  }

  mutating func take(_ text: StaticString) -> Bool {
    guard isNext(text) else { return false }
    offset += text.utf8CodeUnitCount
    return true
  }

  mutating func next() throws(PatternError) -> UInt32 {
    guard let scalar = peek() else { throw PatternError(message: "it ends too early") }
    offset += 1
    return scalar
  }

  static func text(_ scalars: some Sequence<UInt32>) -> String {
    String(String.UnicodeScalarView(scalars.compactMap(Unicode.Scalar.init)))
  }

  // MARK: Structure

  private mutating func alternation(_ flags: Flags) throws(PatternError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw PatternError(message: "groups are nested more than 100 deep") }
    var flags = flags
    var branches: [PatternNode] = []
    repeat { branches.append(try sequence(&flags)) } while take("|")
    return branches.count == 1 ? branches[0] : .alternation(branches)
  }

  private mutating func sequence(_ flags: inout Flags) throws(PatternError) -> PatternNode {
    var nodes: [PatternNode] = []
    var letters: [UInt32] = []
    while let scalar = peek(), scalar != UInt32(ascii: "|"), scalar != UInt32(ascii: ")") {
      if flags.isExtended, skipExtended() { continue }
      if isNext("(?"), let (changed, isGroup) = try options(flags) {
        guard !isGroup else {
          nodes.append(try quantified(try closing(changed)))
          letters = []
          continue
        }
        // Options in the middle hold for the rest of the group, across its alternatives.
        nodes.append(try alternation(changed))
        break
      }
      let start = offset
      guard let atom = try atom(flags) else { continue }
      if flags.ignoresCase {
        letters = offset - start == 1 ? letters + [scalar] : []
        try Self.refuseFolds(of: letters)
      }
      nodes.append(try quantified(atom))
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  /// Two letters that one letter equals when case does not count, as `ß` does `ss`.
  private static func refuseFolds(of letters: [UInt32]) throws(PatternError) {
    let pair = text(letters.suffix(2)).lowercased()
    if ["ss", "ff", "fi", "fl", "st"].contains(pair) {
      throw PatternError(message: "`\(pair)` without regard to case, which one letter may equal, is not supported")
    }
  }

  private mutating func skipExtended() -> Bool {
    guard let scalar = peek() else { return false }
    if scalar == UInt32(ascii: "#") {
      while let scalar = peek(), scalar != 10 {
        _ = scalar
        offset += 1
      }
      return true
    }
    guard scalar == 32 || 9...13 ~= scalar else { return false }
    offset += 1
    return true
  }

  /// `(?i)`, `(?i-m:`: the flags afterwards, and whether a group begins. Nothing is taken where it is something else.
  private mutating func options(_ flags: Flags) throws(PatternError) -> (Flags, isGroup: Bool)? {
    var changed = flags
    var ahead = 2
    var value = true
    while let scalar = peek(ahead) {
      switch scalar {
      case UInt32(ascii: "i"): changed.ignoresCase = value
      case UInt32(ascii: "m"): changed.pointMatchesAll = value
      case UInt32(ascii: "x"): changed.isExtended = value
      case UInt32(ascii: "-"): value = false
      case UInt32(ascii: ":"):
        offset += ahead + 1
        return (changed, true)
      case UInt32(ascii: ")") where ahead > 2:
        offset += ahead + 1
        return (changed, false)
      default: return nil
      }
      ahead += 1
    }
    return nil
  }

  private mutating func closing(_ flags: Flags) throws(PatternError) -> PatternNode {
    let node = try alternation(flags)
    guard take(")") else { throw PatternError(message: "a `(` has no `)`") }
    return node
  }

  /// One atom, or nil for a comment.
  private mutating func atom(_ flags: Flags) throws(PatternError) -> PatternNode? {
    if take("(?#") {
      while try next() != UInt32(ascii: ")") {}
      return nil
    }
    if take("(?=") { return .look(try closing(flags), ahead: true, isNegated: false) }
    if take("(?!") { return .look(try closing(flags), ahead: true, isNegated: true) }
    if take("(?<=") { return .look(try fixed(try closing(flags)), ahead: false, isNegated: false) }
    if take("(?<!") { return .look(try fixed(try closing(flags)), ahead: false, isNegated: true) }
    if take("(?>") { return .atomic(try closing(flags)) }
    if take("(?<") {
      while try next() != UInt32(ascii: ">") {}
      return try closing(flags)
    }
    if isNext("(?") {
      throw PatternError(message: "the group `\(Self.text(scalars[offset...].prefix(3)))` is not supported")
    }
    let scalar = try next()
    switch scalar {
    case UInt32(ascii: "("): return try closing(flags)
    case UInt32(ascii: "["): return .set(try bracket(flags))
    case UInt32(ascii: "."): return .set(flags.pointMatchesAll ? .all : ScalarRanges(10).complement)
    case UInt32(ascii: "^"): return .assertion(.lineStart)
    case UInt32(ascii: "$"): return .assertion(.lineEnd)
    case UInt32(ascii: "*"), UInt32(ascii: "+"), UInt32(ascii: "?"):
      throw PatternError(message: "`\(Self.text([scalar]))` has nothing to repeat")
    case UInt32(ascii: "\\"): return try escape(flags)
    default: return .set(folded(ScalarRanges(scalar), flags))
    }
  }

  private func fixed(_ node: PatternNode) throws(PatternError) -> PatternNode {
    let branches = if case .alternation(let branches) = node { branches } else { [node] }
    guard branches.allSatisfy({ $0.length != nil }) else {
      throw PatternError(message: "looking back over texts of no fixed length is not supported")
    }
    return node
  }

  // MARK: Repetitions

  private mutating func quantified(_ atom: PatternNode) throws(PatternError) -> PatternNode {
    var node = atom
    while true {
      var times: PatternNode.Repetition
      var isInterval = false
      if take("*") {
        times = .init(least: 0, most: nil, greed: .greedy)
      } else if take("+") {
        times = .init(least: 1, most: nil, greed: .greedy)
      } else if take("?") {
        times = .init(least: 0, most: 1, greed: .greedy)
      } else if let interval = try interval() {
        times = interval
        isInterval = true
      } else {
        return node
      }
      // Ruby: `{n,m}+` repeats the whole, and `{n}?` may leave it out.
      if !isInterval, take("+") {
        times.greed = .possessive
      } else if !isInterval || times.most != times.least, take("?") {
        times.greed = .lazy
      }
      if node.mayBeEmpty, times.most == nil || times.most! > 1 {
        throw PatternError(message: "repeating what may be empty is not supported")
      }
      node = .repetition(node, times)
      guard node.size <= 10_000 else { throw PatternError(message: "it is too large") }
    }
  }

  private mutating func interval() throws(PatternError) -> PatternNode.Repetition? {
    let start = offset
    guard take("{") else { return nil }
    let least = number()
    var most = least
    if take(",") { most = number() }
    guard take("}"), least != nil || most != nil else {
      offset = start
      return nil
    }
    guard (least ?? 0) <= 1000, (most ?? 0) <= 1000, most.map({ $0 >= least ?? 0 }) ?? true else {
      throw PatternError(message: "a repetition is out of range")
    }
    return .init(least: least ?? 0, most: most, greed: .greedy)
  }

  private mutating func number() -> Int? {
    var number: Int?
    while let scalar = peek(), scalar &- 48 < 10, number ?? 0 < 100_000 {
      number = (number ?? 0) * 10 + Int(scalar - 48)
      offset += 1
    }
    return number
  }
}

extension UInt32 {
  init(ascii scalar: Unicode.Scalar) { self = scalar.value }
}
