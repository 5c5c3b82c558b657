import CKernels
import Tensors

/// Batch norm (Ioffe and Szegedy 2015) with the statistics that training left: y = (x − mean) / √(variance + ε) · weight + bias,
/// channel by channel. Inputs: x (examples, channels, …), weight, bias, mean and variance (channels); the last two have no gradients.
struct BatchNorm: Primitive {
  let epsilon: Double

  func shape(of inputs: [Shape]) -> Shape { inputs[0] }

  private func factors(_ inputs: [Operand], _ channel: Int) -> (mean: Double, reciprocal: Double) {
    let variance = Double(inputs[4].floats.base[channel])
    return (Double(inputs[3].floats.base[channel]), 1 / (variance + epsilon).squareRoot())
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let x = inputs[0]
    let (channels, run) = (x.shape[1], x.shape.axes.dropFirst(2).reduce(1, *))
    Parallel.ranges(x.shape[0] * channels, cost: 2 * run) { planes in
      for plane in planes {
        let channel = plane % channels
        let (mean, reciprocal) = factors(inputs, channel)
        let scale = reciprocal * Double(inputs[1].floats.base[channel])
        let (a, b) = (Float(scale), Float(Double(inputs[2].floats.base[channel]) - mean * scale))
        for place in plane * run..<(plane + 1) * run { output.floats.base[place] = x.floats.base[place] * a + b }
      }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (x, gradient) = (step.inputs[0], step.gradient)
    let (channels, run) = (x.shape[1], x.shape.axes.dropFirst(2).reduce(1, *))
    for target in targets.dropFirst(3) { target?.floats.zero() }
    Parallel.ranges(channels, cost: x.shape[0] * run * 4) { range in
      for channel in range {
        let (mean, reciprocal) = factors(step.inputs, channel)
        let scale = Float(reciprocal * Double(step.inputs[1].floats.base[channel]))
        var (along, sum) = (0.0, 0.0)
        for example in 0..<x.shape[0] {
          let start = (example * channels + channel) * run
          for place in start..<start + run {
            let slope = gradient.floats.base[place]
            along += Double(slope) * (Double(x.floats.base[place]) - mean) * reciprocal
            sum += Double(slope)
            if let target = targets[0] { target.floats.base[place] = slope * scale }
          }
        }
        targets[1]?.floats.base[channel] = Float(along)
        targets[2]?.floats.base[channel] = Float(sum)
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    var result = inputs[0]
    let (channels, run) = (inputs[0].shape[1], inputs[0].shape.axes.dropFirst(2).reduce(1, *))
    for index in result.entries.indices {
      let channel = index / run % channels
      let normal =
        (inputs[0].entries[index] - inputs[3].entries[channel]) / (inputs[4].entries[channel] + epsilon).squareRoot()
      result.entries[index] = normal * inputs[1].entries[channel] + inputs[2].entries[channel]
    }
    return result
  }
}

/// The largest entry of each window. Input: (examples, channels, height, width); of equal entries the first has the gradient.
struct MaxPooling: Primitive {
  let size: Int
  let stride: Int
  let padding: Int

  func shape(of inputs: [Shape]) -> Shape {
    let x = inputs[0]
    func length(_ axis: Int) -> Int { (x[axis] + 2 * padding - size) / stride + 1 }
    return [x[0], x[1], length(2), length(3)]
  }

  /// Where the largest entry of a window lies within its plane.
  @inline(__always)
  private func largest(_ y: Int, _ x: Int, _ height: Int, _ width: Int, _ entry: (Int) -> Double) -> Int {
    var best: (place: Int, value: Double)?
    for line in max(0, y * stride - padding)..<max(0, min(height, y * stride - padding + size)) {
      for column in max(0, x * stride - padding)..<max(0, min(width, x * stride - padding + size)) {
        let place = line * width + column
        let value = entry(place)
        if best.map({ value > $0.value }) ?? true { best = (place, value) }
      }
    }
    guard let best else { preconditionFailure("a window has an entry of the image") }
    return best.place
  }

  private func forEach(
    _ input: Shape, _ planes: Range<Int>, entry: (Int) -> Double, _ body: (_ output: Int, _ input: Int) -> Void
  ) {
    let output = shape(of: [input])
    for plane in planes {
      let start = plane * input[2] * input[3]
      for y in 0..<output[2] {
        for x in 0..<output[3] {
          let place = largest(y, x, input[2], input[3]) { entry(start + $0) }
          body((plane * output[2] + y) * output[3] + x, start + place)
        }
      }
    }
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let x = inputs[0]
    Parallel.ranges(x.shape[0] * x.shape[1], cost: size * size * x.shape[2] * x.shape[3]) { planes in
      let entry: (Int) -> Double = { Double(x.floats.base[$0]) }
      forEach(x.shape, planes, entry: entry) { output.floats.base[$0] = x.floats.base[$1] }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0]?.floats else { return }
    target.zero()
    let x = step.inputs[0]
    Parallel.ranges(x.shape[0] * x.shape[1], cost: size * size * x.shape[2] * x.shape[3]) { planes in
      let entry: (Int) -> Double = { Double(x.floats.base[$0]) }
      forEach(x.shape, planes, entry: entry) { target.base[$1] += step.gradient.floats.base[$0] }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let x = inputs[0]
    var result = PlainTensor(zeros: shape(of: [x.shape]))
    let entry: (Int) -> Double = { x.entries[$0] }
    forEach(x.shape, 0..<x.shape[0] * x.shape[1], entry: entry) { result.entries[$0] = x.entries[$1] }
    return result
  }
}

/// The last two of three axes change places. Input: (examples, a, b); output: (examples, b, a).
struct Turning: Primitive {
  func shape(of inputs: [Shape]) -> Shape { [inputs[0][0], inputs[0][2], inputs[0][1]] }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    turn(inputs[0].floats, inputs[0].shape, into: output.floats)
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    if let target = targets[0] { turn(step.gradient.floats, step.gradient.shape, into: target.floats) }
  }

  private func turn(_ x: Floats, _ shape: Shape, into result: Floats) {
    let (a, b) = (shape[1], shape[2])
    Parallel.ranges(shape[0] * a, cost: b) { rows in
      for row in rows {
        let (example, line) = (row / a, row % a)
        for column in 0..<b { result.base[(example * b + column) * a + line] = x.base[row * b + column] }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let (a, b) = (inputs[0].shape[1], inputs[0].shape[2])
    var result = PlainTensor(zeros: shape(of: [inputs[0].shape]))
    for (index, entry) in inputs[0].entries.enumerated() {
      let (example, line, column) = (index / (a * b), index / b % a, index % b)
      result.entries[(example * b + column) * a + line] = entry
    }
    return result
  }
}
