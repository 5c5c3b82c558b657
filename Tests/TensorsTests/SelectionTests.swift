import CKernels
import Testing

@testable import Tensors

/// Cuts of rankings by magnitude, found without sorting, against those found by sorting.
@Suite struct SelectionTests {
  /// Entries of several kinds, with what tells them apart.
  private static let kinds: [(name: String, entry: @Sendable (inout Generator) -> Float)] = [
    ("spread out", { Float($0.gaussian()) }),
    ("of few values", { Float(Int($0.uniform() * 5) - 2) * 0.125 }),
    ("mostly zero", { $0.uniform() < 0.97 ? 0 : Float($0.gaussian()) }),
    ("all one", { _ in 0.5 }),
    ("of two kinds", { $0.uniform() < 0.5 ? 1e-30 : Float($0.uniform()) * 1e30 }),
    ("far apart", { Float(sign: .plus, exponent: $0.integer(below: 200) - 100, significand: 1) }),
    ("of either sign", { $0.uniform() < 0.5 ? -1 : 1 }),
  ]

  private static func tensor(_ count: Int, seed: Int, _ entry: (inout Generator) -> Float) -> Tensor {
    var generator = Generator(seed: seed, stream: "selection")
    return Tensor((0..<count).map { _ in entry(&generator) }, shape: [count])
  }

  @Test(arguments: kinds.indices) func cutsAreThoseOfSorting(kind: Int) {
    let entry = Self.kinds[kind].entry
    for count in [1, 2, 3, 100, 2048, 2049, 70_001, 300_000] {
      let tensor = Self.tensor(count, seed: count, entry)
      let magnitudes = Magnitudes(tensor)
      for share in [0, 0.0001, 0.01, 0.2, 0.5, 0.77, 0.999, 1] where count < 70_000 || share != 0.77 {
        let kept = Int(share * Double(count))
        let (fast, plain) = (magnitudes.cut(keeping: kept), magnitudes.cutBySorting(keeping: kept))
        // Where no entry of the same magnitude follows, every end of the ties means the same.
        #expect(fast.bits == plain.bits, "\(Self.kinds[kind].name), \(kept) of \(count)")
        let isAbove = { (cut: MagnitudeCut) in
          tensor.floats.enumerated().map { $1.magnitude.bitPattern >= cut.floor(at: $0) }
        }
        let above = isAbove(fast)
        #expect(above == isAbove(plain), "\(Self.kinds[kind].name), \(kept) of \(count)")
        #expect(above.filter { $0 }.count == kept)
      }
    }
  }

  @Test func cutsOfDifferencesAreTakenInFloat32() {
    for dtype in [DType.f32, .bf16, .f16] {
      let (a, b) = (
        Self.tensor(100_000, seed: 1) { Float($0.gaussian()) }.converted(to: dtype),
        Self.tensor(100_000, seed: 2) { Float($0.gaussian()) }.converted(to: dtype)
      )
      for kept in [1, 20_000, 50_000, 99_999] {
        let difference = Magnitudes(a, minus: b)
        let cut = difference.cut(keeping: kept)
        #expect(cut.bits == difference.cutBySorting(keeping: kept).bits)
        #expect(cut.bits == Magnitudes(a - b).cut(keeping: kept).bits)
        let mask = EntryMask(difference, above: cut)
        #expect((0..<mask.count).filter { mask[$0] }.count == kept)
      }
    }
  }

  /// A stride of the sample through such a matrix would see one column alone.
  @Test func periodsDoNotMatter() {
    let tensor = Tensor((0..<1 << 18).map { Float($0 % 256) }, shape: [1 << 10, 256])
    for kept in [1, 1 << 10, 5000, 1 << 17] {
      #expect(Magnitudes(tensor).cut(keeping: kept).magnitude == Float(255 - (kept - 1) / 1024))
    }
  }

  @Test func histogramsFindTheSameAcrossTensors() throws {
    let parts = (0..<3).map { seed in Self.tensor(1000 + seed, seed: seed) { Float($0.gaussian()) } }
    let sorted = parts.flatMap { $0.floats.map(\.magnitude) }.sorted(by: >)
    for rank in [1, 2, 500, 3002, 3003] {
      var upper = MagnitudeHistogram()
      for part in parts { upper.add(MagnitudeHistogram(Magnitudes(part))) }
      let found = upper.half(ofLargest: rank)
      var lower = MagnitudeHistogram(upper: found.half)
      for part in parts { lower.add(MagnitudeHistogram(Magnitudes(part), upper: found.half)) }
      let rest = lower.half(ofLargest: found.rank)
      #expect(MagnitudeHistogram.magnitude(upper: found.half, lower: rest.half) == sorted[rank - 1])
    }
  }

  @Test func quantilesAreEntriesOfTheSortedTensor() {
    let tensor = Self.tensor(70_000, seed: 3) { Float($0.uniform()) }
    let sorted = tensor.floats.sorted()
    for share in [0, 0.25, 0.5, 0.75, 1] {
      #expect(tensor.magnitudeQuantile(share) == sorted[Int(share * 69_999)])
    }
    #expect(Tensor([Float](), shape: [0]).magnitudeQuantile(0.5) == 0)
  }

  // MARK: Ranks

  @Test(arguments: [
    [7, 5], [5], [1], [], [3, 1], [2, 4, 3], [2, 3, 2, 2], [3, 500], [0, 4], [4, 0], [2, 0, 3],
  ])
  func probabilitiesRiseWithRanksOfRows(axes: [Int]) {
    let shape = Shape(axes)
    for kind in Self.kinds {
      let tensor = Self.tensor(shape.count, seed: shape.rank, kind.entry).reshaped(shape)
      let probabilities = Magnitudes(tensor).keepProbabilities(lowest: 0.1, highest: 0.5).floats
      let length = shape.rank > 1 ? shape[1] : shape.count
      let apart = axes.dropFirst(2).reduce(1, *)
      let entries = tensor.floats.map(\.magnitude)
      var expected: [Float] = []
      for index in entries.indices {
        let first = index / (length * apart) * length * apart + index % apart
        let row = (0..<length).map { first + $0 * apart }
        let rank = row.filter { entries[$0] < entries[index] || entries[$0] == entries[index] && $0 > index }.count
        let share = length == 1 ? 0.5 : Double(rank) / Double(length - 1)
        expected.append(Float(0.1 + (0.5 - 0.1) * share))
      }
      #expect(probabilities == expected, "\(kind.name), \(shape)")
    }
  }

  @Test(arguments: [
    [7, 5], [5], [1], [], [3, 1], [2, 4, 3], [2, 3, 2, 2], [3, 5000], [40, 1100], [0, 4], [2, 0, 3], [33_000],
  ])
  func masksByRankAreThoseOfProbabilities(axes: [Int]) {
    let shape = Shape(axes)
    for kind in Self.kinds {
      let magnitudes = Magnitudes(Self.tensor(shape.count, seed: shape.rank, kind.entry).reshaped(shape))
      for (lowest, highest) in [(0.1, 0.5), (0, 1), (0.3, 0.3), (0, 1e-60), (0.99, 1)] {
        let generator = Generator(seed: 2, stream: "ranks")
        let plain = EntryMask(keeping: magnitudes.keepProbabilities(lowest: lowest, highest: highest), generator)
        let fast = EntryMask(ranking: magnitudes, lowest: lowest, highest: highest, generator)
        #expect(
          shape.count == fast.count && (0..<shape.count).allSatisfy { fast[$0] == plain[$0] },
          "\(kind.name), \(shape), from \(lowest) to \(highest)")
      }
    }
  }

  @Test func masksAreWrittenBitByBit() {
    for (start, count) in [(0, 64), (3, 5), (31, 2), (30, 100), (64, 31), (5, 0), (33, 95)] {
      let mask = EntryMask(count: 192) { words in
        words.update(repeating: 0xAAAA_AAAA, count: 6)
        var bytes = (0..<count).map { UInt8($0 % 3 == 0 ? 0xFF : 0) }
        bytes.withUnsafeMutableBufferPointer { EntryMask.write($0, to: words, from: start) }
      }
      for index in 0..<192 {
        let isInside = (start..<start + count).contains(index)
        #expect(mask[index] == (isInside ? (index - start) % 3 == 0 : index % 2 == 1))
      }
    }
  }

  // MARK: Random choices

  @Test func choicesAreTheSameOneByOneAndByRuns() {
    let generator = Generator(seed: 3, stream: "choices")
    var bytes = [UInt8](repeating: 0, count: Generator.choiceRun)
    var seen: Set<UInt64> = []
    for run in [0, 1, 5, 1 << 30] {
      bytes.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { generator.fill(base, run: run) } }
      let choices = bytes.indices.map { generator.choice(at: run * Generator.choiceRun + $0) }
      #expect(bytes == choices.map { UInt8($0 >> 32) })
      seen.formUnion(choices)
    }
    #expect(seen.count > 16380)
  }

  @Test func choicesAreEvenlySpread() {
    let generator = Generator(seed: 4, stream: "choices")
    var counts = [Int](repeating: 0, count: 256)
    for position in 0..<100_000 {
      let choice = generator.choice(at: position)
      counts[Int(choice >> 32)] += 1
      counts[Int(choice & 0xFF)] += 1
    }
    let expected = 200_000.0 / 256
    #expect(counts.allSatisfy { abs(Double($0) - expected) < 5 * expected.squareRoot() })
  }

  /// The sums of `rescaledToFullSums` are those of the magnitudes with and without what the mask drops, in the same order.
  @Test(arguments: [(0, 2048), (0, 5), (3, 100), (17, 64), (31, 1000), (32, 15)])
  func sumsUnderMasksAreThoseOfMaskedEntries(first: Int, count: Int) {
    let entries = Self.tensor(count, seed: 5) { Float($0.gaussian()) }.floats
    let mask = EntryMask(count: first + count, keeping: 0.4, Generator(seed: 6, stream: "sums"))
    var (all, kept) = (0.0, 0.0)
    kernel_sum_masked_magnitudes(entries, count, mask.words, first, &all, &kept)
    let left = entries.indices.map { mask[first + $0] ? entries[$0] : 0 }
    #expect(all == kernel_sum_magnitudes(entries, count))
    #expect(kept == kernel_sum_magnitudes(left, count))
    var masked = entries
    kernel_keep_masked(&masked, count, mask.words, first)
    #expect(masked == left)
  }

  @Test func masksKeepTheirShare() {
    let count = 1_000_001
    for share in [0.001, 0.1, 0.5, 0.9] {
      let deviation = (Double(count) * share * (1 - share)).squareRoot()
      let same = Tensor([Float](repeating: Float(share), count: count), shape: [count])
      let generator = Generator(seed: 7, stream: "mask", "\(share)")
      for mask in [EntryMask(count: count, keeping: share, generator), EntryMask(keeping: same, generator)] {
        let kept = (0..<mask.count).filter { mask[$0] }.count
        #expect(abs(Double(kept) - share * Double(count)) < 5 * deviation, "\(kept) by \(share)")
      }
    }
  }
}
