import Tensors

/// A multilayer perceptron: affine layers with a rectified linear unit between any two.
///
/// `x₀` are the features, `xₗ₊₁ = max(0, Wₗ xₗ + bₗ)`, and the last layer, without the maximum, gives the logits.
public struct Perceptron: Sendable {
  public let architecture: PerceptronArchitecture
  /// In the order of `architecture.tensors`: W₀ (out, in) row by row, b₀, W₁, ….
  public internal(set) var parameters: [[Float]]

  /// - Parameter tensor: Gives each tensor by name.
  public init(_ architecture: PerceptronArchitecture, tensor: (String) throws -> Tensor) rethrows {
    self.architecture = architecture
    parameters = try architecture.tensors.map { name, shape in
      let tensor = try tensor(name)
      precondition(tensor.shape == shape, "`\(name)` is \(tensor.shape), not \(shape)")
      return tensor.floats
    }
  }

  /// Its tensors by name, float32.
  public var tensors: [(name: String, tensor: Tensor)] {
    zip(architecture.tensors, parameters).map { ($0.name, Tensor($1, shape: $0.shape)) }
  }

  private func weight(_ layer: Int) -> [Float] { parameters[2 * layer] }
  private func bias(_ layer: Int) -> [Float] { parameters[2 * layer + 1] }

  // MARK: Forward

  /// The logits of each example, (examples, classes).
  public func logits(_ features: Tensor) -> Tensor {
    let rows = features.shape[0]
    var logits: [Float] = []
    logits.reserveCapacity(rows * architecture.classes)
    // In batches of one size, so that memory stays small and the products' shapes, so their bits, stay the same.
    for start in stride(from: 0, to: rows, by: 256) {
      let batch = features.gatheringRows(Array(start..<min(start + 256, rows)))
      logits += activations(Matrix(batch))[architecture.depth].entries
    }
    return Tensor(logits, shape: [rows, architecture.classes])
  }

  /// What each layer is given, and last the logits.
  func activations(_ input: Matrix) -> [Matrix] {
    var activations = [input]
    for layer in 0..<architecture.depth {
      var output = Matrix(rows: input.rows, repeating: bias(layer))  // (examples, out)
      output.add(activations[layer], times: weight(layer))
      if layer < architecture.depth - 1 {
        for index in output.entries.indices { output.entries[index] = max(0, output.entries[index]) }
      }
      activations.append(output)
    }
    return activations
  }

  // MARK: Backward

  /// The gradient with respect to each layer's output before its rectifier, from that with respect to the logits.
  func backpropagated(_ logitGradients: Matrix, through activations: [Matrix]) -> [Matrix] {
    var gradients = [logitGradients]
    for layer in stride(from: architecture.depth - 1, to: 0, by: -1) {
      let output = activations[layer]
      var gradient = Matrix.product(gradients[gradients.count - 1], weight(layer), columns: architecture.sizes[layer])
      for index in gradient.entries.indices where output.entries[index] <= 0 { gradient.entries[index] = 0 }
      gradients.append(gradient)
    }
    return gradients.reversed()
  }

  /// The gradient of each parameter, summed over the batch.
  func parameterGradients(_ gradients: [Matrix], _ activations: [Matrix]) -> [[Float]] {
    (0..<architecture.depth).flatMap { layer in
      [Matrix.product(transposed: gradients[layer], activations[layer]).entries, gradients[layer].columnSums]
    }
  }

  /// The mean cross-entropy of a batch, in nats, and its gradient for each parameter.
  public func lossAndGradients(_ batch: Examples) -> (loss: Double, gradients: [[Float]]) {
    let activations = activations(Matrix(batch.features))
    var gradient = activations[architecture.depth]
    var loss = 0.0
    for (row, label) in batch.labels.enumerated() {
      let probabilities = Softmax(gradient.row(row))
      loss -= probabilities.logarithm(label)
      for column in 0..<gradient.columns {
        let target = column == label ? 1.0 : 0
        gradient.entries[row * gradient.columns + column] =
          Float((probabilities[column] - target) / Double(batch.count))
      }
    }
    return (
      loss / Double(batch.count), parameterGradients(backpropagated(gradient, through: activations), activations)
    )
  }
}

extension Matrix {
  func row(_ row: Int) -> ArraySlice<Float> { entries[row * columns..<(row + 1) * columns] }
}
