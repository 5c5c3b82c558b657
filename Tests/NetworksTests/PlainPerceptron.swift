import Foundation
import Tensors

@testable import Networks

/// The same network in float64, an example at a time, written as the textbook has it.
struct PlainPerceptron {
  let sizes: [Int]
  var parameters: [[Double]]

  init(_ network: Network, sizes: [Int]) {
    self.sizes = sizes
    parameters = network.weights.all.map { $0.tensor.doubles }
  }

  /// What each layer is given, and last the logits.
  func activations(_ x: [Double]) -> [[Double]] {
    var activations = [x]
    for layer in 0..<sizes.count - 1 {
      var output = parameters[2 * layer + 1]
      for o in 0..<sizes[layer + 1] {
        for i in 0..<sizes[layer] { output[o] += parameters[2 * layer][o * sizes[layer] + i] * activations[layer][i] }
        if layer < sizes.count - 2 { output[o] = max(0, output[o]) }
      }
      activations.append(output)
    }
    return activations
  }

  func probabilities(_ x: [Double]) -> [Double] {
    let exponentials = activations(x)[sizes.count - 1].map { exp($0) }
    return exponentials.map { $0 / exponentials.reduce(0, +) }
  }

  func loss(_ xs: [[Double]], _ labels: [Int]) -> Double {
    zip(xs, labels).reduce(0) { $0 - log(probabilities($1.0)[$1.1]) } / Double(labels.count)
  }

  /// ∂(Σ wⱼ zⱼ)/∂θ for one example: one backward pass.
  func gradient(_ x: [Double], logitGradient: [Double]) -> [[Double]] {
    let activations = activations(x)
    var gradients = parameters.map { $0.map { _ in 0.0 } }
    var delta = logitGradient
    for layer in (0..<sizes.count - 1).reversed() {
      var below = [Double](repeating: 0, count: sizes[layer])
      for o in 0..<sizes[layer + 1] {
        gradients[2 * layer + 1][o] = delta[o]
        for i in 0..<sizes[layer] {
          gradients[2 * layer][o * sizes[layer] + i] = delta[o] * activations[layer][i]
          below[i] += parameters[2 * layer][o * sizes[layer] + i] * delta[o]
        }
      }
      delta = zip(below, activations[layer]).map { layer > 0 && $1 <= 0 ? 0 : $0 }
    }
    return gradients
  }
}

/// Rows of numbers, and a class for each.
struct Examples {
  let features: Tensor
  let labels: [Int]

  var count: Int { labels.count }
  var objective: Objective { Objective(.classes(labels)) }

  /// The features of each example, in float64.
  var rows: [[Double]] { (0..<count).map { features.gatheringRows([$0]).doubles } }

  /// All of them in batches of a size.
  func batches(of size: Int) -> [(batch: Batch, objective: Objective)] {
    stride(from: 0, to: count, by: size).map { start in
      let rows = Array(start..<min(start + size, count))
      return (.numbers(features.gatheringRows(rows)), Objective(.classes(rows.map { labels[$0] })))
    }
  }
}

/// A perceptron whose weights are all trainable, and examples for it, from a seed.
func randomCase(sizes: [Int], examples: Int, seed: Int) throws -> (Network, Examples) {
  let config = MultilayerPerceptron.config(sizes: sizes)
  let tensors = try Blueprint.tensors(of: config, label: "test")
  let network = try Blueprint(config: config, tensors: tensors, of: "test").network { name in
    var generator = Generator(seed: seed, stream: "test", name)
    let shape = tensors.first { $0.name == name }?.shape ?? []
    return Tensor((0..<shape.count).map { _ in Float(generator.gaussian() * 0.6) }, shape: shape)
  }
  for parameter in network.weights.all { parameter.isTrainable = true }
  var generator = Generator(seed: seed, stream: "test", "examples")
  let features = (0..<examples * sizes[0]).map { _ in Float(generator.gaussian()) }
  let labels = (0..<examples).map { _ in generator.integer(below: sizes[sizes.count - 1]) }
  return (network, Examples(features: Tensor(features, shape: [examples, sizes[0]]), labels: labels))
}

/// The largest difference, measured by the largest number of the second.
func relativeError(_ a: [[Double]], _ b: [[Double]]) -> Double {
  let scale = b.joined().map(abs).max() ?? 1
  return (zip(a.joined(), b.joined()).map { abs($0 - $1) }.max() ?? 0) / scale
}
