import Networks
import Tensors
import Testing

@Suite("Fisher estimates")
struct FisherTests {
  /// Squares of one backward pass for each example and label, as the definition has it.
  private func reference(
    _ network: Perceptron, _ examples: Examples, labels: (Int, [Double]) -> [(label: Int, weight: Double)]
  ) -> [[Double]] {
    let plain = PlainPerceptron(network)
    var sums = plain.parameters.map { $0.map { _ in 0.0 } }
    for (index, x) in rows(examples).enumerated() {
      let p = plain.probabilities(x)
      for (label, weight) in labels(index, p) {
        let gradient = plain.gradient(x, logitGradient: p.indices.map { ($0 == label ? 1 : 0) - p[$0] })
        for tensor in sums.indices {
          for entry in sums[tensor].indices {
            sums[tensor][entry] += weight * gradient[tensor][entry] * gradient[tensor][entry]
          }
        }
      }
    }
    return sums.map { $0.map { $0 / Double(examples.count) } }
  }

  @Test(
    "over the model's own labels equal one backward pass for each", arguments: [[5, 8, 4], [4, 6, 6, 3], [7, 5]])
  func expected(sizes: [Int]) {
    let (network, examples) = randomCase(sizes: sizes, examples: 300, seed: 7)
    let slow = reference(network, examples) { _, p in p.indices.map { ($0, p[$0]) } }
    let fast = network.fisher(examples, .expected) { _ in }
    #expect(relativeError(fast, slow) < 1e-5)
  }

  @Test("over the examples' labels equal one backward pass for each")
  func empirical() {
    let (network, examples) = randomCase(sizes: [5, 8, 4], examples: 300, seed: 8)
    let slow = reference(network, examples) { index, _ in [(examples.labels[index], 1)] }
    let fast = network.fisher(examples, .empirical) { _ in }
    #expect(relativeError(fast, slow) < 1e-5)
  }

  @Test("of a linear softmax head are p(1 − p) x², on average")
  func linearHead() {
    let (network, examples) = randomCase(sizes: [6, 4], examples: 50, seed: 9)
    let plain = PlainPerceptron(network)
    var weight = [Double](repeating: 0, count: 24)
    var bias = [Double](repeating: 0, count: 4)
    for x in rows(examples) {
      for (c, p) in plain.probabilities(x).enumerated() {
        bias[c] += p * (1 - p) / 50
        for j in 0..<6 { weight[c * 6 + j] += p * (1 - p) * x[j] * x[j] / 50 }
      }
    }
    let fast = network.fisher(examples, .expected) { _ in }
    #expect(relativeError(fast, [weight, bias]) < 1e-5)
  }

  @Test("by batches are squares of sums over root-weighted labels", arguments: [1, 8, 13])
  func batchwise(batch: Int) {
    let (network, examples) = randomCase(sizes: [6, 5, 4], examples: 30, seed: 10)
    let plain = PlainPerceptron(network)
    let xs = rows(examples)
    var slow = plain.parameters.map { $0.map { _ in 0.0 } }
    for start in stride(from: 0, to: 30, by: batch) {
      var sum = slow.map { $0.map { _ in 0.0 } }
      for x in xs[start..<min(start + batch, 30)] {
        let p = plain.probabilities(x)
        // Σ_c √p_c ∂ log p_c, a backward pass for each class.
        for label in p.indices {
          let logits = p.indices.map { p[label].squareRoot() * (($0 == label ? 1 : 0) - p[$0]) }
          let gradient = plain.gradient(x, logitGradient: logits)
          for tensor in sum.indices {
            for entry in sum[tensor].indices { sum[tensor][entry] += gradient[tensor][entry] }
          }
        }
      }
      for tensor in sum.indices {
        for entry in sum[tensor].indices { slow[tensor][entry] += sum[tensor][entry] * sum[tensor][entry] / 30 }
      }
    }
    let fast = network.fisher(examples, .batchwise(batch: batch)) { _ in }
    #expect(relativeError(fast, slow) < 1e-5)
  }
}
