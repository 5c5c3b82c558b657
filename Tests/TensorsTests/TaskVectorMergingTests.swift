import Testing

@testable import Tensors

@Suite struct TaskVectorMergingTests {
  private func tensor(_ seed: Int, _ dtype: DType, count: Int = 5003) -> Tensor {
    var generator = Generator(seed: seed, stream: "task vector")
    return Tensor((0..<count).map { _ in Float(generator.gaussian()) }, shape: [count]).converted(to: dtype)
  }

  /// Models and base may be stored in any of the floats, each in its own.
  @Test func dtypesMayDiffer() {
    let base = tensor(0, .f16)
    let models = [tensor(1, .bf16), tensor(2, .f32), tensor(3, .f16), tensor(4, .f64)]
    for election in [TaskVectorRule.Election.none, .mass, .count, .unweighted(zeroIsNegative: true)] {
      for combination in [TaskVectorRule.Combination.sum, .sum(normalized: true), .average(least: 0.5), .largest] {
        let rule = TaskVectorRule(election, combination, scale: 0.7)
        func merged(_ change: (Tensor) -> Tensor) -> Tensor {
          TaskVector.merged(
            models.map { TaskVector(change($0), minus: change(base)) }, weights: [1, -0.5, 0, 2], rule)
        }
        #expect(merged { $0 }.floats == merged { $0.converted(to: .f32) }.floats, "\(election) \(combination)")
      }
    }
  }

  @Test func nothingAddedKeepsTheBaseAsItIs() {
    let base = Tensor([-0.0, 0, 1] as [Float], shape: [3])
    let zeros = TaskVector(base, minus: base)
    for election in [TaskVectorRule.Election.none, .mass, .count, .unweighted(zeroIsNegative: true)] {
      for scale in [1.0, -1] {
        let merged = TaskVector.merged([zeros, zeros], weights: [1, -1], TaskVectorRule(election, .sum, scale: scale))
        #expect(merged.floats.map(\.bitPattern) == base.floats.map(\.bitPattern))
      }
    }
  }

  @Test func sumsOfMagnitudesComeBack() {
    let (base, model) = (tensor(0, .bf16), tensor(1, .bf16))
    let cut = Magnitudes(model, minus: base).cut(keeping: 700)
    let kept = TaskVector(model, minus: base, kept: .between(above: cut, notAbove: .nothing))
    let zeros = TaskVector.merged(TaskVector.rescaledToFullSums([kept]), weights: [1], TaskVectorRule(.none, .sum))
    let moved = zip(zeros.doubles, base.doubles).reduce(0) { $0 + abs($1.0 - $1.1) }
    let all = zip(model.doubles, base.doubles).reduce(0) { $0 + abs($1.0 - $1.1) }
    #expect(abs(moved - all) < 1e-4 * all)
    #expect(zip(zeros.floats, base.floats).filter { $0 != $1 }.count == 700)
  }

  @Test func productsOfRowsAddUp() {
    let shape: Shape = [3, 1667]
    let (base, models) = (tensor(0, .bf16, count: 5001), [tensor(1, .bf16, count: 5001), tensor(2, .f32, count: 5001)])
    let rows = TaskVector.gram(
      of: models.map { $0.reshaped(shape) }, minus: base.reshaped(shape), rowLength: 1667)
    let whole = TaskVector.gram(of: models, minus: base, rowLength: 5001)
    for pair in 0..<4 {
      #expect(abs(rows[pair] + rows[4 + pair] + rows[8 + pair] - whole[pair]) < 1e-9 * abs(whole[0]))
    }
    let plain = zip(zip(models[0].doubles, models[1].doubles), base.doubles).reduce(0.0) { sum, entry in
      let first = Double(Float(entry.0.0) - Float(entry.1))
      return sum + first * Double(Float(entry.0.1) - Float(entry.1))
    }
    #expect(abs(whole[1] - plain) < 1e-9 * abs(whole[0]))
  }
}
