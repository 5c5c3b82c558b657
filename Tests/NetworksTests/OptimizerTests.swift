import Foundation
import Networks
import Testing

/// PyTorch's formulas, one parameter at a time in float64, on gradients that change sign and size.
@Suite("Optimizers")
struct OptimizerTests {
  private let gradients: [Double] = [0.5, -0.25, 0.125, 0, 2, -1, 1e-3]
  private let start: [Double] = [1, -2, 0.5]

  /// The parameters after each gradient in turn; the second and third see it halved and negated.
  private func run(_ optimizer: some Optimizer, rate: Double) -> [Double] {
    var optimizer = optimizer
    var parameters = [start.map { Float($0) }]
    for gradient in gradients {
      optimizer.step(&parameters, gradients: [[Float(gradient), Float(gradient / 2), Float(-gradient)]], rate: rate)
    }
    return parameters[0].map { Double($0) }
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
    var optimizer = AdamW(weightDecay: 0)
    var parameters: [[Float]] = [[0, 0]]
    optimizer.step(&parameters, gradients: [[100, -0.001]], rate: 0.25)
    #expect(abs(parameters[0][0] + 0.25) < 1e-6)
    #expect(abs(parameters[0][1] - 0.25) < 1e-5)
  }
}
