import CKernels
import Foundation
import Tensors

/// x + y, where y may lack x's first axis and is then added to each example. Inputs: x and y.
struct Addition: Primitive {
  func shape(of inputs: [Shape]) -> Shape {
    precondition(
      inputs[0] == inputs[1] || inputs[0].count % max(inputs[1].count, 1) == 0,
      "\(inputs[0]) and \(inputs[1]) are not added")
    return inputs[0]
  }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, y) = (inputs[0].floats, inputs[1].floats)
    guard y.count < x.count, y.count > 0 else { return Self.add(x, y, into: output.floats) }
    for start in stride(from: 0, to: x.count, by: y.count) {
      Self.add(x[start..<start + y.count], y, into: output.floats[start..<start + y.count])
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let gradient = step.gradient.floats
    targets[0]?.floats.copy(from: gradient)
    guard let target = targets[1]?.floats, target.count > 0 else { return }
    target.copy(from: gradient[0..<target.count])
    for start in stride(from: target.count, to: gradient.count, by: target.count) {
      Self.add(target, gradient[start..<start + target.count], into: target)
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let y = inputs[1].entries
    return PlainTensor(
      shape: inputs[0].shape, entries: inputs[0].entries.enumerated().map { $1 + y[$0 % y.count] })
  }

  /// Sums of entries; the result may be one of the operands.
  static func add(_ a: Floats, _ b: Floats, into result: Floats) {
    Parallel.ranges(result.count, cost: 1) { range in
      let start = range.lowerBound
      kernel_add(a.base + start, b.base + start, result.base + start, range.count)
    }
  }
}

/// x · y, entry by entry; y may lack x's first axes and then multiplies each run of its own length. Inputs: x and y.
struct Multiplication: Primitive {
  func shape(of inputs: [Shape]) -> Shape {
    precondition(inputs[0].count % max(inputs[1].count, 1) == 0, "\(inputs[0]) is not multiplied by \(inputs[1])")
    return inputs[0]
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    Self.multiply(inputs[0].floats, inputs[1].floats, into: output.floats)
  }

  /// Room for the products that are summed for a y that is shorter than x.
  func scratch(for inputs: [Shape]) -> Int { inputs[1].count }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (x, y, gradient) = (step.inputs[0].floats, step.inputs[1].floats, step.gradient.floats)
    if let target = targets[0] { Self.multiply(gradient, y, into: target.floats) }
    guard let target = targets[1]?.floats, target.count > 0 else { return }
    target.zero()
    for start in stride(from: 0, to: x.count, by: y.count) {
      let run = start..<start + y.count
      kernel_times(x[run].base, gradient[run].base, step.scratch.base, y.count)
      kernel_add(target.base, step.scratch.base, target.base, y.count)
    }
  }

  private static func multiply(_ x: Floats, _ y: Floats, into result: Floats) {
    guard y.count > 0 else { return }
    Parallel.ranges(x.count / y.count, cost: y.count) { range in
      for index in range {
        kernel_times(x.base + index * y.count, y.base, result.base + index * y.count, y.count)
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let y = inputs[1].entries
    return PlainTensor(
      shape: inputs[0].shape, entries: inputs[0].entries.enumerated().map { $1 * y[$0 % y.count] })
  }
}

/// c · x.
struct Scaling: Primitive {
  let factor: Float

  func shape(of inputs: [Shape]) -> Shape { inputs[0] }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    scale(inputs[0].floats, into: output.floats)
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    if let target = targets[0] { scale(step.gradient.floats, into: target.floats) }
  }

  private func scale(_ x: Floats, into result: Floats) {
    Parallel.ranges(x.count, cost: 1) { range in
      kernel_scale(x.base + range.lowerBound, factor, result.base + range.lowerBound, range.count)
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    PlainTensor(shape: inputs[0].shape, entries: inputs[0].entries.map { Double(factor) * $0 })
  }
}

/// c · tanh(x / c): keeps logits between −c and c (Gemma 2).
struct SoftCap: Primitive {
  let cap: Float

  func shape(of inputs: [Shape]) -> Shape { inputs[0] }

  var needs: BackwardNeeds { .output }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let x = inputs[0].floats
    Parallel.ranges(x.count, cost: 8) { range in
      kernel_soft_cap(x.base + range.lowerBound, cap, output.floats.base + range.lowerBound, range.count)
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0]?.floats else { return }
    let (y, gradient) = (step.output.floats, step.gradient.floats)
    Parallel.ranges(y.count, cost: 4) { range in
      for index in range {
        let share = y.base[index] / cap
        target.base[index] = gradient.base[index] * (1 - share * share)
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    PlainTensor(shape: inputs[0].shape, entries: inputs[0].entries.map { Double(cap) * tanh($0 / Double(cap)) })
  }
}
