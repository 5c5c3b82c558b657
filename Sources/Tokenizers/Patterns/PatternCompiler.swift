/// Turns a pattern into instructions.
struct PatternCompiler {
  private(set) var instructions: [Pattern.Instruction] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var alternatives: [Pattern.Alternatives] = []

  /// - Parameter isLast: Whether the match ends with the node; then its instructions end with `match`.
  mutating func emit(_ node: PatternNode, isLast: Bool) {
    switch node {
    case .set(let ranges): emitSet(ranges)
    case .sequence(let nodes):
      for (index, inner) in nodes.enumerated() {
        let next = index + 1 < nodes.count ? nodes[index + 1] : nil
        emit(Self.possessive(inner, before: next, isLast: isLast), isLast: false)
      }
    case .alternation(let branches): return emit(branches, isLast: isLast)
    case .repetition(let inner, let times): emit(inner, times, isLast: isLast)
    case .look(let inner, let ahead, let isNegated): emitLook(inner, ahead: ahead, isNegated: isNegated)
    case .atomic(let inner):
      let place = reserve()
      emit(inner, isLast: true)
      instructions[place] = .init(code: .atomic, second: Int32(instructions.count))
    case .assertion(let assertion): instructions.append(.init(code: .assertion, first: assertion.rawValue))
    }
    if isLast { instructions.append(.init(code: .match)) }
  }

  private mutating func reserve() -> Int {
    instructions.append(.init(code: .match))
    return instructions.count - 1
  }

  private mutating func index(of ranges: ScalarRanges) -> Int32 {
    if let index = sets.firstIndex(where: { $0.ranges == ranges }) { return Int32(index) }
    sets.append(ScalarSet(ranges))
    return Int32(sets.count - 1)
  }

  private mutating func emitSet(_ ranges: ScalarRanges) {
    if ranges.runs.count == 1, ranges.runs[0].count == 1, ranges.runs[0].lowerBound < 0x80 {
      instructions.append(.init(code: .byte, first: Int32(ranges.runs[0].lowerBound)))
    } else {
      instructions.append(.init(code: .set, first: index(of: ranges)))
    }
  }

  /// A run that gives nothing back, where giving back cannot lead to a match: what comes next is never of the run, or nothing
  /// comes any more.
  private static func possessive(_ node: PatternNode, before next: PatternNode?, isLast: Bool) -> PatternNode {
    guard case .repetition(.set(let ranges), var times) = node, times.greed == .greedy else { return node }
    let following: ScalarRanges?
    switch next {
    case nil: following = isLast ? .empty : nil
    case .set(let ranges): following = ranges
    case .repetition(.set(let ranges), let times) where times.least > 0: following = ranges
    default: following = nil
    }
    guard let following, following.intersection(ranges).isEmpty else { return node }
    times.greed = .possessive
    return .repetition(.set(ranges), times)
  }

  private mutating func emit(_ branches: [PatternNode], isLast: Bool) {
    // A table holds 64; more stand in a table of their own, which comes last.
    if branches.count > 64 {
      return emit(Array(branches[..<63]) + [.alternation(Array(branches[63...]))], isLast: isLast)
    }
    let place = reserve()
    let number = alternatives.count
    alternatives.append(.init(starts: [], masks: [UInt64](repeating: 0, count: 257)))
    instructions[place] = .init(code: .choose, first: Int32(number))
    var jumps: [Int] = []
    for (index, branch) in branches.enumerated() {
      let mask: UInt64 = 1 << UInt64(index)
      let bytes = branch.firstBytes
      let mayBeEmpty = branch.mayBeEmpty
      alternatives[number].starts.append(Int32(instructions.count))
      for byte in 0...255 where mayBeEmpty || bytes.contains(UInt8(byte)) { alternatives[number].masks[byte] |= mask }
      if mayBeEmpty { alternatives[number].masks[256] |= mask }
      emit(Self.possessive(branch, before: nil, isLast: isLast), isLast: isLast)
      if !isLast, index < branches.count - 1 { jumps.append(reserve()) }
    }
    for jump in jumps { instructions[jump] = .init(code: .jump, first: Int32(instructions.count)) }
  }

  private mutating func emit(_ node: PatternNode, _ times: PatternNode.Repetition, isLast: Bool) {
    if case .set(let ranges) = node {
      let isPossessive = times.greed == .possessive || (times.greed == .greedy && isLast)
      let code: Pattern.Instruction.Code = times.greed == .lazy ? .lazyRun : isPossessive ? .possessiveRun : .run
      let most = times.most.map(Int32.init) ?? -1
      instructions.append(.init(code: code, first: index(of: ranges), second: Int32(times.least), third: most))
      return
    }
    if times.greed == .possessive {
      var greedy = times
      greedy.greed = .greedy
      return emit(.atomic(.repetition(node, greedy)), isLast: false)
    }
    for _ in 0..<times.least { emit(node, isLast: false) }
    func split(_ place: Int, to end: Int) {
      let (inner, outer) = (Int32(place + 1), Int32(end))
      instructions[place] =
        times.greed == .greedy
        ? .init(code: .split, first: inner, second: outer) : .init(code: .split, first: outer, second: inner)
    }
    if let most = times.most {
      var splits: [Int] = []
      for _ in times.least..<most {
        splits.append(reserve())
        emit(node, isLast: false)
      }
      for place in splits { split(place, to: instructions.count) }
    } else {
      let place = reserve()
      emit(node, isLast: false)
      instructions.append(.init(code: .jump, first: Int32(place)))
      split(place, to: instructions.count)
    }
  }

  private mutating func emitLook(_ node: PatternNode, ahead: Bool, isNegated: Bool) {
    let branches = if case .alternation(let branches) = node, !ahead { branches } else { [node] }
    // Looking back, each alternative has its own length: found means one of them is found.
    if branches.count > 1, !isNegated {
      return emit(.alternation(branches.map { .look($0, ahead: false, isNegated: false) }), isLast: false)
    }
    for branch in branches {
      let place = reserve()
      emit(branch, isLast: true)
      instructions[place] = .init(
        code: isNegated ? .lookNot : .look, second: Int32(instructions.count),
        third: ahead ? 0 : Int32(branch.length ?? 0))
    }
  }
}
