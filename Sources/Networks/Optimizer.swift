import Foundation

/// A rule that moves parameters against their gradients.
public protocol Optimizer: Sendable {
  /// One step.
  /// - Parameters:
  ///   - parameters: A perceptron's, in its order.
  ///   - gradients: One for each, the same length.
  ///   - rate: The step's learning rate.
  mutating func step(_ parameters: inout [[Float]], gradients: [[Float]], rate: Double)
}

extension Perceptron {
  /// One step of an optimizer.
  public mutating func step(_ optimizer: inout some Optimizer, gradients: [[Float]], rate: Double) {
    optimizer.step(&parameters, gradients: gradients, rate: rate)
  }
}

/// AdamW (Loshchilov and Hutter 2019) as PyTorch defines it: weight decay apart from the gradient, moments corrected
/// for their start at zero; biases decay too.
public struct AdamW: Optimizer {
  private let weightDecay: Double
  private let decays: (first: Double, second: Double)
  private let epsilon: Double
  private var steps = 0
  private var first: [[Float]] = []
  private var second: [[Float]] = []

  public init(weightDecay: Double, decays: (first: Double, second: Double) = (0.9, 0.999), epsilon: Double = 1e-8) {
    self.weightDecay = weightDecay
    self.decays = decays
    self.epsilon = epsilon
  }

  public mutating func step(_ parameters: inout [[Float]], gradients: [[Float]], rate: Double) {
    if steps == 0 {
      first = gradients.map { [Float](repeating: 0, count: $0.count) }
      second = first
    }
    steps += 1
    let kept = Float(1 - rate * weightDecay)
    let (b1, b2) = (Float(1 - decays.first), Float(1 - decays.second))
    let stepSize = Float(rate / (1 - pow(decays.first, Double(steps))))
    let correction = Float((1 - pow(decays.second, Double(steps))).squareRoot())
    let (keptSecond, epsilon) = (Float(decays.second), Float(epsilon))
    for index in parameters.indices {
      parameters[index].withUnsafeMutableBufferPointer { theta in
        first[index].withUnsafeMutableBufferPointer { first in
          second[index].withUnsafeMutableBufferPointer { second in
            gradients[index].withUnsafeBufferPointer { gradient in
              for entry in 0..<theta.count {
                let g = gradient[entry]
                let m = first[entry] + b1 * (g - first[entry])
                let v = keptSecond * second[entry] + b2 * g * g
                first[entry] = m
                second[entry] = v
                theta[entry] = kept * theta[entry] - stepSize * (m / (v.squareRoot() / correction + epsilon))
              }
            }
          }
        }
      }
    }
  }
}

/// Stochastic gradient descent with momentum as PyTorch defines it: the first step's momentum is its gradient, and
/// weight decay is part of the gradient.
public struct StochasticGradientDescent: Optimizer {
  private let weightDecay: Float
  private let momentum: Float
  private var velocity: [[Float]] = []

  public init(momentum: Double, weightDecay: Double) {
    self.momentum = Float(momentum)
    self.weightDecay = Float(weightDecay)
  }

  public mutating func step(_ parameters: inout [[Float]], gradients: [[Float]], rate: Double) {
    let isFirst = velocity.isEmpty
    if isFirst { velocity = gradients.map { [Float](repeating: 0, count: $0.count) } }
    let rate = Float(rate)
    for index in parameters.indices {
      parameters[index].withUnsafeMutableBufferPointer { theta in
        velocity[index].withUnsafeMutableBufferPointer { velocity in
          gradients[index].withUnsafeBufferPointer { gradients in
            for entry in 0..<theta.count {
              let gradient = gradients[entry] + weightDecay * theta[entry]
              velocity[entry] = isFirst ? gradient : momentum * velocity[entry] + gradient
              theta[entry] -= rate * velocity[entry]
            }
          }
        }
      }
    }
  }
}
