import Foundation

/// Adam (Kingma and Ba 2015) on one matrix in float64: β 0.9 and 0.999, ε 10⁻⁸, without decay.
public struct MatrixAdam: Sendable {
  public private(set) var position: DoubleMatrix
  private var first: [Double]
  private var second: [Double]
  private var steps = 0

  public init(from start: DoubleMatrix) {
    position = start
    first = [Double](repeating: 0, count: start.entries.count)
    second = first
  }

  /// Goes one step against a gradient.
  /// - Parameter rate: How far, where the gradient stays the same.
  public mutating func step(against gradient: DoubleMatrix, rate: Double) {
    precondition(gradient.entries.count == first.count, "a gradient has its matrix's shape")
    steps += 1
    let (firstBias, secondBias) = (1 - pow(0.9, Double(steps)), 1 - pow(0.999, Double(steps)))
    position.update { position in
      first.withUnsafeMutableBufferPointer { first in
        second.withUnsafeMutableBufferPointer { second in
          gradient.entries.withUnsafeBufferPointer { gradient in
            for index in 0..<position.count {
              first[index] = 0.9 * first[index] + 0.1 * gradient[index]
              second[index] = 0.999 * second[index] + 0.001 * gradient[index] * gradient[index]
              position[index] -= rate * (first[index] / firstBias) / ((second[index] / secondBias).squareRoot() + 1e-8)
            }
          }
        }
      }
    }
  }
}
