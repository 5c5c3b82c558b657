import Foundation

/// A rule that moves parameters against their gradients.
public protocol Optimizer: Sendable {
  /// Numbers that it keeps for each entry, from step to step; all begin at 0.
  var slots: Int { get }

  /// One step of one parameter.
  /// - Parameters:
  ///   - factor: What the gradient is multiplied by first.
  ///   - state: `slots` runs as long as the parameter.
  ///   - number: The step's, from 1.
  ///   - rate: The step's learning rate.
  func step(
    _ entries: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>, factor: Float,
    state: [UnsafeMutableBufferPointer<Float>], number: Int, rate: Double)
}

/// AdamW (Loshchilov and Hutter 2019) as PyTorch defines it: weight decay apart from the gradient, moments corrected
/// for their start at zero; biases decay too.
public struct AdamW: Optimizer {
  private let weightDecay: Double
  private let decays: (first: Double, second: Double)
  private let epsilon: Double

  public init(weightDecay: Double, decays: (first: Double, second: Double) = (0.9, 0.999), epsilon: Double = 1e-8) {
    self.weightDecay = weightDecay
    self.decays = decays
    self.epsilon = epsilon
  }

  public var slots: Int { 2 }

  public func step(
    _ entries: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>, factor: Float,
    state: [UnsafeMutableBufferPointer<Float>], number: Int, rate: Double
  ) {
    let kept = Float(1 - rate * weightDecay)
    let (b1, b2) = (Float(1 - decays.first), Float(1 - decays.second))
    let size = Float(rate / (1 - pow(decays.first, Double(number))))
    let correction = Float((1 - pow(decays.second, Double(number))).squareRoot())
    let (keptSecond, epsilon) = (Float(decays.second), Float(epsilon))
    Parallel.entries(entries, gradient, state) { entries, gradient, state, range in
      let (first, second) = (state[0], state[1])
      for index in range {
        let g = factor * gradient[index]
        let m = first[index] + b1 * (g - first[index])
        let v = keptSecond * second[index] + b2 * g * g
        first[index] = m
        second[index] = v
        entries[index] = kept * entries[index] - size * (m / (v.squareRoot() / correction + epsilon))
      }
    }
  }
}

/// Stochastic gradient descent with momentum as PyTorch defines it: the first step's momentum is its gradient, and
/// weight decay is part of the gradient.
public struct StochasticGradientDescent: Optimizer {
  private let weightDecay: Float
  private let momentum: Float

  public init(momentum: Double, weightDecay: Double) {
    self.momentum = Float(momentum)
    self.weightDecay = Float(weightDecay)
  }

  public var slots: Int { 1 }

  public func step(
    _ entries: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>, factor: Float,
    state: [UnsafeMutableBufferPointer<Float>], number: Int, rate: Double
  ) {
    let rate = Float(rate)
    Parallel.entries(entries, gradient, state) { entries, gradient, state, range in
      let velocity = state[0]
      for index in range {
        let slope = factor * gradient[index] + weightDecay * entries[index]
        velocity[index] = number == 1 ? slope : momentum * velocity[index] + slope
        entries[index] -= rate * velocity[index]
      }
    }
  }
}

extension Parallel {
  /// Shares out the entries of a parameter with what belongs to them.
  fileprivate static func entries(
    _ entries: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>,
    _ state: [UnsafeMutableBufferPointer<Float>],
    _ body:
      @Sendable (
        UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, [UnsafeMutablePointer<Float>], Range<Int>
      ) -> Void
  ) {
    guard let theta = entries.baseAddress, let slope = gradient.baseAddress else { return }
    nonisolated(unsafe) let (a, b, c) = (theta, slope, state.compactMap(\.baseAddress))
    ranges(entries.count, cost: 8) { body(a, b, c, $0) }
  }
}
