import Tensors

/// What was worked out, in order, so that gradients can go back through it.
///
/// A tape that does not record only works values out, and lets each go as soon as nobody holds it.
public final class Tape {
  public let memory: Memory
  /// Whether a backward pass is to come.
  private(set) var isRecording: Bool
  private var records: [any TapeRecord] = []
  /// How often each trainable parameter was used: its gradient is whole when as many have come back.
  private(set) var uses: [ObjectIdentifier: Int] = [:]
  /// Set while a part that was not kept is worked out again.
  private(set) var isReplaying = false

  public init(_ memory: Memory, recording: Bool) {
    self.memory = memory
    isRecording = recording
  }

  // MARK: Forward

  /// Works a primitive out.
  func apply(_ primitive: some Primitive, _ inputs: [Variable]) -> Variable {
    let operands = inputs.map(\.operand)
    let shape = primitive.shape(of: inputs.map(\.shape))
    let block = memory.block(shape.count)
    if !memory.isDry || primitive.scratch(for: inputs.map(\.shape)) > 0 {
      withScratch(primitive, inputs) { scratch in
        if !memory.isDry {
          primitive.forward(operands, into: Operand(shape: shape, floats: block.floats), scratch: scratch)
        }
      }
    }
    let isBatched = primitive.isBatched(inputs.map(\.isBatched))
    let wantsGradient = inputs.contains(where: \.needsGradient)
    if !isReplaying { for input in inputs { countUse(of: input) } }
    guard isRecording, wantsGradient else {
      return Variable(shape: shape, isBatched: isBatched, block: block, slot: wantsGradient ? GradientSlot() : nil)
    }
    let output = Variable(shape: shape, isBatched: isBatched, block: block, slot: GradientSlot())
    records.append(
      PrimitiveRecord(
        primitive: primitive, inputs: primitive.needs.contains(.inputs) ? inputs : inputs.map(\.withoutEntries),
        output: primitive.needs.contains(.output) ? output : output.withoutEntries))
    return output
  }

  /// a + b. Their gradients are the sum's own, so nothing is copied.
  func add(_ a: Variable, _ b: Variable) -> Variable {
    precondition(a.shape == b.shape, "\(a.shape) and \(b.shape) are not added")
    precondition(a.slot?.parameter == nil && b.slot?.parameter == nil, "parameters are not added to values as they are")
    let block = memory.block(a.shape.count)
    if !memory.isDry { Addition.add(a.floats, b.floats, into: block.floats) }
    let wantsGradient = a.needsGradient || b.needsGradient
    let slot = wantsGradient ? GradientSlot() : nil
    let sum = Variable(shape: a.shape, isBatched: a.isBatched || b.isBatched, block: block, slot: slot)
    if isRecording, let slot { records.append(SumRecord(inputs: [a, b].compactMap(\.slot), output: slot)) }
    return sum
  }

  /// Works a part of a network out without keeping anything but its input; the backward pass does it again.
  func recomputing(_ input: Variable, _ body: @escaping (Variable) -> Variable) -> Variable {
    guard isRecording else { return body(input) }
    isRecording = false
    defer { isRecording = true }
    let output = body(input)
    guard output.needsGradient else { return output }
    let slot = GradientSlot()
    records.append(RecomputedRecord(input: input, output: slot, body))
    return Variable(shape: output.shape, isBatched: output.isBatched, block: output.block, slot: slot)
  }

  private func countUse(of input: Variable) {
    guard let parameter = input.slot?.parameter else { return }
    uses[ObjectIdentifier(parameter), default: 0] += 1
  }

  private func withScratch(_ primitive: some Primitive, _ inputs: [Variable], _ body: (Floats) -> Void) {
    let block = memory.block(primitive.scratch(for: inputs.map(\.shape)))
    withExtendedLifetime(block) { body(block.floats) }
  }

  // MARK: Backward

  /// Sends a gradient back from a value to all parameters that it depends on.
  ///
  /// - Parameters:
  ///   - gradient: Writes that of what is looked for with respect to the value, row-major.
  ///   - sink: Takes the parameters' gradients.
  ///   - keepsTape: Whether another backward pass will follow.
  public func backward(
    from value: Variable, into sink: some GradientSink, keepsTape: Bool = false,
    gradient: (UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    precondition(isRecording, "the tape did not record")
    guard let slot = value.slot else { return }
    let block = memory.block(value.shape.count)
    if !memory.isDry { gradient(UnsafeMutableBufferPointer(start: block.floats.base, count: value.shape.count)) }
    accumulate(block, in: slot)
    run(into: sink, keepsTape: keepsTape)
    sink.finish()
  }

  private func run(into sink: some GradientSink, keepsTape: Bool) {
    if keepsTape {
      for record in records.reversed() { record.backward(self, sink) }
    } else {
      while let record = records.popLast() { record.backward(self, sink) }
    }
  }

  /// Adds to the gradient of a value.
  fileprivate func accumulate(_ block: Block, in slot: GradientSlot) {
    guard slot.gradient != nil else {
      slot.gradient = block
      return
    }
    let isAlone = isKnownUniquelyReferenced(&slot.gradient)
    guard let old = slot.gradient else { return }
    let sum = isAlone ? old : memory.block(old.floats.count)
    if !memory.isDry { Addition.add(old.floats, block.floats, into: sum.floats) }
    slot.gradient = sum
  }

  fileprivate func backward(_ record: PrimitiveRecord, gradient: Block, _ sink: some GradientSink) {
    let primitive = record.primitive
    var targets: [GradientTarget?] = record.inputs.map { _ in nil }
    var fresh: [(block: Block, slot: GradientSlot)] = []
    for (index, input) in record.inputs.enumerated() {
      guard let slot = input.slot, slot.parameter == nil else { continue }
      if primitive.addsGradients, slot.gradient != nil, isKnownUniquelyReferenced(&slot.gradient),
        let old = slot.gradient
      {
        targets[index] = GradientTarget(operand: Operand(shape: input.shape, floats: old.floats), adds: true)
      } else {
        let block = memory.block(input.shape.count)
        targets[index] = GradientTarget(operand: Operand(shape: input.shape, floats: block.floats), adds: false)
        fresh.append((block, slot))
      }
    }
    withScratch(primitive, record.inputs) { scratch in
      let step = record.step(gradient: gradient, scratch: scratch, memory)
      if !memory.isDry, targets.contains(where: { $0 != nil }) { primitive.backward(step, into: targets) }
    }
    for (block, slot) in fresh { accumulate(block, in: slot) }
    for (index, input) in record.inputs.enumerated() {
      guard let parameter = input.slot?.parameter else { continue }
      sink.take(
        ParameterUse(
          parameter: parameter, input: index, record: record, gradient: gradient, memory: memory,
          uses: uses[ObjectIdentifier(parameter)] ?? 1))
    }
  }

  fileprivate func replay(_ record: RecomputedRecord, gradient: Block, _ sink: some GradientSink) {
    let outer = records
    records = []
    isReplaying = true
    let slot = record.input.slot.map { _ in GradientSlot() }
    let input = Variable(
      shape: record.input.shape, isBatched: record.input.isBatched, block: record.input.block, slot: slot)
    if let outputSlot = record.body(input).slot {
      accumulate(gradient, in: outputSlot)
      run(into: sink, keepsTape: false)
    }
    isReplaying = false
    records = outer
    if let slot, let found = slot.gradient, let target = record.input.slot { accumulate(found, in: target) }
  }
}

/// Something on a tape that gradients go back through.
protocol TapeRecord: AnyObject {
  func backward(_ tape: Tape, _ sink: some GradientSink)
}

final class PrimitiveRecord: TapeRecord {
  let primitive: any Primitive
  let inputs: [Variable]
  let output: Variable

  init(primitive: any Primitive, inputs: [Variable], output: Variable) {
    self.primitive = primitive
    self.inputs = inputs
    self.output = output
  }

  func backward(_ tape: Tape, _ sink: some GradientSink) {
    guard let gradient = output.slot?.gradient else { return }
    output.slot?.gradient = nil
    tape.backward(self, gradient: gradient, sink)
  }

  /// The operands of the backward step; those that were let go have nothing behind them.
  func step(gradient: Block, scratch: Floats, _ memory: Memory) -> BackwardStep {
    let empty = gradient.floats
    func operand(_ value: Variable) -> Operand {
      Operand(shape: value.shape, floats: value.block?.floats ?? Floats(base: empty.base, count: value.shape.count))
    }
    return BackwardStep(
      inputs: inputs.map(operand), output: operand(output),
      gradient: Operand(shape: output.shape, floats: gradient.floats), scratch: scratch)
  }
}

private final class SumRecord: TapeRecord {
  private let inputs: [GradientSlot]
  private let output: GradientSlot

  init(inputs: [GradientSlot], output: GradientSlot) {
    self.inputs = inputs
    self.output = output
  }

  func backward(_ tape: Tape, _ sink: some GradientSink) {
    guard let gradient = output.gradient else { return }
    output.gradient = nil
    for input in inputs { tape.accumulate(gradient, in: input) }
  }
}

private final class RecomputedRecord: TapeRecord {
  let input: Variable
  let output: GradientSlot
  let body: (Variable) -> Variable

  init(input: Variable, output: GradientSlot, _ body: @escaping (Variable) -> Variable) {
    self.input = input
    self.output = output
    self.body = body
  }

  func backward(_ tape: Tape, _ sink: some GradientSink) {
    guard let gradient = output.gradient else { return }
    output.gradient = nil
    tape.replay(self, gradient: gradient, sink)
  }
}
