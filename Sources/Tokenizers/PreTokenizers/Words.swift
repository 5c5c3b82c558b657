/// A text that is being cut into pieces. Pieces are in order and never empty.
struct Words {
  private(set) var text: AlignedText
  private(set) var pieces: [Range<Int>]
  private var stack: [Pattern.Frame] = []

  init(_ text: AlignedText, _ range: Range<Int>) {
    self.text = text
    pieces = [range]
  }

  // MARK: Cutting

  /// Cuts each piece as `body` says, which gives pieces of the piece that it gets; empty ones fall away.
  private mutating func cut(_ body: (Bytes, Range<Int>, (Range<Int>) -> Void) -> Void) {
    var cut: [Range<Int>] = []
    cut.reserveCapacity(pieces.count * 4)
    text.bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces { body(bytes, piece) { if !$0.isEmpty { cut.append($0) } } }
    }
    pieces = cut
  }

  /// Cuts at scalars of a set.
  mutating func split(_ set: ScalarSet, _ behavior: SplitBehavior) {
    cut { bytes, piece, emit in
      // Behaviours that join pieces need all cuts first.
      guard behavior == .removed || behavior == .isolated else {
        var matches: [Range<Int>] = []
        Self.forEach(of: set, bytes, piece) { matches.append($0) }
        return Self.emit(matches, of: piece, behavior, isInverted: false, emit)
      }
      var end = piece.lowerBound
      Self.forEach(of: set, bytes, piece) { match in
        emit(end..<match.lowerBound)
        if behavior == .isolated { emit(match) }
        end = match.upperBound
      }
      emit(end..<piece.upperBound)
    }
  }

  @inline(__always)
  private static func forEach(of set: ScalarSet, _ bytes: Bytes, _ piece: Range<Int>, _ body: (Range<Int>) -> Void) {
    var offset = piece.lowerBound
    while offset < piece.upperBound {
      let (value, length) = scalar(bytes, at: offset)
      if set.contains(value) { body(offset..<offset + length) }
      offset += length
    }
  }

  /// Cuts at matches of a pattern, or, inverted, at what lies between them.
  mutating func split(_ pattern: Pattern, _ behavior: SplitBehavior, isInverted: Bool) {
    var stack = stack
    cut { bytes, piece, emit in
      if behavior == .isolated || (behavior == .removed && isInverted) {
        var end = piece.lowerBound
        pattern.forEachMatch(in: bytes, piece, &stack) { match in
          if behavior == .isolated { emit(end..<match.lowerBound) }
          emit(match)
          end = match.upperBound
        }
        if behavior == .isolated { emit(end..<piece.upperBound) }
        return
      }
      var matches: [Range<Int>] = []
      pattern.forEachMatch(in: bytes, piece, &stack) { matches.append($0) }
      Self.emit(matches, of: piece, behavior, isInverted: isInverted, emit)
    }
    self.stack = stack
  }

  private static func emit(
    _ matches: [Range<Int>], of piece: Range<Int>, _ behavior: SplitBehavior, isInverted: Bool,
    _ emit: (Range<Int>) -> Void
  ) {
    // All parts in order, and whether the cut is made at them.
    var parts: [(range: Range<Int>, isMatch: Bool)] = []
    var end = piece.lowerBound
    for match in matches {
      if end < match.lowerBound { parts.append((end..<match.lowerBound, isInverted)) }
      parts.append((match, !isInverted))
      end = match.upperBound
    }
    if end < piece.upperBound { parts.append((end..<piece.upperBound, isInverted)) }

    /// Joins a part to the one before it in `order` where `joins` says so.
    func joined(
      _ order: some Sequence<(range: Range<Int>, isMatch: Bool)>, _ joins: (_ isMatch: Bool, _ last: Bool) -> Bool
    )
      -> [Range<Int>]
    {
      var whole: [Range<Int>] = []
      var last = false
      for part in order {
        if joins(part.isMatch, last), let before = whole.last {
          let low = min(before.lowerBound, part.range.lowerBound)
          whole[whole.count - 1] = low..<max(before.upperBound, part.range.upperBound)
        } else {
          whole.append(part.range)
        }
        last = part.isMatch
      }
      return whole
    }
    switch behavior {
    case .removed: for part in parts where !part.isMatch { emit(part.range) }
    case .isolated: for part in parts { emit(part.range) }
    case .contiguous: joined(parts) { $0 == $1 }.forEach(emit)
    case .mergedWithPrevious: joined(parts) { $0 && !$1 }.forEach(emit)
    case .mergedWithNext: joined(parts.reversed()) { $0 && !$1 }.reversed().forEach(emit)
    }
  }

  /// Words, and runs of what is neither of words nor white space.
  mutating func splitWords() {
    let (word, space) = (UnicodeProperties.word, UnicodeProperties.whiteSpace)
    cut { bytes, piece, emit in
      var offset = piece.lowerBound
      var start = offset
      var kind = 0  // white space, a word, anything else
      while offset < piece.upperBound {
        let (value, length) = scalar(bytes, at: offset)
        let next = word.contains(value) ? 1 : space.contains(value) ? 0 : 2
        if next != kind {
          if kind != 0 { emit(start..<offset) }
          start = offset
          kind = next
        }
        offset += length
      }
      if kind != 0 { emit(start..<offset) }
    }
  }

  mutating func cut(every length: Int) {
    cut { bytes, piece, emit in
      var start = piece.lowerBound
      var offset = start
      var count = 0
      while offset < piece.upperBound {
        offset += scalarLength(bytes[offset])
        count += 1
        if count % length == 0 {
          emit(start..<offset)
          start = offset
        }
      }
      emit(start..<offset)
    }
  }

  /// Cuts where the script changes. Scalars of any script before the first that has one fall away, as in the package.
  mutating func splitScripts() {
    cut { bytes, piece, emit in
      var start: Int?
      var last: UInt32?
      var offset = piece.lowerBound
      while offset < piece.upperBound {
        let (value, length) = scalar(bytes, at: offset)
        if let script = UnicodeProperties.script(value) {
          if script != last {
            if let start { emit(start..<offset) }
            start = offset
          }
          last = script
        }
        offset += length
      }
      if let start { emit(start..<offset) }
    }
  }

  // MARK: Changing the text

  /// Writes each piece anew.
  private mutating func rewrite(_ body: (AlignedText, Range<Int>, inout [UInt8], inout [Span]) -> Void) {
    var bytes: [UInt8] = []
    var spans: [Span] = []
    bytes.reserveCapacity(text.bytes.count * 2)
    spans.reserveCapacity(text.bytes.count * 2)
    for index in pieces.indices {
      let start = bytes.count
      body(text, pieces[index], &bytes, &spans)
      pieces[index] = start..<bytes.count
    }
    text = AlignedText(bytes: bytes, spans: spans, origin: text.origin)
  }

  /// Puts a text before pieces, where the piece's bytes ask for it. It shares the place of the first scalar.
  mutating func prepend(_ content: [UInt8], onlyFirst: Bool = false, where asks: (ArraySlice<UInt8>) -> Bool) {
    func wants(_ text: AlignedText, _ piece: Range<Int>) -> Bool {
      asks(text.bytes[piece]) && (!onlyFirst || text.spans[piece.lowerBound].start == 0)
    }
    guard pieces.contains(where: { wants(text, $0) }) else { return }
    rewrite { text, piece, bytes, spans in
      if wants(text, piece) {
        bytes += content
        spans += repeatElement(text.spans[piece.lowerBound], count: content.count)
      }
      bytes += text.bytes[piece]
      spans += text.spans[piece]
    }
  }

  /// Puts a text in the place of each byte of ASCII.
  mutating func replace(_ byte: UInt8, with content: [UInt8]) {
    guard text.bytes.contains(byte) else { return }
    rewrite { text, piece, bytes, spans in
      for index in piece {
        if text.bytes[index] == byte {
          bytes += content
          spans += repeatElement(text.spans[index], count: content.count)
        } else {
          bytes.append(text.bytes[index])
          spans.append(text.spans[index])
        }
      }
    }
  }

  mutating func spellBytes() {
    rewrite { text, piece, bytes, spans in
      for index in piece {
        bytes.append(scalar: ByteAlphabet.scalars[Int(text.bytes[index])])
        while spans.count < bytes.count { spans.append(text.spans[index]) }
      }
    }
  }
}
