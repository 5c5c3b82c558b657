import Formats
import Tensors

/// How far a training has come: its parameters, what its optimizer keeps, and how many steps were taken.
public struct TrainingState: Sendable {
  public let steps: Int
  /// By names that `Training` gives.
  public let tensors: [(name: String, tensor: Tensor)]

  public init(steps: Int, tensors: [(name: String, tensor: Tensor)]) {
    self.steps = steps
    self.tensors = tensors
  }
}

extension Training {
  /// How far it has come, exactly: a training that goes on from here takes the same steps.
  public var current: TrainingState {
    let tensors = parameters.enumerated().flatMap { index, parameter in
      [("parameter \(index)", parameter.tensor)]
        + state[index].enumerated().map { slot, block in
          ("state \(slot) of \(index)", Tensor(block.floats.array, shape: parameter.shape))
        }
    }
    return TrainingState(steps: steps, tensors: tensors)
  }

  /// Goes back to where a training of the same parameters had come.
  /// - Returns: False where the state is of other parameters; then nothing changed.
  public func resume(_ saved: TrainingState) -> Bool {
    let tensors = Dictionary(saved.tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    let own = current.tensors
    guard own.allSatisfy({ tensors[$0.name]?.shape == $0.tensor.shape && tensors[$0.name]?.dtype == .f32 }) else {
      return false
    }
    for (index, parameter) in parameters.enumerated() {
      for (name, floats) in [("parameter \(index)", nil)]
        + state[index].enumerated().map({ ("state \($0) of \(index)", $1.floats) })
      {
        guard let entries = tensors[name]?.floats else { continue }
        if let floats {
          floats.base.update(from: entries, count: entries.count)
        } else {
          parameter.withEntries { $0.baseAddress?.update(from: entries, count: entries.count) }
        }
      }
    }
    steps = saved.steps
    return true
  }
}
