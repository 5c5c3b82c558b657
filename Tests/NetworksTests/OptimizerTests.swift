import Foundation
import Networks
import Testing

/// PyTorch's formulas, one parameter at a time in float64, on gradients that change sign and size.
@Suite("Optimizers")
struct OptimizerTests {
  private let gradients: [Double] = [0.5, -0.25, 0.125, 0, 2, -1, 1e-3]
  private let start: [Double] = [1, -2, 0.5]

  /// The parameters after each gradient in turn; the second and third see it halved and negated.
  private func run(
    _ optimizer: some Networks.Optimizer, from start: [Double], _ gradients: [[Double]], rate: Double
  ) -> [Double] {
    var parameters = start.map { Float($0) }
    var slots = (0..<optimizer.slots).map { _ in [Float](repeating: 0, count: start.count) }
    for (index, gradient) in gradients.enumerated() {
      var gradient = gradient.map { Float($0) }
      parameters.withUnsafeMutableBufferPointer { entries in
        gradient.withUnsafeMutableBufferPointer { gradient in
          withPointers(&slots) { state in
            optimizer.step(entries, gradient, factor: 1, state: state, number: index + 1, rate: rate)
          }
        }
      }
    }
    return parameters.map { Double($0) }
  }

  private func withPointers(
    _ lists: inout [[Float]], _ found: [UnsafeMutableBufferPointer<Float>] = [],
    _ body: ([UnsafeMutableBufferPointer<Float>]) -> Void
  ) {
    guard found.count < lists.count else { return body(found) }
    var list = lists[found.count]
    list.withUnsafeMutableBufferPointer { withPointers(&lists, found + [$0], body) }
    lists[found.count] = list
  }

  private func run(_ optimizer: some Networks.Optimizer, rate: Double) -> [Double] {
    run(optimizer, from: start, gradients.map { [$0, $0 / 2, -$0] }, rate: rate)
  }

  @Test("AdamW decays weights apart from the gradient and corrects its moments")
  func adamW() {
    let (rate, decay, b1, b2, epsilon) = (0.01, 0.1, 0.9, 0.999, 1e-8)
    let expected = zip(start, [1, 0.5, -1]).map { parameter, factor in
      var (theta, m, v) = (parameter, 0.0, 0.0)
      for (index, gradient) in gradients.enumerated() {
        let (g, t) = (gradient * factor, Double(index + 1))
        theta -= rate * decay * theta
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        theta -= rate * (m / (1 - pow(b1, t))) / ((v / (1 - pow(b2, t))).squareRoot() + epsilon)
      }
      return theta
    }
    for (found, wanted) in zip(run(AdamW(weightDecay: decay), rate: rate), expected) {
      #expect(abs(found - wanted) < 2e-6)
    }
  }

  @Test("gradient descent starts its momentum with the first gradient")
  func descent() {
    let (rate, decay, momentum) = (0.1, 0.01, 0.9)
    let expected = zip(start, [1, 0.5, -1]).map { parameter, factor in
      var (theta, buffer) = (parameter, 0.0)
      for (index, gradient) in gradients.enumerated() {
        let g = gradient * factor + decay * theta
        buffer = index == 0 ? g : momentum * buffer + g
        theta -= rate * buffer
      }
      return theta
    }
    let found = run(StochasticGradientDescent(momentum: momentum, weightDecay: decay), rate: rate)
    for (found, wanted) in zip(found, expected) { #expect(abs(found - wanted) < 2e-6) }
  }

  @Test("the first step of AdamW is the rate, whatever the gradient's size")
  func firstStep() {
    let found = run(AdamW(weightDecay: 0), from: [0, 0], [[100, -0.001]], rate: 0.25)
    #expect(abs(found[0] + 0.25) < 1e-6)
    #expect(abs(found[1] - 0.25) < 1e-5)
  }
}
