import Foundation
import Tensors

/// A factor of a layer whose skills are mixed for a task (Poly, Ponti et al. 2023; MHR, Caccia et al. 2023).
///
/// Inputs: the bank, (splits, skills, in / splits, r) of the inner factor or (splits, skills, r, out / splits) of the outer one, and
/// the router (tasks, splits · skills). Output: (r, in) or (out, r). With ẑ = σ(z), or σ(z + log u − log(1 − u)) where there is noise
/// u, each split takes w = ẑ / (Σ ẑ + 10⁻¹²) of its skills.
struct SkillMixing: Primitive {
  let task: Int
  /// Whether it is the outer factor.
  let isOuter: Bool
  /// log u − log(1 − u) for each split's skills; empty without noise.
  var noise: [Double] = []

  private struct Sizes {
    let splits, skills, height, width: Int

    init(_ bank: Shape) { (splits, skills, height, width) = (bank[0], bank[1], bank[2], bank[3]) }
  }

  func shape(of inputs: [Shape]) -> Shape {
    let sizes = Sizes(inputs[0])
    return isOuter ? [sizes.splits * sizes.width, sizes.height] : [sizes.width, sizes.splits * sizes.height]
  }

  func isBatched(_ inputs: [Bool]) -> Bool { false }

  /// Where an entry of a split's mixed bank lies in the factor.
  private func place(_ split: Int, _ row: Int, _ column: Int, _ sizes: Sizes) -> Int {
    isOuter
      ? (split * sizes.width + column) * sizes.height + row
      : column * sizes.splits * sizes.height + split * sizes.height + row
  }

  /// ẑ and w of each split's skills.
  private func weights(_ logits: (Int) -> Double, _ sizes: Sizes) -> (open: [Double], shares: [Double], sums: [Double])
  {
    let start = task * sizes.splits * sizes.skills
    let open = (0..<sizes.splits * sizes.skills).map { index in
      1 / (1 + exp(-(logits(start + index) + (noise.isEmpty ? 0 : noise[index]))))
    }
    let sums = (0..<sizes.splits).map { split in
      open[split * sizes.skills..<(split + 1) * sizes.skills].reduce(0, +) + 1e-12
    }
    return (open, open.indices.map { open[$0] / sums[$0 / sizes.skills] }, sums)
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let sizes = Sizes(inputs[0].shape)
    let shares = weights({ Double(inputs[1].floats.base[$0]) }, sizes).shares
    let bank = inputs[0].floats.base
    for split in 0..<sizes.splits {
      for row in 0..<sizes.height {
        for column in 0..<sizes.width {
          var sum = 0.0
          for skill in 0..<sizes.skills {
            let index = ((split * sizes.skills + skill) * sizes.height + row) * sizes.width + column
            sum += shares[split * sizes.skills + skill] * Double(bank[index])
          }
          output.floats.base[place(split, row, column, sizes)] = Float(sum)
        }
      }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let sizes = Sizes(step.inputs[0].shape)
    let (open, shares, sums) = weights({ Double(step.inputs[1].floats.base[$0]) }, sizes)
    let bank = step.inputs[0].floats.base
    var slopes = [Double](repeating: 0, count: shares.count)
    for split in 0..<sizes.splits {
      for skill in 0..<sizes.skills {
        let number = split * sizes.skills + skill
        for row in 0..<sizes.height {
          for column in 0..<sizes.width {
            let gradient = step.gradient.floats.base[place(split, row, column, sizes)]
            let index = (number * sizes.height + row) * sizes.width + column
            slopes[number] += Double(gradient) * Double(bank[index])
            targets[0]?.floats.base[index] = Float(shares[number]) * gradient
          }
        }
      }
    }
    guard let target = targets[1]?.floats else { return }
    target.zero()
    let start = task * sizes.splits * sizes.skills
    for split in 0..<sizes.splits {
      let range = split * sizes.skills..<(split + 1) * sizes.skills
      let mean = range.reduce(0) { $0 + slopes[$1] * shares[$1] }
      for index in range {
        let slope = (slopes[index] - mean) / sums[split]
        target.base[start + index] = Float(slope * open[index] * (1 - open[index]))
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let sizes = Sizes(inputs[0].shape)
    let shares = weights({ inputs[1].entries[$0] }, sizes).shares
    var result = PlainTensor(zeros: shape(of: inputs.map(\.shape)))
    for (index, entry) in inputs[0].entries.enumerated() {
      let (number, inner) = index.quotientAndRemainder(dividingBy: sizes.height * sizes.width)
      let (row, column) = inner.quotientAndRemainder(dividingBy: sizes.width)
      result.entries[place(number / sizes.skills, row, column, sizes)] += shares[number] * entry
    }
    return result
  }
}
