import Tensors

/// Which estimate of a diagonal Fisher information.
public enum FisherEstimator: Sendable, Hashable {
  /// (1/N) Σᵢ Σ_c p(c|xᵢ) (∂ log p(c|xᵢ)/∂θ)²: over the labels that the model itself expects.
  case expected
  /// (1/N) Σᵢ (∂ log p(yᵢ|xᵢ)/∂θ)²: over the examples' own labels.
  case empirical
  /// (1/N) Σ_b (∂/∂θ Σ_{i∈b} Σ_c √p(c|xᵢ) log p(c|xᵢ))², the roots held constant: squares of sums over a batch, as
  /// MergeLM has it.
  case batchwise(batch: Int)
}

extension Perceptron {
  /// An estimate of each parameter's Fisher information, in the order of `parameters`.
  ///
  /// Squares are taken for each example alone (but for `.batchwise`) and added up in float64, without a backward pass
  /// for each: a layer's gradient for one example is the outer product of δ and x, so the sum of squares is
  /// (δ∘δ)ᵀ(x∘x).
  /// - Parameter progress: Is told how many examples are done; may throw to stop.
  public func fisher(
    _ examples: Examples, _ estimator: FisherEstimator, progress: (Int) throws -> Void
  ) rethrows -> [[Double]] {
    var sums = parameters.map { [Double](repeating: 0, count: $0.count) }
    var done = 0
    let size = if case .batchwise(let batch) = estimator { batch } else { 256 }
    for batch in examples.batches(of: size) {
      let activations = activations(Matrix(batch.features))
      let logits = activations[architecture.depth]
      let probabilities = (0..<batch.count).map { Softmax(logits.row($0)).probabilities }
      switch estimator {
      case .expected:
        for label in 0..<architecture.classes {
          let labels = [Int](repeating: label, count: batch.count)
          let weights = probabilities.map { $0[label] }
          addSquares(logLikelihoodGradients(probabilities, labels), weights: weights, activations, to: &sums)
        }
      case .empirical:
        let weights = [Double](repeating: 1, count: batch.count)
        addSquares(logLikelihoodGradients(probabilities, batch.labels), weights: weights, activations, to: &sums)
      case .batchwise:
        addSquaredSum(rootWeightedGradients(probabilities), activations, to: &sums)
      }
      done += batch.count
      try progress(done)
    }
    return sums.map { $0.map { $0 / Double(examples.count) } }
  }

  /// ∂ log p(label)/∂logits, an example a row.
  private func logLikelihoodGradients(_ probabilities: [[Double]], _ labels: [Int]) -> Matrix {
    let entries = zip(probabilities, labels).flatMap { probabilities, label in
      probabilities.indices.map { Float(($0 == label ? 1 : 0) - probabilities[$0]) }
    }
    return Matrix(rows: labels.count, columns: architecture.classes, entries: entries)
  }

  /// ∂ Σ_c √p_c log p_c/∂logits with the roots held constant: √p_j − p_j Σ_c √p_c.
  private func rootWeightedGradients(_ probabilities: [[Double]]) -> Matrix {
    let entries = probabilities.flatMap { probabilities in
      let total = probabilities.reduce(0) { $0 + $1.squareRoot() }
      return probabilities.map { Float($0.squareRoot() - $0 * total) }
    }
    return Matrix(rows: probabilities.count, columns: architecture.classes, entries: entries)
  }

  /// Adds Σᵢ wᵢ (∂/∂θ)² for each parameter.
  private func addSquares(
    _ logitGradients: Matrix, weights: [Double], _ activations: [Matrix], to sums: inout [[Double]]
  ) {
    let gradients = backpropagated(logitGradients, through: activations)
    for layer in 0..<architecture.depth {
      let (inputs, outputs) = (architecture.sizes[layer], architecture.sizes[layer + 1])
      let squares = gradients[layer].squares(weights: weights)  // (examples, out)
      let inputSquares = activations[layer].squares(weights: nil)  // (examples, in)
      squares.withUnsafeBufferPointer { squares in
        inputSquares.withUnsafeBufferPointer { inputSquares in
          sums[2 * layer].withUnsafeMutableBufferPointer { sum in
            BLAS.accumulate(
              squares, transposedTimes: inputSquares, into: sum, rows: outputs, columns: inputs, inner: weights.count)
          }
        }
      }
      for row in 0..<weights.count {
        for column in 0..<outputs { sums[2 * layer + 1][column] += squares[row * outputs + column] }
      }
    }
  }

  /// Adds (Σᵢ ∂/∂θ)² for each parameter.
  private func addSquaredSum(_ logitGradients: Matrix, _ activations: [Matrix], to sums: inout [[Double]]) {
    let gradients = parameterGradients(backpropagated(logitGradients, through: activations), activations)
    for (index, gradient) in gradients.enumerated() {
      for entry in gradient.indices { sums[index][entry] += Double(gradient[entry]) * Double(gradient[entry]) }
    }
  }
}

extension Matrix {
  /// The squares of all entries in float64, each row times its weight.
  fileprivate func squares(weights: [Double]?) -> [Double] {
    var squares = [Double](repeating: 0, count: entries.count)
    for row in 0..<rows {
      let weight = weights?[row] ?? 1
      for index in row * columns..<(row + 1) * columns {
        squares[index] = weight * Double(entries[index]) * Double(entries[index])
      }
    }
    return squares
  }
}
