extension Magnitudes {
  /// The cut above which just so many of the largest entries lie.
  ///
  /// Exact, without sorting. A sample says between which two magnitudes the cut lies almost certainly, and at which most
  /// likely; one pass counts what is above and between them. Differences of bfloat16 numbers are so often the same that this
  /// mostly is all. Else what lies between, a few of a hundred, is collected and looked through digit by digit.
  public func cut(keeping kept: Int) -> MagnitudeCut {
    guard kept > 0 else { return .nothing }
    guard kept < count else { return .everything }
    var bracket = Bracket.everything
    var tally = Tally(above: 0, inside: count)
    if count >= Magnitudes.fewEntries {
      let guess = sampled(kept)
      bracket = guess.bracket
      let tallies = tallies(bracket, Bracket(low: guess.likely, high: guess.likely))
      tally = tallies.0
      if kept > tallies.1.above && kept <= tallies.1.above + tallies.1.inside {
        bracket = Bracket(low: guess.likely, high: guess.likely)
        tally = tallies.1
      }
    }
    if kept <= tally.above {
      bracket = Bracket(low: bracket.high + 1, high: Bracket.everything.high)
      tally = Tally(above: 0, inside: tally.above)
    } else if kept > tally.above + tally.inside {
      let above = tally.above + tally.inside
      bracket = Bracket(low: 0, high: bracket.low - 1)
      tally = Tally(above: above, inside: count - above)
    }
    let found = found(kept - tally.above, in: bracket, holding: tally.inside)
    return MagnitudeCut(
      bits: found.bits, tieEnd: found.rank == found.ties ? .max : end(ofTies: found.rank, bits: found.bits))
  }

  /// The plain version of `cut(keeping:)`, by sorting everything.
  public func cutBySorting(keeping kept: Int) -> MagnitudeCut {
    guard kept > 0 else { return .nothing }
    guard kept < count else { return .everything }
    let bases = base?.floats
    let bits = tensor.floats.enumerated().map { index, entry in (entry - (bases?[index] ?? 0)).magnitude.bitPattern }
    let order = bits.indices.sorted { bits[$0] != bits[$1] ? bits[$0] > bits[$1] : $0 < $1 }
    return MagnitudeCut(bits: bits[order[kept - 1]], tieEnd: order[kept - 1] + 1)
  }

  // MARK: Steps

  /// Below this many entries all of them are looked through.
  private static let fewEntries = 1 << 16

  /// Magnitudes from one to another, both within, as bits.
  private struct Bracket {
    var low: UInt32
    var high: UInt32

    static let everything = Bracket(low: 0, high: 0x7FFF_FFFE)
  }

  private struct Tally {
    var above: Int
    var inside: Int
  }

  /// Two magnitudes between which the rank-th largest lies, unless a sample is off by five standard deviations, and the one
  /// that it most likely is.
  ///
  /// Positions come from a linear congruence, which depends on nothing but the count: evenly spaced ones might all lie in one
  /// column.
  private func sampled(_ rank: Int) -> (bracket: Bracket, likely: UInt32) {
    let size = min(max(count / 256, 512), 16384)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var sample = (0..<size).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let index = Int(state.multipliedFullWidth(by: UInt64(count)).high)
      return bits(at: index)
    }
    sample.sort(by: >)
    let share = Double(rank) / Double(count)
    let expected = share * Double(size)
    let reach = 5 * (expected * (1 - share)).squareRoot() + 2
    let (first, last) = (Int(expected - reach), Int(expected + reach))
    let bracket = Bracket(
      low: last < size ? sample[last] : 0, high: expected >= reach ? sample[first] : Bracket.everything.high)
    return (bracket, sample[min(Int(expected), size - 1)])
  }

  func bits(at index: Int) -> UInt32 {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2) { entries in
      tensor.copyFloats(index..<index + 1, to: UnsafeMutableBufferPointer(rebasing: entries[0..<1]))
      guard let base else { return entries[0].magnitude.bitPattern }
      base.copyFloats(index..<index + 1, to: UnsafeMutableBufferPointer(rebasing: entries[1..<2]))
      return (entries[0] - entries[1]).magnitude.bitPattern
    }
  }

  /// One pass over everything for two brackets: sign bits of differences are counted, so that it becomes vector code.
  private func tallies(_ first: Bracket, _ second: Bracket) -> (Tally, Tally) {
    let (low, high) = (Int32(bitPattern: first.low), Int32(bitPattern: first.high))
    let (otherLow, otherHigh) = (Int32(bitPattern: second.low), Int32(bitPattern: second.high))
    var (above, below, otherAbove, otherBelow) = (0, 0, 0, 0)
    inBlocks(0..<count) { block, entries, base in
      var (over, under, otherOver, otherUnder): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
      for index in 0..<block.count {
        let bits = Magnitudes.bits(entries[index], base[index])
        over &+= UInt32(bitPattern: high &- bits) &>> 31
        under &+= UInt32(bitPattern: bits &- low) &>> 31
        otherOver &+= UInt32(bitPattern: otherHigh &- bits) &>> 31
        otherUnder &+= UInt32(bitPattern: bits &- otherLow) &>> 31
      }
      above += Int(over)
      below += Int(under)
      otherAbove += Int(otherOver)
      otherBelow += Int(otherUnder)
    }
    return (
      Tally(above: above, inside: count - above - below),
      Tally(above: otherAbove, inside: count - otherAbove - otherBelow)
    )
  }

  /// The rank-th largest magnitude of a bracket that holds so many: how many that are as large count down to it, of how many.
  private func found(_ rank: Int, in bracket: Bracket, holding inside: Int) -> (bits: UInt32, rank: Int, ties: Int) {
    if bracket.low == bracket.high { return (bracket.low, rank, inside) }
    return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: inside + 1) { candidates in
      let (low, high) = (Int32(bitPattern: bracket.low), Int32(bitPattern: bracket.high))
      var filled = 0
      inBlocks(0..<count) { block, entries, base in
        var place = filled
        for index in 0..<block.count {
          let bits = Magnitudes.bits(entries[index], base[index])
          // Written in any case, and counted where it is inside.
          candidates[place] = UInt32(bitPattern: bits)
          place &+= Int(1 &- (UInt32(bitPattern: (high &- bits) | (bits &- low)) &>> 31))
        }
        filled = place
      }
      return Magnitudes.digits(rank, of: UnsafeMutableBufferPointer(rebasing: candidates[0..<filled]), bracket)
    }
  }

  /// Finds the rank-th largest by twelve bits at a time, dropping what differs in them.
  private static func digits(
    _ rank: Int, of candidates: UnsafeMutableBufferPointer<UInt32>, _ bracket: Bracket
  ) -> (bits: UInt32, rank: Int, ties: Int) {
    var (rank, low, count) = (rank, bracket.low, candidates.count)
    var shift = max(0, 32 - (bracket.high - bracket.low).leadingZeroBitCount - 12)
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: 4096) { histogram in
      while true {
        histogram.update(repeating: 0)
        for index in 0..<count { histogram[Int((candidates[index] &- low) &>> UInt32(shift))] &+= 1 }
        var digit = 4095
        while histogram[digit] < rank {
          rank -= histogram[digit]
          digit -= 1
        }
        low += UInt32(digit) << UInt32(shift)
        if shift == 0 { return (low, rank, histogram[digit]) }
        let width = UInt32(1) << UInt32(shift)
        var filled = 0
        for index in 0..<count {
          let bits = candidates[index]
          candidates[filled] = bits
          filled &+= bits &- low < width ? 1 : 0
        }
        count = filled
        shift = max(0, shift - 12)
      }
    }
  }

  /// The index after the rank-th entry whose magnitude has these bits.
  private func end(ofTies rank: Int, bits: UInt32) -> Int {
    var (left, end) = (rank, Int.max)
    let wanted = Int32(bitPattern: bits)
    inBlocks(0..<count) { block, entries, base in
      guard left > 0 else { return }
      var ties: UInt32 = 0
      for index in 0..<block.count { ties &+= Magnitudes.bits(entries[index], base[index]) == wanted ? 1 : 0 }
      guard Int(ties) >= left else {
        left -= Int(ties)
        return
      }
      for index in 0..<block.count where left > 0 && Magnitudes.bits(entries[index], base[index]) == wanted {
        left -= 1
        end = block.lowerBound + index + 1
      }
    }
    return end
  }

  @inline(__always)
  private static func bits(_ entry: Float, _ base: Float) -> Int32 {
    Int32(bitPattern: (entry - base).bitPattern & 0x7FFF_FFFF)
  }
}
