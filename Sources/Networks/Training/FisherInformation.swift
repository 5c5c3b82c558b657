import CKernels
import Foundation
import Tensors

/// Which estimate of a diagonal Fisher information.
public enum FisherEstimator: Sendable, Hashable {
  /// (1/N) Σᵢ Σ_c p(c|xᵢ) (∂ log p(c|xᵢ)/∂θ)²: over the labels that the model itself expects.
  case expected
  /// (1/N) Σᵢ (∂ log p(yᵢ|xᵢ)/∂θ)²: over the examples' own labels.
  case empirical
  /// As `empirical`, with labels drawn from what the model itself expects: what stands in for `expected` where there are too many
  /// labels for a sum over them.
  case sampled(seed: Int)
  /// (1/N) Σ_b (∂/∂θ Σ_{i∈b} Σ_c √p(c|xᵢ) log p(c|xᵢ))², the roots held constant: squares of sums over a batch, as
  /// MergeLM has it.
  case batchwise
}

/// Adds up an estimate of the Fisher information of a network's trainable parameters.
///
/// The gradient of an example is that of the sum of all its log-likelihoods, over tokens, before it is squared. Squares are
/// added in float64.
public final class FisherInformation {
  private let network: Network
  private let estimator: FisherEstimator
  private let squares: SquaredGradients
  /// Squares of sums, where that is what is estimated.
  private var batchSquares: [ObjectIdentifier: [Double]] = [:]
  private var examples = 0
  /// Whether blocks are worked out again in the backward pass instead of kept: the same bits in less memory and more time.
  public var recomputes = false

  public init(of network: Network, _ estimator: FisherEstimator) {
    self.network = network
    self.estimator = estimator
    squares = SquaredGradients(network.memory)
  }

  /// Bytes that are taken while a batch is added: the weights, the sums in float64, and the pass at its peak.
  /// - Parameter length: Tokens of each example.
  public func need(examples: Int, length: Int) -> Int {
    let bytes = network.weights.all.reduce(0) { $0 + $1.count * ($1.isTrainable ? 12 : 4) }
    let work: NetworkWork = estimator == .batchwise ? .gradients : .squares
    return bytes + network.blueprint.peak(examples: examples, length: length, work, recomputes: recomputes)
  }

  /// Adds a batch.
  public func add(_ batch: Batch, _ objective: Objective) {
    let pass = Pass(Tape(network.memory, recording: true), network.weights, recomputes: recomputes)
    let output = network.output(pass, batch)
    let rows = output.shape.axes.dropLast().reduce(1, *)
    switch (estimator, objective.targets) {
    case (.batchwise, _): addBatchwise(pass, output, rows)
    case (.expected, .classes(let classes)):
      let width = output.shape.count / max(rows, 1)
      let probabilities = Self.probabilities(output, rows, width)
      for label in 0..<width {
        let labels = Objective(.classes(classes.map { $0 == nil ? nil : label }))
        pass.tape.backward(from: output, into: squares, keepsTape: label < width - 1) { gradient in
          labels.writeGradient(output, into: gradient) { Double(probabilities[$0 * width + label]).squareRoot() }
        }
      }
    case (.expected, .numbers), (.sampled, .numbers):
      // Of a normal distribution with variance 1 around the output: the gradient of the output itself.
      pass.tape.backward(from: output, into: squares) { gradient in
        for index in gradient.indices { gradient[index] = 1 }
      }
    case (.empirical, .numbers):
      pass.tape.backward(from: output, into: squares) { objective.writeGradient(output, into: $0) { _ in 0.5 } }
    case (.empirical, .classes):
      pass.tape.backward(from: output, into: squares) { objective.writeGradient(output, into: $0) { _ in 1 } }
    case (.sampled(let seed), .classes(let classes)):
      let drawn = Objective(.classes(draw(output, classes, seed)))
      pass.tape.backward(from: output, into: squares) { drawn.writeGradient(output, into: $0) { _ in 1 } }
    }
    examples += batch.examples
  }

  /// The estimate of a parameter; zeros where the output does not depend on it.
  public func estimate(of parameter: Parameter) -> [Double] {
    let sums = batchSquares[ObjectIdentifier(parameter)] ?? squares.squares(of: parameter)
    return sums?.map { $0 / Double(max(examples, 1)) } ?? [Double](repeating: 0, count: parameter.count)
  }

  // MARK: Labels

  private static func probabilities(_ output: Variable, _ rows: Int, _ width: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * width) { buffer, initialized in
      if let base = buffer.baseAddress {
        for row in 0..<rows {
          let logits = output.floats.base + row * width
          kernel_softmax_scaled(logits, base + row * width, width, kernel_log_sum_exp(logits, width), 1)
        }
      }
      initialized = rows * width
    }
  }

  /// A label for each row that counts, from the model's own distribution.
  private func draw(_ output: Variable, _ classes: [Int?], _ seed: Int) -> [Int?] {
    let width = output.shape.count / classes.count
    let probabilities = Self.probabilities(output, classes.count, width)
    var generator = Generator(seed: seed, stream: "fisher", "labels after \(examples) examples")
    return classes.indices.map { row in
      guard classes[row] != nil else { return nil }
      var left = generator.uniform()
      let last = probabilities[row * width..<(row + 1) * width].enumerated().first { _, share in
        left -= Double(share)
        return left < 0
      }
      return last?.offset ?? width - 1
    }
  }

  // MARK: Batches

  private func addBatchwise(_ pass: Pass, _ output: Variable, _ rows: Int) {
    let width = output.shape.count / max(rows, 1)
    let probabilities = Self.probabilities(output, rows, width)
    let sums = SummedGradients(network.memory)
    pass.tape.backward(from: output, into: sums) { gradient in
      for row in 0..<rows {
        let shares = probabilities[row * width..<(row + 1) * width].map(Double.init)
        // ∂ Σ_c √p_c log p_c/∂logits with the roots held constant: √p_j − p_j Σ_c √p_c.
        let total = shares.reduce(0) { $0 + $1.squareRoot() }
        for index in 0..<width {
          gradient[row * width + index] = Float(shares[index].squareRoot() - shares[index] * total)
        }
      }
    }
    for parameter in network.weights.all where parameter.isTrainable {
      sums.withGradient(of: parameter) { gradient in
        var total = batchSquares.removeValue(forKey: ObjectIdentifier(parameter)) ?? []
        if total.isEmpty { total = [Double](repeating: 0, count: parameter.count) }
        for index in gradient.indices { total[index] += Double(gradient[index]) * Double(gradient[index]) }
        batchSquares[ObjectIdentifier(parameter)] = total
      }
    }
  }
}
