import CKernels
import Tensors

/// Layer norm (Ba et al. 2016) and RMS norm (Zhang and Sennrich 2019) over the last axis.
///
/// y = (x − mean) / √(variance + ε) · (offset + weight) + bias. RMS norm takes no mean away. Gemma keeps weights that are added
/// to an `offset` of 1. Inputs: x, then the weight, then the bias, where they are there.
struct Norm: Primitive {
  let epsilon: Double
  /// Whether the mean is taken away: layer norm.
  let isCentred: Bool
  var offset: Float = 0

  func shape(of inputs: [Shape]) -> Shape { inputs[0] }

  /// Of float64 sums of weights' and biases' gradients, a pair a piece.
  func scratch(for inputs: [Shape]) -> Int { Parallel.most * 2 * (inputs[0].axes.last ?? 1) }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, width) = (inputs[0], inputs[0].width)
    let weight = inputs.count > 1 ? inputs[1].floats : nil
    let bias = inputs.count > 2 ? inputs[2].floats : nil
    Parallel.ranges(x.rows, cost: 4 * width) { rows in
      let start = rows.lowerBound * width
      kernel_norm(
        x.floats.base + start, weight?.base, bias?.base, output.floats.base + start, rows.count, width, epsilon,
        isCentred ? 1 : 0, offset)
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (x, gradient, width) = (step.inputs[0], step.gradient, step.inputs[0].width)
    if let target = targets[0] {
      let weight = step.inputs.count > 1 ? step.inputs[1].floats : nil
      Parallel.ranges(x.rows, cost: 8 * width) { rows in
        let start = rows.lowerBound * width
        kernel_norm_gradient(
          x.floats.base + start, weight?.base, gradient.floats.base + start, target.floats.base + start, rows.count,
          width, epsilon, isCentred ? 1 : 0, offset)
      }
    }
    let wanted = targets.dropFirst().map { $0?.floats }
    guard wanted.contains(where: { $0 != nil }) else { return }
    let pieces = Parallel.pieces(x.rows, cost: 4 * width)
    let sums = step.scratch[0..<pieces * 2 * width]
    sums.zero()
    Parallel.each(pieces, of: x.rows) { piece, rows in
      let start = rows.lowerBound * width
      kernel_norm_parameter_gradient(
        x.floats.base + start, gradient.floats.base + start, sums.base + 2 * piece * width,
        sums.base + (2 * piece + 1) * width, rows.count, width, epsilon, isCentred ? 1 : 0)
    }
    for (index, target) in wanted.enumerated() {
      guard let target else { continue }
      target.zero()
      kernel_add_rows(target.base, sums.base + index * width, pieces, 2 * width, width)
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    var result = inputs[0]
    let width = result.width
    for row in 0..<result.rows {
      let x = inputs[0].entries[row * width..<(row + 1) * width]
      let mean = isCentred ? x.reduce(0, +) / Double(width) : 0
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      for index in 0..<width {
        let normal = (x[row * width + index] - mean) / (variance + epsilon).squareRoot()
        let weight = inputs.count > 1 ? Double(offset) + inputs[1].entries[index] : 1
        let bias = inputs.count > 2 ? inputs[2].entries[index] : 0
        result.entries[row * width + index] = normal * weight + bias
      }
    }
    return result
  }
}
