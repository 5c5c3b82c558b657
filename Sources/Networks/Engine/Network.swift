import Diagnostics
import Tensors

/// A network with its weights, ready to run.
public final class Network {
  public let blueprint: Blueprint
  public let weights: Weights
  /// Is kept from pass to pass, so that buffers are used again.
  public let memory = Memory()

  init(_ blueprint: Blueprint, _ weights: Weights) {
    self.blueprint = blueprint
    self.weights = weights
  }

  /// Runs forward and lets everything go but the output.
  public func output(_ batch: Batch, observer: ((String, Variable) -> Void)? = nil) -> Variable {
    let pass = Pass(Tape(memory, recording: false), weights)
    pass.observer = observer
    return output(pass, batch)
  }

  /// Runs forward on a pass of the caller's.
  public func output(_ pass: Pass, _ batch: Batch) -> Variable {
    let hidden = blueprint.architecture.hidden(pass, batch)
    guard let output = blueprint.architecture.output(blueprint.head, hidden, pass, batch) else {
      preconditionFailure("a blueprint's head is one that its architecture has")
    }
    return output
  }

  /// Bytes that a pass over a batch takes at its peak, without the weights: found by a dry run.
  ///
  /// - Parameters:
  ///   - backward: What takes the gradients; nil for a forward pass.
  ///   - recomputes: Whether blocks are worked out again in the backward pass.
  public func peak(of batch: Batch, backward: ((Memory) -> any GradientSink)? = nil, recomputes: Bool = false) -> Int {
    let memory = Memory(isDry: true)
    let pass = Pass(Tape(memory, recording: backward != nil), weights.dry, recomputes: recomputes)
    let output = output(pass, batch)
    if let sink = backward?(memory) { pass.tape.backward(from: output, into: sink) { _ in } }
    return memory.peak
  }
}
