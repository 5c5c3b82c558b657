import CKernels
import Tensors

/// A weighted sum of each example's places: the first place, the last one, or the mean of those that count.
///
/// Input: (examples, places, width); output: (examples, width).
struct Pooling: Primitive {
  /// A weight for each place of each example.
  let weights: [Float]

  func shape(of inputs: [Shape]) -> Shape {
    precondition(inputs[0][0] * inputs[0][1] == weights.count, "every place of \(inputs[0]) has a weight")
    return [inputs[0][0], inputs[0][2]]
  }

  var needs: BackwardNeeds { [] }

  func narrowed(toExample index: Int, of count: Int) -> Pooling {
    let places = weights.count / count
    return Pooling(weights: Array(weights[index * places..<(index + 1) * places]))
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, places, width) = (inputs[0], inputs[0].shape[1], inputs[0].width)
    output.floats.zero()
    Parallel.ranges(inputs[0].shape[0], cost: places * width) { examples in
      for example in examples {
        for place in example * places..<(example + 1) * places where weights[place] != 0 {
          kernel_add_multiple(
            output.floats.base + example * width, x.floats.base + place * width, weights[place], width)
        }
      }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0] else { return }
    let (places, width) = (target.operand.shape[1], target.operand.width)
    Parallel.ranges(weights.count, cost: width) { range in
      for place in range {
        kernel_scale(
          step.gradient.floats.base + place / places * width, weights[place], target.floats.base + place * width, width)
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let (places, width) = (inputs[0].shape[1], inputs[0].width)
    var result = PlainTensor(zeros: shape(of: inputs.map(\.shape)))
    for (place, weight) in weights.enumerated() {
      for index in 0..<width {
        result.entries[place / places * width + index] += Double(weight) * inputs[0].entries[place * width + index]
      }
    }
    return result
  }
}

/// Puts a row that all examples share before each example's places, as ViT does with its class token.
///
/// Inputs: (examples, places, width) and the row (width); output: (examples, places + 1, width).
struct Prefixing: Primitive {
  func shape(of inputs: [Shape]) -> Shape { [inputs[0][0], inputs[0][1] + 1, inputs[0][2]] }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (run, width) = (inputs[0].shape[1] * inputs[0].width, inputs[0].width)
    for example in 0..<inputs[0].shape[0] {
      let start = output.floats.base + example * (run + width)
      start.update(from: inputs[1].floats.base, count: width)
      start.advanced(by: width).update(from: inputs[0].floats.base + example * run, count: run)
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (run, width) = (step.inputs[0].shape[1] * step.gradient.width, step.gradient.width)
    targets[1]?.floats.zero()
    for example in 0..<step.gradient.shape[0] {
      let start = step.gradient.floats.base + example * (run + width)
      if let target = targets[1]?.floats.base { kernel_add(target, start, target, width) }
      targets[0]?.floats.base.advanced(by: example * run).update(from: start + width, count: run)
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let run = inputs[0].shape[1] * inputs[0].width
    let entries = (0..<inputs[0].shape[0]).flatMap { inputs[1].entries + inputs[0].entries[$0 * run..<($0 + 1) * run] }
    return PlainTensor(shape: shape(of: inputs.map(\.shape)), entries: entries)
  }
}
