import Testing

@testable import Tensors

@Suite struct ArithmeticTests {
  static func random(_ count: Int, _ stream: String) -> [Float] {
    var generator = Generator(seed: 7, stream)
    return (0..<count).map { _ in Float(generator.gaussian()) }
  }

  @Test(arguments: [0, 1, 7, 2048, 5001]) func weightedSumEqualsThePlainOne(count: Int) {
    let operands = (0..<3).map { Self.random(count, "operand \($0)") }
    let weights = [0.25, -1.5, 3]
    let sum = Tensor.weightedSum(operands.map { Tensor($0, shape: [count]) }, weights: weights).floats
    for index in 0..<count {
      let plain = zip(operands, weights).reduce(0.0) { $0 + $1.1 * Double($1.0[index]) }
      #expect(sum[index] == Float(plain))
    }
  }

  @Test func averagingCopiesGivesTheOriginal() {
    let entries = Self.random(3001, "copies") + ConversionTests.random.filter(\.isFinite)
    let tensor = Tensor(entries, shape: [entries.count])
    for copies in 1...7 {
      let average = Tensor.weightedSum(
        Array(repeating: tensor, count: copies), weights: Array(repeating: 1 / Double(copies), count: copies))
      #expect(average.floats == entries)
    }
  }

  @Test(arguments: [0, 1, 7, 8, 2049]) func dotProductIsExactTo1e12(count: Int) {
    let (a, b) = (Self.random(count, "a"), Self.random(count, "b"))
    let plain = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let dot = Tensor.dot(Tensor(a, shape: [count]), Tensor(b, shape: [count]))
    #expect(abs(dot - plain) <= 1e-12 * Double(max(count, 1)))
  }

  @Test func precisionsDecideTheAverage() {
    func one(_ entries: [Float]) -> Tensor { Tensor(entries, shape: [entries.count]) }
    let average = Tensor.precisionWeightedAverage(
      [one([1, 1, 1, 5]), one([3, 3, 3, 6])], precisions: [one([1, 0, 3, 0]), one([1, 1, 1, 0])], weights: [1, 1],
      floors: [0, 0], offsets: [0, 0])
    #expect(average.floats == [2, 3, 1.5, 5])
    let floored = Tensor.precisionWeightedAverage(
      [one([1]), one([3])], precisions: [one([0]), one([0])], weights: [1, 3], floors: [1e-6, 1e-6], offsets: [0, 0])
    #expect(floored.floats == [2.5])
  }

  @Test(arguments: [(3, 4, 5), (1, 1, 1), (8, 3, 2)]) func productsEqualThePlainOnes(rows: Int, columns: Int, inner: Int) {
    let (a, b) = (Self.random(rows * inner, "left"), Self.random(inner * columns, "right"))
    for (transposingA, transposingB) in [(false, false), (true, false), (false, true), (true, true)] {
      var result = [Float](repeating: 0, count: rows * columns)
      result.withUnsafeMutableBufferPointer { result in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            BLAS.multiply(
              a, transposingA: transposingA, b, transposingB: transposingB, into: result, rows: rows, columns: columns,
              inner: inner)
          }
        }
      }
      for row in 0..<rows {
        for column in 0..<columns {
          let plain = (0..<inner).reduce(0.0) { sum, k in
            let left = a[transposingA ? k * rows + row : row * inner + k]
            let right = b[transposingB ? column * inner + k : k * columns + column]
            return sum + Double(left) * Double(right)
          }
          #expect(abs(Double(result[row * columns + column]) - plain) < 1e-5)
        }
      }
    }
  }
}

@Suite struct GeneratorTests {
  /// Known answers of Random123's `kat_vectors`.
  @Test func philoxGivesTheKnownAnswers() {
    #expect(Generator.philox(counter: [0, 0, 0, 0], key: (0, 0)) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = UInt32.max
    #expect(
      Generator.philox(counter: [ones, ones, ones, ones], key: (ones, ones))
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
  }

  @Test func streamsAreTheirOwn() {
    var first = Generator(seed: 1, "a")
    var again = Generator(seed: 1, "a")
    var other = Generator(seed: 1, "b")
    let numbers = (0..<100).map { _ in first.next() }
    #expect(numbers == (0..<100).map { _ in again.next() })
    #expect(Set(numbers).isDisjoint(with: (0..<100).map { _ in other.next() }))
  }

  @Test func permutationsAndGaussiansAreWhatTheySay() {
    var generator = Generator(seed: 3, "laws")
    #expect(generator.permutation(of: 1000).sorted() == Array(0..<1000))
    #expect(generator.permutation(of: 0).isEmpty)
    let numbers = (0..<20_000).map { _ in generator.gaussian() }
    let mean = numbers.reduce(0, +) / 20_000
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
  }
}
