import Tensors
import Testing

@testable import Networks

/// What holds for every primitive: its forward equals its plain reference, its gradients equal finite differences of that, and
/// its sums of squares equal those of each example's gradient.
struct PrimitiveLaws {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let primitive: any Primitive
    let shapes: [Shape]
    /// Which inputs have an axis of examples.
    var batched = [true]
    /// Which inputs have gradients; all where it is nil.
    var learned: Range<Int>?
    /// An input whose entries are positive.
    var positive: Int?

    init(
      _ name: String, _ primitive: any Primitive, _ shapes: [Shape], batched: [Bool]? = nil, learned: Range<Int>? = nil,
      positive: Int? = nil
    ) {
      (self.learned, self.positive) = (learned, positive)
      (testDescription, self.primitive, self.shapes) = (name, primitive, shapes)
      self.batched = batched ?? shapes.indices.map { $0 == 0 || primitive is Attention }
    }
  }

  static let cases: [Case] = [
    Case("linear", LinearLayer(), [[3, 5, 7], [4, 7], [4]]),
    Case("linear without bias", LinearLayer(), [[6, 7], [130, 7]]),
    Case("linear, one row an example", LinearLayer(), [[6, 7], [5, 7], [5]]),
    Case("linear, transposed", LinearLayer(isTransposed: true), [[3, 5, 7], [7, 4], [4]]),
    Case("linear, transposed, one row an example", LinearLayer(isTransposed: true), [[5, 7], [7, 4]]),
    Case("layer norm", Norm(epsilon: 1e-5, isCentred: true), [[3, 4, 19], [19], [19]]),
    Case("RMS norm", Norm(epsilon: 1e-6, isCentred: false), [[3, 4, 19], [19]]),
    Case("RMS norm of Gemma", Norm(epsilon: 1e-6, isCentred: false, offset: 1), [[2, 33], [33]]),
    Case("layer norm without weights", Norm(epsilon: 1e-5, isCentred: true), [[3, 19]]),
    Case("GELU", Activation.gelu, [[2, 41]]), Case("GELU by tanh", Activation.geluTanh, [[2, 41]]),
    Case("quick GELU", Activation.quickGELU, [[2, 41]]), Case("SiLU", Activation.silu, [[2, 41]]),
    Case("ReLU", Activation.relu, [[2, 41]]), Case("tanh", Activation.tanh, [[2, 41]]),
    Case("sigmoid", Activation.sigmoid, [[2, 41]]),
    Case("SwiGLU", Gate(activation: .silu), [[2, 3, 9], [2, 3, 9]], batched: [true, true]),
    Case("addition", Addition(), [[3, 4, 5], [4, 5]]),
    Case("multiplication", Multiplication(), [[3, 4, 5], [5]]),
    Case("scaling", Scaling(factor: -1.5), [[3, 5]]), Case("soft cap", SoftCap(cap: 2), [[3, 5]]),
    Case("attention", Attention(heads: 3, groups: 3, scale: 0.5), qkv(2, 5, 12, 12)),
    Case("attention, causal, grouped", Attention(heads: 4, groups: 2, isCausal: true, scale: 0.4), qkv(2, 70, 16, 8)),
    Case(
      "attention with a window", Attention(heads: 2, groups: 1, isCausal: true, window: 3, scale: 0.6), qkv(2, 67, 8, 4)
    ),
    Case(
      "attention with a window on both sides", Attention(heads: 2, groups: 2, window: 2, scale: 0.6), qkv(1, 9, 8, 8)),
    Case(
      "attention with a window that holds padding alone",
      Attention(
        heads: 2, groups: 1, isCausal: true, window: 2, scale: 0.6,
        bias: [0, 0, 0, 0, 0, 0, 0, -.infinity, -.infinity, -.infinity]), qkv(2, 5, 8, 4)),
    Case("attention with a cap", Attention(heads: 2, groups: 2, scale: 1, cap: 1.5), qkv(2, 6, 8, 8)),
    Case(
      "attention with padding",
      Attention(heads: 2, groups: 2, scale: 0.7, bias: [0, 0, 0, 0, 0, 0, 0, -.infinity, -.infinity, -.infinity]),
      qkv(2, 5, 8, 8)),
    Case(
      "attention behind keys that are known",
      Attention(heads: 2, groups: 1, isCausal: true, window: 4, scale: 0.5, first: [3, 1]),
      [[2, 2, 8], [2, 6, 4], [2, 6, 4]]),
    Case("rotation", Rotation(heads: 2, angles: RotaryAngles(positions: 6, frequencies: [[1, 0.1]])), [[3, 6, 10]]),
    Case(
      "rotation, angles of each example",
      Rotation(heads: 1, angles: RotaryAngles(positions: 4, frequencies: [[1, 0.1], [0.5, 0.2]], scale: 1.2)),
      [[2, 4, 4]]),
    Case("row replacement", RowReplacement(places: [4, 0]), [[5, 7], [2, 7]], batched: [false, false]),
    Case("lookup", Lookup([1, 4, 1, 0, 4, 4], examples: 2), [[5, 17]], batched: [false]),
    Case("pooling", Pooling(weights: [0.5, 0.5, 0, 0, 0, 1]), [[2, 3, 7]]),
    Case("convolution", Convolution(stride: 2, padding: 1), [[2, 3, 7, 6], [4, 3, 3, 3], [4]]),
    Case("convolution without bias", Convolution(stride: 1, padding: 0), [[3, 2, 4, 4], [5, 2, 2, 2]]),
    Case("batch norm", BatchNorm(epsilon: 1e-5), [[3, 4, 5, 2], [4], [4], [4], [4]], learned: 0..<3, positive: 4),
    Case("largest of windows", MaxPooling(size: 3, stride: 2, padding: 1), [[2, 3, 7, 6]]),
    Case(
      "skills, inner", SkillMixing(task: 1, isOuter: false), [[2, 3, 4, 2], [2, 6]], batched: [false, false]),
    Case(
      "skills, outer, with noise", SkillMixing(task: 0, isOuter: true, noise: [0.3, -1, 0.2, 0.5, 0, -0.4]),
      [[2, 3, 2, 5], [2, 6]], batched: [false, false]),
    Case("turning", Turning(), [[3, 4, 5]]),
    Case("columns", Columns(range: 2..<5), [[2, 3, 7]]),
    Case("picking", Picking(places: [5, 0, nil, 3, 3, 1], result: [2, 3]), [[2, 3]], batched: [false]),
    Case("Kronecker product", KroneckerProduct(), [[2, 3], [4, 5]], batched: [false, false]),
    Case("factors to lengths", LengthFactors(), [[3], [3, 7]], batched: [false, false]),
    Case("prefixing", Prefixing(), [[2, 3, 7], [7]]),
  ]

  private static func qkv(_ examples: Int, _ places: Int, _ query: Int, _ key: Int) -> [Shape] {
    [[examples, places, query], [examples, places, key], [examples, places, key]]
  }

  private func inputs(_ test: Case) -> [PlainTensor] {
    test.shapes.enumerated().map { index, shape in
      var generator = Generator(seed: index, stream: "primitive", test.testDescription)
      // Numbers that float32 holds exactly, so that both sides start from the same.
      return PlainTensor(
        shape: shape,
        entries: (0..<shape.count).map { _ in
          let entry = Double(Float(generator.gaussian()))
          return index == test.positive ? abs(entry) + 0.5 : entry
        })
    }
  }

  /// - Parameter learnsAll: Whether batched inputs have gradients too, which only parameters can show.
  private func variables(
    _ test: Case, _ inputs: [PlainTensor], learnsAll: Bool = true
  ) -> (tape: Tape, parameters: [Parameter], output: Variable) {
    let tape = Tape(Memory(), recording: true)
    let parameters = inputs.enumerated().map { index, input in
      Parameter("\(index)", Tensor(input.entries.map { Float($0) }, shape: input.shape), isTrainable: true)
    }
    let values = zip(parameters, test.batched).map { parameter, isBatched in
      let value = parameter.value
      guard isBatched else { return value }
      return Variable(shape: value.shape, isBatched: true, block: value.block, slot: learnsAll ? value.slot : nil)
    }
    return (tape, parameters, tape.apply(test.primitive, values))
  }

  /// What the gradient is taken of: a random combination of the outputs.
  private func combination(_ test: Case, _ count: Int) -> [Double] {
    var generator = Generator(seed: 7, stream: "combination", test.testDescription)
    return (0..<count).map { _ in Double(Float(generator.gaussian())) }
  }

  @Test(arguments: cases) func `a primitive equals its reference`(_ test: Case) {
    let inputs = inputs(test)
    let output = variables(test, inputs).output
    let expected = test.primitive.reference(inputs)
    #expect(output.shape == expected.shape)
    let worst = zip(output.entries, expected.entries).map { abs(Double($0) - $1) / max(1, abs($1)) }.max() ?? 0
    #expect(worst < 3e-6)
  }

  @Test(arguments: cases) func `gradients are those of finite differences`(_ test: Case) {
    let inputs = inputs(test)
    let (tape, parameters, output) = variables(test, inputs)
    let weights = combination(test, output.shape.count)
    let sink = SummedGradients(tape.memory)
    tape.backward(from: output, into: sink) { gradient in
      for (index, weight) in weights.enumerated() { gradient[index] = Float(weight) }
    }
    for (number, parameter) in parameters.enumerated() where test.learned?.contains(number) ?? true {
      guard let gradient = sink.gradient(of: parameter)?.floats else {
        Issue.record("input \(number) got no gradient")
        continue
      }
      // Some of the entries of a large input.
      for entry in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 60)) {
        let difference = difference(test, inputs, number, entry, weights)
        #expect(
          abs(Double(gradient[entry]) - difference) < 2e-5 * max(1, abs(difference)), "input \(number), entry \(entry)")
      }
    }
  }

  private func difference(
    _ test: Case, _ inputs: [PlainTensor], _ number: Int, _ entry: Int, _ weights: [Double]
  ) -> Double {
    func value(_ shift: Double) -> Double {
      var changed = inputs
      changed[number].entries[entry] += shift
      return zip(test.primitive.reference(changed).entries, weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let step = 1e-5
    return (value(step) - value(-step)) / (2 * step)
  }

  @Test(arguments: cases) func `squares are those of each example's gradient`(_ test: Case) {
    let inputs = inputs(test)
    let (tape, parameters, output) = variables(test, inputs, learnsAll: false)
    guard output.isBatched, output.needsGradient else { return }
    let weights = combination(test, output.shape.count)
    let sink = SquaredGradients(tape.memory)
    tape.backward(from: output, into: sink) { gradient in
      for (index, weight) in weights.enumerated() { gradient[index] = Float(weight) }
    }
    let examples = output.shape[0]
    let each = output.shape.count / examples
    for (number, parameter) in parameters.enumerated() where !test.batched[number] {
      var expected = [Double](repeating: 0, count: parameter.count)
      for example in 0..<examples {
        // The gradient of this example's outputs alone.
        let (tape, parameters, output) = variables(test, inputs, learnsAll: false)
        let alone = SummedGradients(tape.memory)
        tape.backward(from: output, into: alone) { gradient in
          for index in gradient.indices { gradient[index] = index / each == example ? Float(weights[index]) : 0 }
        }
        for (entry, value) in (alone.gradient(of: parameters[number])?.floats ?? []).enumerated() {
          expected[entry] += Double(value) * Double(value)
        }
      }
      let found = sink.squares(of: parameter) ?? []
      #expect(found.count == expected.count)
      let worst = zip(found, expected).map { abs($0 - $1) / max(1e-2, $1) }.max() ?? 0
      #expect(worst < 1e-5, "input \(number)")
    }
  }
}
