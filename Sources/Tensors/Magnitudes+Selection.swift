import CKernels

extension Magnitudes {
  /// The cut above which just so many of the largest entries lie.
  public func cut(keeping kept: Int) -> MagnitudeCut { Magnitudes.cuts([(self, kept)])[0] }

  /// The cuts above which just so many of the largest entries lie, of magnitudes of tensors of one shape.
  ///
  /// Exact, without sorting. A sample gives four magnitudes near each cut, two that are likely and two that are far enough; one
  /// pass counts what is larger than each and what is as large, for all cuts at once. Differences of bfloat16 numbers are so
  /// often the same that the cut is mostly at one of them. Else what lies between two of them, one of a hundred, is collected
  /// and looked through digit by digit.
  public static func cuts(_ wanted: [(magnitudes: Magnitudes, kept: Int)]) -> [MagnitudeCut] {
    let isCounted = wanted.map { $0.kept > 0 && $0.kept < $0.magnitudes.count && $0.magnitudes.count >= fewEntries }
    var searches = zip(wanted, isCounted).map {
      $1 ? PivotCount($0.magnitudes, pivots: $0.magnitudes.pivots($0.kept)) : nil
    }
    if isCounted.contains(true) { count(&searches) }
    return zip(wanted, searches).map { wanted, search in
      let (magnitudes, kept) = wanted
      guard kept > 0 else { return .nothing }
      guard kept < magnitudes.count else { return .everything }
      return magnitudes.cut(search?.place(kept) ?? .inside(.everything(magnitudes.count), rank: kept))
    }
  }

  private func cut(_ place: Place) -> MagnitudeCut {
    switch place {
    case .at(let cut): return cut
    case .inside(let bracket, let rank):
      let found = found(rank, in: bracket)
      let isWhole = found.rank == found.ties
      return MagnitudeCut(
        bits: found.bits, tieEnd: isWhole ? .max : end(ofTies: found.rank, bits: found.bits, in: 0..<count))
    }
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

  /// Magnitudes from one to another, both within, as bits, and how many entries have them.
  private struct Bracket {
    var low: UInt32
    var high: UInt32
    var count: Int

    static func everything(_ count: Int) -> Bracket { Bracket(low: 0, high: 0x7FFF_FFFE, count: count) }
  }

  /// Where the rank-th largest magnitude is: known, or in a bracket, with its rank in there.
  private enum Place {
    case at(MagnitudeCut)
    case inside(Bracket, rank: Int)
  }

  /// How many entries are larger than each of four magnitudes, how many are at least as large, and how many of each block are
  /// just as large.
  private struct PivotCount {
    let magnitudes: Magnitudes
    /// The largest first.
    let pivots: [UInt32]
    private var above = [0, 0, 0, 0]
    private var below = [0, 0, 0, 0]
    private var ties: [[UInt32]] = [[], [], [], []]

    init(_ magnitudes: Magnitudes, pivots: [UInt32]) {
      (self.magnitudes, self.pivots) = (magnitudes, pivots)
    }

    /// Counts a run of the entries, after those before it.
    mutating func add(_ run: Range<Int>) {
      let bounds = pivots.map { Int32(bitPattern: $0) }
      var (larger, smaller): ([UInt32], [UInt32]) = ([0, 0, 0, 0], [0, 0, 0, 0])
      magnitudes.inBlocks(run) { block, entries in
        kernel_count_around(entries, block.count, bounds, &larger, &smaller)
        for index in 0..<4 {
          above[index] += Int(larger[index])
          below[index] += Int(smaller[index])
          ties[index].append(UInt32(block.count) - larger[index] - smaller[index])
        }
      }
    }

    /// Where the rank-th largest is, once everything was counted.
    func place(_ rank: Int) -> Place {
      let count = magnitudes.count
      var (high, larger) = (Bracket.everything(count).high, 0)
      for (index, pivot) in pivots.enumerated() {
        let atLeast = count - below[index]
        if rank <= above[index] {
          return .inside(Bracket(low: pivot + 1, high: high, count: above[index] - larger), rank: rank - larger)
        }
        if rank <= atLeast {
          let end = rank == atLeast ? .max : magnitudes.end(ofTies: rank - above[index], bits: pivot, ties[index])
          return .at(MagnitudeCut(bits: pivot, tieEnd: end))
        }
        // Nothing is below zero, so that all are counted at the latest there.
        (high, larger) = (pivot &- 1, atLeast)
      }
      return .inside(Bracket(low: 0, high: high, count: count - larger), rank: rank - larger)
    }
  }

  /// One pass over everything, run by run, so that what several have in common is in the cache when the next needs it.
  private static func count(_ searches: inout [PivotCount?]) {
    let count = searches.lazy.compactMap { $0?.magnitudes.count }.first ?? 0
    for start in stride(from: 0, to: count, by: runLength) {
      for index in searches.indices { searches[index]?.add(start..<min(start + runLength, count)) }
    }
  }

  private static let runLength = TensorStream.windowLength

  /// Four magnitudes, largest first: where a sample has the rank-th largest, and one and five standard deviations around it.
  ///
  /// Entries are taken a few at a time, since some tensors are read from where they lie. Positions come from a linear
  /// congruence, which depends on nothing but the count: evenly spaced ones might all lie in one column.
  private func pivots(_ rank: Int) -> [UInt32] {
    let (stretch, size) = (32, min(max(count / 1024, 512), 16384))
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var sample: [UInt32] = []
    sample.reserveCapacity(size)
    while sample.count < size {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let first = Int(state.multipliedFullWidth(by: UInt64(count - stretch)).high)
      inBlocks(first..<first + stretch) { block, entries in
        for index in 0..<block.count { sample.append(entries[index].magnitude.bitPattern) }
      }
    }
    sample.sort(by: >)
    let share = Double(rank) / Double(count)
    let expected = share * Double(size)
    let deviation = (expected * (1 - share)).squareRoot() + 1
    return [-5, -1, 1, 5].map { distance in
      sample[Int(min(max(expected + distance * deviation, 0), Double(size - 1)))]
    }
  }

  /// One entry's magnitude.
  func bits(at index: Int) -> UInt32 {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2) { entries in
      tensor.copyFloats(index..<index + 1, to: UnsafeMutableBufferPointer(rebasing: entries[0..<1]))
      guard let base else { return entries[0].magnitude.bitPattern }
      base.copyFloats(index..<index + 1, to: UnsafeMutableBufferPointer(rebasing: entries[1..<2]))
      return (entries[0] - entries[1]).magnitude.bitPattern
    }
  }

  /// The rank-th largest magnitude of a bracket: how many that are as large count down to it, of how many.
  private func found(_ rank: Int, in bracket: Bracket) -> (bits: UInt32, rank: Int, ties: Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: bracket.count + 1) { candidates in
      let (low, high) = (Int32(bitPattern: bracket.low), Int32(bitPattern: bracket.high))
      var filled = 0
      inBlocks(0..<count) { block, entries in
        guard let target = candidates.baseAddress else { return }
        filled += kernel_collect(target + filled, entries, block.count, low, high)
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

  /// The index after the rank-th entry whose magnitude has these bits, by how many there are in each block.
  private func end(ofTies rank: Int, bits: UInt32, _ ties: [UInt32]) -> Int {
    var left = rank
    for (block, ties) in ties.enumerated() {
      let start = block * Tensor.blockLength
      if Int(ties) >= left { return end(ofTies: left, bits: bits, in: start..<min(start + Tensor.blockLength, count)) }
      left -= Int(ties)
    }
    preconditionFailure("the blocks hold as many ties as were counted")
  }

  /// The index after the rank-th entry of a run whose magnitude has these bits.
  private func end(ofTies rank: Int, bits: UInt32, in run: Range<Int>) -> Int {
    var (left, end) = (rank, Int.max)
    let wanted = Int32(bitPattern: bits)
    inBlocks(run) { block, entries in
      guard left > 0 else { return }
      var ties: UInt32 = 0
      for index in 0..<block.count { ties &+= Magnitudes.bits(entries[index]) == wanted ? 1 : 0 }
      guard Int(ties) >= left else {
        left -= Int(ties)
        return
      }
      for index in 0..<block.count where left > 0 && Magnitudes.bits(entries[index]) == wanted {
        left -= 1
        end = block.lowerBound + index + 1
      }
    }
    return end
  }

  @inline(__always)
  private static func bits(_ entry: Float) -> Int32 { Int32(bitPattern: entry.bitPattern & 0x7FFF_FFFF) }
}
