import CKernels
import Foundation
import Tensors

/// Moves the trainable parameters of a network against the gradients of losses.
public final class Training {
  public let network: Network
  public let parameters: [Parameter]
  private let gradients: SummedGradients
  private let optimizer: any Optimizer
  /// What the optimizer keeps for each entry of each parameter.
  let state: [[Block]]
  /// Steps that were taken.
  public internal(set) var steps = 0
  /// The largest norm that all gradients together may have.
  private let clip: Double?
  /// Whether blocks are worked out again in the backward pass instead of kept: the same bits in less memory and more time.
  public var recomputes = false

  public init(_ network: Network, _ optimizer: any Optimizer, clip: Double?) {
    self.network = network
    self.optimizer = optimizer
    self.clip = clip
    parameters = network.weights.all.filter(\.isTrainable)
    gradients = SummedGradients(network.memory)
    state = parameters.map { parameter in
      (0..<optimizer.slots).map { _ in
        let block = network.memory.block(parameter.count)
        block.floats.zero()
        return block
      }
    }
  }

  /// Bytes that are taken while the gradients of a part of a step's examples are added: the weights, what the optimizer keeps, and
  /// the pass at its peak.
  /// - Parameter length: Tokens of each example.
  public func need(examples: Int, length: Int) -> Int {
    let kept = network.weights.all.reduce(0) { $0 + $1.count } + state.joined().reduce(0) { $0 + $1.floats.count }
    return 4 * kept
      + network.blueprint.peak(examples: examples, length: length, .gradients, recomputes: recomputes)
  }

  /// Adds the gradients of a part of a step's examples.
  ///
  /// - Parameter count: The rows or numbers that count in the whole step: the loss is their mean.
  /// - Returns: The part's share of the mean loss.
  public func add(_ batch: Batch, _ objective: Objective, of count: Int) -> Double {
    let pass = Pass(Tape(network.memory, recording: true), network.weights, recomputes: recomputes)
    let output = network.output(pass, batch)
    let logSums = objective.logSums(output)
    let loss = objective.losses(output, logSums).reduce(0, +) / Double(count)
    pass.tape.backward(from: output, into: gradients) { gradient in
      objective.writeGradient(output, logSums, into: gradient) { _ in 1 / Double(count) }
    }
    return loss
  }

  /// Takes a step along what was added, and forgets it. Where a gradient is not finite, nothing is changed.
  /// - Parameter share: What the rate is multiplied by for a parameter.
  /// - Returns: The norm of all gradients together, before it was clipped, and the first parameter whose gradient is not finite.
  @discardableResult
  public func step(
    rate: Double, share: (Parameter) -> Double = { _ in 1 }
  ) -> (norm: Double, stray: Parameter?) {
    let squares = parameters.map { parameter in gradients.withGradient(of: parameter) { SquaredNorm.of($0) } ?? 0 }
    let norm = squares.reduce(0, +).squareRoot()
    if let stray = squares.firstIndex(where: { !$0.isFinite }) {
      gradients.clear()
      return (norm, parameters[stray])
    }
    let factor = clip.map { norm > $0 ? Float($0 / (norm + 1e-6)) : 1 } ?? 1
    steps += 1
    for (index, parameter) in parameters.enumerated() {
      _ = gradients.withGradient(of: parameter) { gradient in
        parameter.withEntries { entries in
          let state = state[index].map { UnsafeMutableBufferPointer(start: $0.floats.base, count: $0.floats.count) }
          optimizer.step(entries, gradient, factor: factor, state: state, number: steps, rate: rate * share(parameter))
        }
      }
    }
    gradients.clear()
    return (norm, nil)
  }

  /// Counts a step in which there was nothing to learn from.
  public func skip() { steps += 1 }

  /// The first parameter that is no longer finite, in the network's order.
  public var lost: Parameter? {
    parameters.first { parameter in parameter.withEntries { !$0.allSatisfy(\.isFinite) } }
  }
}

/// Sums of squares in float64, in an order that follows from the count alone.
enum SquaredNorm {
  static func of(_ entries: UnsafeMutableBufferPointer<Float>) -> Double {
    guard let base = entries.baseAddress else { return 0 }
    let pieces = Parallel.pieces(entries.count, cost: 1)
    nonisolated(unsafe) let first = base
    return [Double](unsafeUninitializedCapacity: pieces) { sums, initialized in
      nonisolated(unsafe) let sums = sums
      Parallel.each(pieces, of: entries.count) { piece, range in
        sums[piece] = kernel_sum_of_squares(first + range.lowerBound, range.count)
      }
      initialized = pieces
    }.reduce(0, +)
  }
}
