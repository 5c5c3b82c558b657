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

  /// Shows the inputs of linear layers, and runs only as much of the network as they need: the head where it is one of them.
  /// - Parameters:
  ///   - blocks: The blocks that are run; all where it is nil.
  ///   - start: What goes into the first of them, where that is not the network's first.
  public func observe(
    _ batch: Batch, inputsOf paths: Set<String>, blocks: Range<Int>? = nil, from start: Variable? = nil,
    _ observer: (String, Variable) -> Void
  ) {
    let pass = Pass(Tape(memory, recording: false), weights)
    pass.stretch = blocks.map { BlockStretch($0, from: start) }
    var seen: Set<String> = []
    withoutActuallyEscaping(observer) { observer in
      pass.observer = { path, input in
        guard paths.contains(path) else { return }
        seen.insert(path)
        observer(path, input)
      }
      let hidden = blueprint.architecture.hidden(pass, batch)
      if seen != paths { _ = blueprint.architecture.output(blueprint.head, hidden, pass, batch) }
      pass.observer = nil
    }
  }

  /// What comes out of some blocks, one after the other.
  /// - Parameter start: What goes into the first of them; nil where that is the network's first.
  public func output(_ batch: Batch, of blocks: Range<Int>, from start: Variable?) -> Variable? {
    let pass = Pass(Tape(memory, recording: false), weights)
    let stretch = BlockStretch(blocks, from: start)
    pass.stretch = stretch
    _ = blueprint.architecture.hidden(pass, batch)
    return stretch.end ?? start
  }

  /// Runs forward on a pass of the caller's.
  public func output(_ pass: Pass, _ batch: Batch) -> Variable {
    let hidden = blueprint.architecture.hidden(pass, batch)
    guard let output = blueprint.architecture.output(blueprint.head, hidden, pass, batch) else {
      preconditionFailure("a blueprint's head is one that its architecture has")
    }
    return output
  }
}
