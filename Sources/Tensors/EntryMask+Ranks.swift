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
      Generator.choiceLimit(Double(Magnitudes.probability(rank, of: length, lowest, highest)))
    }
    self.init(count: magnitudes.count) { mask in
      guard magnitudes.count > 0 else { return }
      // Rows whose entries do not lie side by side come many at once.
      let size = length * step
      let rows = RankedRows(length: length, step: step, atOnce: max(1, EntryMask.atOnce / size), limits: limits)
      for start in stride(from: 0, to: magnitudes.count, by: rows.count) {
        let run = start..<min(start + rows.count, magnitudes.count)
        rows.read(magnitudes, generator, run)
        EntryMask.write(UnsafeMutableBufferPointer(rebasing: rows.keep(run, generator)), to: mask, from: start)
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
  /// The highest bytes of the generator's choices, from the run of them on in which the first entry lies.
  private let numbers: UnsafeMutablePointer<UInt8>
  private var firstNumber = 0
  private let kept: UnsafeMutableBufferPointer<UInt8>
  /// Room for what is found out about one row.
  private let room: KernelRankRoom
  /// Room for one row where its entries do not lie side by side.
  private let rowEntries: UnsafeMutablePointer<UInt32>
  private let rowNumbers: UnsafeMutablePointer<UInt8>
  private let rowKept: UnsafeMutablePointer<UInt8>

  init(length: Int, step: Int, atOnce: Int, limits: [UInt64]) {
    (self.length, self.step, self.limits) = (length, step, limits)
    count = length * step * atOnce
    entries = .allocate(capacity: count)
    numbers = .allocate(capacity: count + 2 * Generator.choiceRun)
    kept = .allocate(capacity: count)
    room = KernelRankRoom(
      classes: .allocate(capacity: kernelRankClasses), numbers: .allocate(capacity: length),
      places: .allocate(capacity: length), doubtful: .allocate(capacity: length + kernelRankSpare))
    rowEntries = .allocate(capacity: length)
    rowNumbers = .allocate(capacity: length)
    rowKept = .allocate(capacity: length)
  }

  deinit {
    entries.deallocate()
    numbers.deallocate()
    kept.deallocate()
    room.classes.deallocate()
    room.numbers.deallocate()
    room.places.deallocate()
    room.doubtful.deallocate()
    rowEntries.deallocate()
    rowNumbers.deallocate()
    rowKept.deallocate()
  }

  /// Takes the magnitudes of a run of entries, whole rows, and their random numbers.
  func read(_ magnitudes: Magnitudes, _ generator: Generator, _ run: Range<Int>) {
    magnitudes.inBlocks(run) { block, floats in
      let target = entries + (block.lowerBound - run.lowerBound)
      for index in 0..<block.count { target[index] = floats[index].bitPattern & 0x7FFF_FFFF }
    }
    let firstRun = run.lowerBound / Generator.choiceRun
    firstNumber = run.lowerBound % Generator.choiceRun
    for number in 0..<(firstNumber + run.count + Generator.choiceRun - 1) / Generator.choiceRun {
      generator.fill(numbers + number * Generator.choiceRun, run: firstRun + number)
    }
  }

  /// A byte for each of the entries that were read, all ones where it is kept.
  func keep(_ run: Range<Int>, _ generator: Generator) -> Slice<UnsafeMutableBufferPointer<UInt8>> {
    guard let kept = kept.baseAddress else { preconditionFailure("rows have room") }
    let numbers = numbers + firstNumber
    for slab in stride(from: 0, to: run.count, by: length * step) {
      if step == 1 {
        let choices = generator.choices(from: run.lowerBound + slab, apart: 1)
        choose(kept + slab, entries + slab, numbers + slab, choices)
        continue
      }
      for first in slab..<slab + step {
        for place in 0..<length {
          rowEntries[place] = entries[first &+ place &* step]
          rowNumbers[place] = numbers[first &+ place &* step]
        }
        choose(rowKept, rowEntries, rowNumbers, generator.choices(from: run.lowerBound + first, apart: step))
        for place in 0..<length { kept[first &+ place &* step] = rowKept[place] }
      }
    }
    return self.kept[..<run.count]
  }

  private func choose(
    _ kept: UnsafeMutablePointer<UInt8>, _ entries: UnsafePointer<UInt32>, _ numbers: UnsafePointer<UInt8>,
    _ choices: KernelChoices
  ) {
    kernel_keep_by_rank(kept, entries, numbers, UInt32(length), limits, choices, room)
  }
}
