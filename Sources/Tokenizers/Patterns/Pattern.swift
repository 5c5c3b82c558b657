/// A regular expression, compiled: finds matches in UTF-8 by backtracking, the way Oniguruma does.
///
/// Characters are never decoded into a text of another kind, classes are sets of bits, and runs of one class are single
/// instructions; a table of first bytes chooses which alternatives are tried at all.
struct Pattern: Sendable {
  struct Instruction: Sendable {
    enum Code: UInt8 {
      /// The end.
      case match
      /// One scalar of the set `first`.
      case set
      /// The byte `first`.
      case byte
      /// Scalars of the set `first`, at least `second`, at most `third`: as many as there are, then fewer.
      case run
      /// The same, without giving any back.
      case possessiveRun
      /// The same, as few as possible, then more.
      case lazyRun
      /// Goes on at `first`, and at `second` where that fails.
      case split
      case jump
      /// The alternatives of the table `first`.
      case choose
      /// Looks ahead with what follows up to `match`, then goes on at `second`; `third` scalars back where it looks back.
      case look, lookNot
      /// Takes what follows up to `match` once, then goes on at `second`.
      case atomic
      case assertion
    }
    var code: Code
    var first: Int32 = 0
    var second: Int32 = 0
    var third: Int32 = 0
  }

  /// Where to go on: alternatives by the byte that comes next, 256 for the end.
  struct Alternatives: Sendable {
    var starts: [Int32]
    var masks: [UInt64]
  }

  let instructions: [Instruction]
  let sets: [ScalarSet]
  let alternatives: [Alternatives]
  /// Which bytes a match may begin with; all where it may be empty.
  private let first: [Bool]

  init(_ text: String) throws(PatternError) { self.init(try PatternParser.parse(text)) }

  init(literal text: String) {
    self.init(.sequence(text.unicodeScalars.map { .set(ScalarRanges($0.value)) }))
  }

  private init(_ node: PatternNode) {
    var compiler = PatternCompiler()
    compiler.emit(node, isLast: true)
    instructions = compiler.instructions
    sets = compiler.sets
    alternatives = compiler.alternatives
    let bytes = node.firstBytes
    let mayBeEmpty = node.mayBeEmpty
    first = (0...255).map { mayBeEmpty || bytes.contains(UInt8($0)) }
  }

  /// A place to come back to.
  struct Frame {
    enum Kind: UInt8 { case resume, run, lazyRun, choose }
    var kind: Kind
    var instruction: Int32
    var offset: Int
    /// Where a run may shrink to, how far it may grow, or which alternatives are left.
    var rest: UInt64
  }

  /// Goes over the matches in order, none within another. Empty ones count, but not right behind a match.
  func forEachMatch(in bytes: Bytes, _ range: Range<Int>, _ stack: inout [Frame], _ body: (Range<Int>) -> Void) {
    let text = Bytes(rebasing: bytes[range])
    var offset = 0
    var last = -1
    var start = 0
    while start <= text.count {
      if start < text.count, !first[Int(text[start])] {
        start += scalarLength(text[start])
        continue
      }
      let end = match(text, 0, start, &stack)
      if end < 0 || (end == start && last == end) {
        guard start < text.count else { break }
        start += scalarLength(text[start])
        continue
      }
      body(start + range.lowerBound..<end + range.lowerBound)
      last = end
      offset = end
      start = offset
    }
  }

  /// - Returns: Where the match from an instruction ends, or −1.
  private func match(_ text: Bytes, _ instruction: Int, _ start: Int, _ stack: inout [Frame]) -> Int {
    let base = stack.count
    var counter = instruction
    var offset = start
    return instructions.withUnsafeBufferPointer { instructions in
      while true {
        let step = instructions[counter]
        var succeeds = true
        switch step.code {
        case .match:
          stack.removeLast(stack.count - base)
          return offset
        case .byte:
          if offset < text.count, text[offset] == UInt8(truncatingIfNeeded: step.first) {
            offset += 1
            counter += 1
          } else {
            succeeds = false
          }
        case .set:
          if offset < text.count, case (let value, let length) = scalar(text, at: offset),
            sets[Int(step.first)].contains(value)
          {
            offset += length
            counter += 1
          } else {
            succeeds = false
          }
        case .run, .possessiveRun:
          let set = sets[Int(step.first)]
          let (least, end) = run(text, offset, set, Int(step.second), Int(step.third))
          if least < 0 {
            succeeds = false
          } else {
            counter += 1
            offset = end
            if step.code == .run, end > least {
              stack.append(Frame(kind: .run, instruction: Int32(counter), offset: end, rest: UInt64(least)))
            }
          }
        case .lazyRun:
          let set = sets[Int(step.first)]
          let (least, end) = run(text, offset, set, Int(step.second), Int(step.third))
          if least < 0 {
            succeeds = false
          } else {
            counter += 1
            offset = least
            if end > least {
              stack.append(Frame(kind: .lazyRun, instruction: Int32(counter), offset: least, rest: UInt64(end)))
            }
          }
        case .split:
          stack.append(Frame(kind: .resume, instruction: step.second, offset: offset, rest: 0))
          counter = Int(step.first)
        case .jump:
          counter = Int(step.first)
        case .choose:
          let table = alternatives[Int(step.first)]
          let mask = table.masks[offset < text.count ? Int(text[offset]) : 256]
          if mask == 0 {
            succeeds = false
          } else {
            let rest = mask & (mask - 1)
            if rest != 0 {
              stack.append(Frame(kind: .choose, instruction: Int32(counter), offset: offset, rest: rest))
            }
            counter = Int(table.starts[mask.trailingZeroBitCount])
          }
        case .look, .lookNot:
          var from = offset
          var isInside = true
          for _ in 0..<step.third {
            guard from > 0 else {
              isInside = false
              break
            }
            from = scalar(text, before: from).start
          }
          let isFound = isInside && match(text, counter + 1, from, &stack) >= 0
          succeeds = isFound == (step.code == .look)
          counter = Int(step.second)
        case .atomic:
          let end = match(text, counter + 1, offset, &stack)
          if end < 0 {
            succeeds = false
          } else {
            offset = end
            counter = Int(step.second)
          }
        case .assertion:
          succeeds = holds(PatternNode.Assertion(rawValue: step.first)!, text, offset)
          counter += 1
        }
        if succeeds { continue }
        guard stack.count > base else { return -1 }
        let top = stack.count - 1
        counter = Int(stack[top].instruction)
        switch stack[top].kind {
        case .resume:
          offset = stack[top].offset
          stack.removeLast()
        case .run:
          offset = scalar(text, before: stack[top].offset).start
          if offset <= Int(stack[top].rest) { stack.removeLast() } else { stack[top].offset = offset }
        case .lazyRun:
          offset = stack[top].offset + scalarLength(text[stack[top].offset])
          if offset >= Int(stack[top].rest) { stack.removeLast() } else { stack[top].offset = offset }
        case .choose:
          offset = stack[top].offset
          let mask = stack[top].rest
          let table = alternatives[Int(instructions[counter].first)]
          counter = Int(table.starts[mask.trailingZeroBitCount])
          let rest = mask & (mask - 1)
          if rest == 0 { stack.removeLast() } else { stack[top].rest = rest }
        }
      }
    }
  }

  /// Where a run of a set's scalars may end at the earliest, or −1 where it is too short, and where it does end.
  @inline(__always)
  private func run(_ text: Bytes, _ start: Int, _ set: ScalarSet, _ least: Int, _ most: Int) -> (least: Int, end: Int) {
    var offset = start
    var count = 0
    var shortest = least == 0 ? start : -1
    let limit = most < 0 ? Int.max : most
    while count < limit, offset < text.count {
      let byte = text[offset]
      if byte < 0x80 {
        guard (byte < 64 ? set.low : set.high) >> UInt64(byte & 63) & 1 != 0 else { break }
        offset += 1
      } else {
        let (value, length) = scalar(text, at: offset)
        guard set.contains(value) else { break }
        offset += length
      }
      count += 1
      if count == least { shortest = offset }
    }
    return (shortest, offset)
  }

  private func holds(_ assertion: PatternNode.Assertion, _ text: Bytes, _ offset: Int) -> Bool {
    func isWord(_ value: UInt32) -> Bool { UnicodeProperties.sets["word"]!.contains(value) }
    switch assertion {
    case .lineStart: return offset == 0 || (text[offset - 1] == 10 && offset < text.count)
    case .lineEnd: return offset == text.count || text[offset] == 10
    case .textStart: return offset == 0
    case .textEnd: return offset == text.count
    case .lastLineEnd: return offset == text.count || (offset == text.count - 1 && text[offset] == 10)
    case .wordBoundary, .noWordBoundary:
      let before = offset > 0 && isWord(scalar(text, before: offset).value)
      let behind = offset < text.count && isWord(scalar(text, at: offset).value)
      return (before != behind) == (assertion == .wordBoundary)
    }
  }
}
