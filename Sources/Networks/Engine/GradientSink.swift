import CKernels
import Tensors

/// Takes the gradients of parameters as a backward pass finds them.
public protocol GradientSink: AnyObject {
  /// The gradient through one use of a parameter. A parameter that is used several times comes as often.
  func take(_ use: ParameterUse)

  /// A backward pass is over.
  func finish()
}

extension GradientSink {
  public func finish() {}
}

/// The gradient that comes to a parameter through one place where it is used, not yet worked out.
public struct ParameterUse {
  public let parameter: Parameter
  /// Which of the primitive's inputs the parameter is.
  let input: Int
  let record: PrimitiveRecord
  let gradient: Block
  let memory: Memory
  /// How many uses the parameter has in all.
  public let uses: Int

  /// Examples in the batch.
  public var examples: Int { record.output.isBatched ? record.output.shape[0] : 1 }

  /// Works the gradient out, summed over the batch.
  /// - Parameter adds: Whether it is added to what the target holds.
  func gradient(into target: Floats, adds: Bool) {
    write(record.primitive, target, adds: adds) { step, scratch, memory in
      record.step(gradient: gradient, scratch: scratch, memory)
    }
  }

  /// Works the gradient of one example out.
  func gradient(ofExample index: Int, into target: Floats, adds: Bool) {
    let examples = examples
    guard record.output.isBatched else {
      preconditionFailure("`\(parameter.name)` goes through a step that all examples share")
    }
    let narrowed = record.primitive.narrowed(toExample: index, of: examples)
    write(narrowed, target, adds: adds) { step, scratch, memory in
      let whole = record.step(gradient: gradient, scratch: scratch, memory)
      return BackwardStep(
        inputs: zip(whole.inputs, record.inputs).map { $1.isBatched ? $0.example(index) : $0 },
        output: whole.output.example(index), gradient: whole.gradient.example(index), scratch: scratch)
    }
  }

  /// Adds the squares of all examples' gradients in the fastest way that the primitive has.
  /// - Returns: False where it has none.
  func addSquares(to sums: UnsafeMutableBufferPointer<Double>) -> Bool {
    guard !memory.isDry else { return false }
    let block = memory.block(record.primitive.squaresScratch(for: record.inputs.map(\.shape), examples: examples))
    let step = record.step(gradient: gradient, scratch: block.floats, memory)
    return record.primitive.addSquares(of: input, step, examples: examples, to: sums)
  }

  private func write(
    _ primitive: any Primitive, _ target: Floats, adds: Bool,
    step: (ParameterUse, Floats, Memory) -> BackwardStep
  ) {
    let scratch = memory.block(primitive.scratch(for: record.inputs.map(\.shape)))
    let isDirect = !adds || primitive.addsGradients
    let block = isDirect ? nil : memory.block(target.count)
    guard !memory.isDry else { return }
    var targets: [GradientTarget?] = record.inputs.map { _ in nil }
    let operand = Operand(shape: parameterShape, floats: block?.floats ?? target)
    targets[input] = GradientTarget(operand: operand, adds: adds && isDirect)
    primitive.backward(step(self, scratch.floats, memory), into: targets)
    if let block { Addition.add(target, block.floats, into: target) }
    withExtendedLifetime(scratch) {}
  }

  /// The shape under which the primitive sees the parameter.
  private var parameterShape: Shape { record.inputs[input].shape }
}
