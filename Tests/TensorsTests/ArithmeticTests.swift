import Testing

@testable import Tensors

@Suite struct ArithmeticTests {
  static func random(_ count: Int, _ stream: String) -> [Float] {
    var generator = Generator(seed: 7, stream: stream)
    return (0..<count).map { _ in Float(generator.gaussian()) }
  }

  static let lengths = [0, 1, 7, 2047, 2048, 2049, 5001]

  @Test(arguments: lengths, ConversionTests.floatTypes) func weightedSumEqualsThePlainOne(count: Int, dtype: DType) {
    let operands = (0..<3).map { Tensor(Self.random(count, "operand \($0)"), shape: [count]).converted(to: dtype) }
    let weights = [0.25, -1.5, 3]
    let sum = Tensor.weightedSum(operands, weights: weights)
    let values = operands.map(\.floats)
    let plain = (0..<count).map { index in
      zip(values, weights).reduce(Float(0)) { $0 + Float($1.1) * $1.0[index] }
    }
    #expect(sum.dtype == .f32 && sum.floats == plain)
  }

  /// Every kind of float: normal, subnormal, zeros of both signs, the largest, infinities.
  static let nasty: [Float] =
    random(3001, "copies") + ConversionTests.walk.prefix(20_000).map { Float(bitPattern: $0) }.filter { !$0.isNaN }
    + [0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -.leastNormalMagnitude]

  @Test(arguments: 1...9) func averagingCopiesGivesTheirBits(copies: Int) {
    let tensor = Tensor(Self.nasty, shape: [Self.nasty.count])
    for weights in [
      Array(repeating: 1 / Double(copies), count: copies),
      (1...copies).map { Double(2 * $0) / Double(copies * (copies + 1)) },
    ] {
      let average = Tensor.weightedSum(Array(repeating: tensor, count: copies), weights: weights)
      #expect(average.floats.map(\.bitPattern) == Self.nasty.map(\.bitPattern))
    }
    let averages = Tensor.precisionWeightedAverage(
      (1...copies).map { PrecisionOperand(values: tensor, precisions: 0 * tensor, weight: Double($0), floor: 1e-6) })
    #expect(zip(averages.average.floats, Self.nasty).allSatisfy { !$1.isFinite || $0.bitPattern == $1.bitPattern })
  }

  @Test func nonsenseSpreads() {
    let sum = Tensor.weightedSum(
      [Tensor([.nan, .infinity, 1], shape: [3]), Tensor([1, -.infinity, .nan], shape: [3])], weights: [0.5, 0.5])
    #expect(sum.floats.allSatisfy { $0.isNaN })
  }

  @Test(arguments: lengths) func sumsDifferencesAndMultiplesAreThePlainOnes(count: Int) {
    let (a, b) = (Self.random(count, "a"), Self.random(count, "b"))
    let (x, y) = (Tensor(a, shape: [count]), Tensor(b, shape: [count]))
    #expect((x + y).floats == zip(a, b).map { $0 + $1 })
    #expect((x - y).floats == zip(a, b).map { $0 - $1 })
    #expect((0.1 * x).floats == a.map { 0.1 * $0 })
    #expect((x.converted(to: .bf16) - y).floats == zip(x.converted(to: .bf16).floats, b).map { $0 - $1 })
    #expect((x - x).floats.allSatisfy { $0.bitPattern == 0 })
  }

  @Test(arguments: lengths) func dotProductIsExactTo1e12(count: Int) {
    let (a, b) = (Self.random(count, "a"), Self.random(count, "b"))
    let plain = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let dot = Tensor.gram([Tensor(a, shape: [count]), Tensor(b, shape: [count])])[0, 1]
    #expect(abs(dot - plain) <= 1e-12 * Double(max(count, 1)))
    let norm = Tensor(a, shape: [count]).norm
    #expect(abs(norm * norm - a.reduce(0.0) { $0 + Double($1) * Double($1) }) <= 1e-12 * Double(max(count, 1)))
  }

  /// The sum of 1...n is a whole number, so that every order gives it; squares of huge entries stay within float64.
  @Test func dotProductTakesEveryEntryOnce() {
    let count = 5001
    let numbers = Tensor((1...count).map(Float.init), shape: [count])
    #expect(Tensor.gram([numbers, Tensor([Float](repeating: 1, count: count), shape: [count])])[0, 1] == 12_507_501)
    #expect(Tensor([Float](repeating: 3e38, count: 4), shape: [2, 2]).norm == 2 * Double(Float(3e38)))
  }
}

@Suite struct PrecisionTests {
  private func one(_ entries: [Float]) -> Tensor { Tensor(entries, shape: [entries.count]) }

  @Test func precisionsDecideTheAverage() {
    let made = Tensor.precisionWeightedAverage([
      PrecisionOperand(values: one([1, 1, 1, 5, -0.0]), precisions: one([1, 0, 3, 0, 0]), weight: 1),
      PrecisionOperand(values: one([3, 3, 3, 6, 1]), precisions: one([1, 1, 1, 0, 0]), weight: 1),
    ])
    #expect(made.average.floats.map(\.bitPattern) == ([2, 3, 1.5, 5, -0.0] as [Float]).map(\.bitPattern))
    #expect(made.kept == 2)
  }

  @Test func floorsAndOffsetsAreEachOperandsOwn() {
    let made = Tensor.precisionWeightedAverage([
      PrecisionOperand(values: one([1, 1]), precisions: one([0, 2]), weight: 1, floor: 1),
      PrecisionOperand(values: one([3, 3]), precisions: one([0, 2]), weight: 3, offset: 1),
    ])
    #expect(made.average.floats == [2.5, Float(29.0 / 11.0)])
    #expect(made.kept == 0)
  }

  @Test(arguments: ArithmeticTests.lengths, [DType.f32, .bf16]) func equalsThePlainFormula(count: Int, dtype: DType) {
    let weights = [0.2, 0.5, 1.3]
    let operands = weights.enumerated().map { number, weight in
      let precisions = ArithmeticTests.random(count, "F\(number)").map { max(0, $0) * 1e-6 }
      return PrecisionOperand(
        values: Tensor(ArithmeticTests.random(count, "v\(number)"), shape: [count]).converted(to: dtype),
        precisions: Tensor(precisions, shape: [count]), weight: weight, floor: number == 1 ? 1e-7 : 0)
    }
    let made = Tensor.precisionWeightedAverage(operands)
    let values = operands.map(\.values.floats)
    let precisions = operands.map(\.precisions.floats)
    let floats = made.average.floats
    for index in 0..<count {
      var (sum, total) = (0.0, 0.0)
      for (k, operand) in operands.enumerated() {
        let share = operand.weight * max(Double(precisions[k][index]), operand.floor)
        sum += share * Double(values[k][index])
        total += share
      }
      #expect(floats[index] == Float(sum / total))
    }
  }

  @Test func anUnknownPrecisionIsNotHidden() {
    let made = Tensor.precisionWeightedAverage([
      PrecisionOperand(values: one([1]), precisions: one([.nan]), weight: 1, floor: 1e-6),
      PrecisionOperand(values: one([2]), precisions: one([1]), weight: 1),
    ])
    #expect(made.average.floats[0].isNaN && made.kept == 0)
  }
}
