import Testing

@testable import Tensors

@Suite struct GeneratorTests {
  /// The known answers that the authors publish with Random123.
  @Test func philoxGivesTheKnownAnswers() {
    let ones = UInt32.max
    #expect(Generator.philox((0, 0, 0, 0), (0, 0)) == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Generator.philox((ones, ones, ones, ones), (ones, ones)) == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Generator.philox((0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0))
        == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func streamsAreTheirOwn() {
    func numbers(_ generator: Generator) -> [UInt64] {
      var generator = generator
      return (0..<100).map { _ in generator.next() }
    }
    let first = numbers(Generator(seed: 1, stream: "a"))
    #expect(first == numbers(Generator(seed: 1, stream: "a")))
    for other in [
      Generator(seed: 2, stream: "a"), Generator(seed: 1, stream: "b"), Generator(seed: 1),
      Generator(seed: 1, stream: "a", ""),
    ] { #expect(Set(first).isDisjoint(with: numbers(other))) }
  }

  /// A changed sequence changes every result that was drawn from it.
  @Test func theSequenceIsWhatItWas() {
    var generator = Generator(seed: 42, stream: "dare", "model.norm.weight")
    #expect(
      (0..<4).map { _ in generator.next() }
        == [
          3_214_061_412_708_859_130, 9_931_132_003_076_562_147, 2_118_268_041_132_232_584, 4_381_011_872_904_037_899,
        ])
  }

  @Test func everyWayToUniformNumbersGivesTheSame() {
    let generator = Generator(seed: 5, stream: "uniform")
    var sequence = generator
    let numbers = (0..<3000).map { _ in sequence.uniform() }
    #expect(numbers == (0..<3000).map { generator.uniform(at: $0) })
    #expect(numbers.allSatisfy { (0..<1).contains($0) })
    for (start, count) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (7, 1000), (8, 1001), (511, 2000), (0, 3000)] {
      var filled = [Double](repeating: -1, count: count)
      filled.withUnsafeMutableBufferPointer { generator.fill($0, from: start) }
      #expect(filled == Array(numbers[start..<start + count]))
    }
    var far = [Double](repeating: -1, count: 1000)
    let start = (1 << 33) - 333
    far.withUnsafeMutableBufferPointer { generator.fill($0, from: start) }
    #expect(far == (0..<1000).map { generator.uniform(at: start + $0) })
  }

  @Test func distributionsAreWhatTheySay() {
    var generator = Generator(seed: 3, stream: "laws")
    let uniform = (0..<20_000).map { _ in generator.uniform() }
    #expect(abs(uniform.reduce(0, +) / 20_000 - 0.5) < 0.01)
    let normal = (0..<20_000).map { _ in generator.gaussian() }
    let mean = normal.reduce(0, +) / 20_000
    let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05 && normal.allSatisfy { $0.isFinite })
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[generator.integer(below: 7)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
    #expect((0..<100).allSatisfy { _ in generator.integer(below: 1) == 0 })
    #expect((0..<100).allSatisfy { _ in generator.integer(below: .max) >= 0 })
  }

  @Test func permutationsHoldEachNumberOnce() {
    var generator = Generator(seed: 3, stream: "order")
    for count in [0, 1, 2, 1000] { #expect(generator.permutation(of: count).sorted() == Array(0..<count)) }
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[generator.permutation(of: 3), default: 0] += 1 }
    #expect(counts.count == 6 && counts.values.allSatisfy { abs($0 - 1000) < 150 })
  }
}
