import Tensors
import Testing

@testable import Networks

@Suite("Fisher estimates")
struct FisherTests {
  /// Squares of one backward pass for each example and label, as the definition has it.
  private func reference(
    _ network: Network, sizes: [Int], _ examples: Examples, labels: (Int, [Double]) -> [(label: Int, weight: Double)]
  ) -> [[Double]] {
    let plain = PlainPerceptron(network, sizes: sizes)
    var sums = plain.parameters.map { $0.map { _ in 0.0 } }
    for (index, x) in examples.rows.enumerated() {
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

  private func estimate(
    _ network: Network, _ examples: Examples, _ estimator: FisherEstimator, batch: Int = 128
  ) -> [[Double]] {
    let information = FisherInformation(of: network, estimator)
    for (batch, objective) in examples.batches(of: batch) { information.add(batch, objective) }
    return network.weights.all.map { information.estimate(of: $0) }
  }

  @Test(
    "over the model's own labels equal one backward pass for each", arguments: [[5, 8, 4], [4, 6, 6, 3], [7, 5]])
  func expected(sizes: [Int]) throws {
    let (network, examples) = try randomCase(sizes: sizes, examples: 300, seed: 7)
    let slow = reference(network, sizes: sizes, examples) { _, p in p.indices.map { ($0, p[$0]) } }
    let fast = estimate(network, examples, .expected)
    #expect(relativeError(fast, slow) < 1e-5)
  }

  @Test("over the examples' labels equal one backward pass for each")
  func empirical() throws {
    let sizes = [5, 8, 4]
    let (network, examples) = try randomCase(sizes: sizes, examples: 300, seed: 8)
    let slow = reference(network, sizes: sizes, examples) { index, _ in [(examples.labels[index], 1)] }
    let fast = estimate(network, examples, .empirical)
    #expect(relativeError(fast, slow) < 1e-5)
  }

  @Test("of a linear softmax head are p(1 − p) x², on average")
  func linearHead() throws {
    let sizes = [6, 4]
    let (network, examples) = try randomCase(sizes: sizes, examples: 50, seed: 9)
    let plain = PlainPerceptron(network, sizes: sizes)
    var weight = [Double](repeating: 0, count: 24)
    var bias = [Double](repeating: 0, count: 4)
    for x in examples.rows {
      for (c, p) in plain.probabilities(x).enumerated() {
        bias[c] += p * (1 - p) / 50
        for j in 0..<6 { weight[c * 6 + j] += p * (1 - p) * x[j] * x[j] / 50 }
      }
    }
    let fast = estimate(network, examples, .expected)
    #expect(relativeError(fast, [weight, bias]) < 1e-5)
  }

  @Test("by batches are squares of sums over root-weighted labels", arguments: [1, 8, 13])
  func batchwise(batch: Int) throws {
    let sizes = [6, 5, 4]
    let (network, examples) = try randomCase(sizes: sizes, examples: 30, seed: 10)
    let plain = PlainPerceptron(network, sizes: sizes)
    let xs = examples.rows
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
    let fast = estimate(network, examples, .batchwise, batch: batch)
    #expect(relativeError(fast, slow) < 1e-5)
  }
}
