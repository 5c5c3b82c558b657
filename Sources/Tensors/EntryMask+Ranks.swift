import CKernels

extension EntryMask {
  /// Keeps each entry by itself with the probability that `Magnitudes.keepProbabilities` gives its rank: the same mask as by
  /// those, without sorting and a few rows at a time.
  public init(ranking magnitudes: Magnitudes, lowest: Double, highest: Double, _ generator: Generator) {
    let (length, step) = magnitudes.rows
    guard length <= EntryMask.longestRow else {
      self.init(keeping: magnitudes.keepProbabilities(lowest: lowest, highest: highest), generator)
      return
    }
    let limits = (0..<length).map { rank in
      UInt64((Double(Magnitudes.probability(rank, of: length, lowest, highest)) * 0x1p32).rounded(.up))
    }
    self.init(count: magnitudes.count) { mask in
      guard magnitudes.count > 0 else { return }
      // Rows whose entries do not lie side by side come many at once.
      let size = length * step
      let rows = RankedRows(length: length, step: step, atOnce: max(1, EntryMask.atOnce / size), limits: limits)
      for start in stride(from: 0, to: magnitudes.count, by: rows.count) {
        let run = start..<min(start + rows.count, magnitudes.count)
        rows.read(magnitudes, generator, run)
        EntryMask.write(UnsafeMutableBufferPointer(rebasing: rows.keep(run.count)), to: mask, from: start)
      }
    }
  }

  /// Beyond this many entries a row is sorted: some are counted out one by one.
  private static let longestRow = 1 << 15
  /// Entries that are looked at together where rows are shorter.
  private static let atOnce = 1 << 15
}

/// Some rows of magnitudes, and what is needed to choose among their entries by rank.
private final class RankedRows {
  /// Entries of all rows.
  let count: Int
  private let length: Int
  private let step: Int
  private let limits: [UInt64]
  private let entries: UnsafeMutablePointer<UInt32>
  /// The generator's, from the run of its words on in which the first entry lies.
  private let numbers: UnsafeMutablePointer<UInt32>
  private var firstNumber = 0
  private let kept: UnsafeMutableBufferPointer<UInt8>
  private let classes: UnsafeMutablePointer<KernelRankClass>
  /// Room for one row: what is in doubt of it, and its entries and numbers where they do not lie side by side.
  private let row: UnsafeMutablePointer<UInt32>
  private let rowKept: UnsafeMutablePointer<UInt8>

  init(length: Int, step: Int, atOnce: Int, limits: [UInt64]) {
    (self.length, self.step, self.limits) = (length, step, limits)
    count = length * step * atOnce
    entries = .allocate(capacity: count)
    numbers = .allocate(capacity: count + 2 * Generator.wordRun)
    kept = .allocate(capacity: count)
    classes = .allocate(capacity: kernelRankClasses)
    row = .allocate(capacity: 3 * length)
    rowKept = .allocate(capacity: length)
  }

  deinit {
    entries.deallocate()
    numbers.deallocate()
    kept.deallocate()
    classes.deallocate()
    row.deallocate()
    rowKept.deallocate()
  }

  /// Takes the magnitudes of a run of entries, whole rows, and their random numbers.
  func read(_ magnitudes: Magnitudes, _ generator: Generator, _ run: Range<Int>) {
    magnitudes.inBlocks(run) { block, floats in
      let target = entries + (block.lowerBound - run.lowerBound)
      for index in 0..<block.count { target[index] = floats[index].bitPattern & 0x7FFF_FFFF }
    }
    let firstRun = run.lowerBound / Generator.wordRun
    firstNumber = run.lowerBound % Generator.wordRun
    for number in 0..<(firstNumber + run.count + Generator.wordRun - 1) / Generator.wordRun {
      generator.fill(numbers + number * Generator.wordRun, run: firstRun + number)
    }
  }

  /// A byte for each of the entries that were read, all ones where it is kept.
  func keep(_ count: Int) -> Slice<UnsafeMutableBufferPointer<UInt8>> {
    guard let kept = kept.baseAddress else { preconditionFailure("rows have room") }
    let numbers = numbers + firstNumber
    for slab in stride(from: 0, to: count, by: length * step) {
      if step == 1 {
        choose(kept + slab, entries + slab, numbers + slab)
        continue
      }
      let (rowEntries, rowNumbers) = (row + length, row + 2 * length)
      for first in slab..<slab + step {
        for place in 0..<length {
          rowEntries[place] = entries[first &+ place &* step]
          rowNumbers[place] = numbers[first &+ place &* step]
        }
        choose(rowKept, rowEntries, rowNumbers)
        for place in 0..<length { kept[first &+ place &* step] = rowKept[place] }
      }
    }
    return self.kept[..<count]
  }

  private func choose(
    _ kept: UnsafeMutablePointer<UInt8>, _ entries: UnsafePointer<UInt32>, _ numbers: UnsafePointer<UInt32>
  ) {
    kernel_keep_by_rank(kept, entries, numbers, UInt32(length), limits, classes, row)
  }
}
