import CKernels
import Foundation
import Tensors

/// What a network is to give for each example of a batch.
public enum Targets: Sendable {
  /// A class for each row of logits; nil for rows that do not count: cross-entropy.
  case classes([Int?])
  /// A number for each output: squared error.
  case numbers([Float])

  /// Next tokens of texts, for the logits of each place: every token but a text's first is scored.
  ///
  /// - Parameter unscored: How many tokens at the beginning of each text are only read; at least one.
  public static func nextTokens(of batch: TextBatch, unscored: [Int]) -> Targets {
    .classes(
      (0..<batch.examples).flatMap { text in
        (0..<batch.length).map { place in
          let next = place + 1
          guard next < batch.counts[text], next >= max(unscored[text], 1) else { return nil }
          return batch.tokens[text * batch.length + next]
        }
      })
  }
}

/// A loss of a network's outputs: rows of logits, or numbers.
public struct Objective: Sendable {
  public let targets: Targets

  public init(_ targets: Targets) { self.targets = targets }

  /// Rows or numbers that count.
  public var count: Int {
    switch targets {
    case .classes(let classes): classes.count { $0 != nil }
    case .numbers(let numbers): numbers.count
    }
  }

  /// log Σ exp of each row of logits: what losses and gradients both go by. 0 where a row does not count; empty for numbers.
  func logSums(_ output: Variable) -> [Double] {
    guard case .classes(let classes) = targets else { return [] }
    let (rows, width) = Self.rows(output, classes.count)
    return Self.map(classes.count, cost: 16 * width) { row in
      classes[row] == nil ? 0 : kernel_log_sum_exp(rows.base + row * width, width)
    }
  }

  /// The loss of each row, or number: cross-entropy in nats, or squared error. 0 where nothing counts.
  public func losses(_ output: Variable) -> [Double] { losses(output, logSums(output)) }

  func losses(_ output: Variable, _ logSums: [Double]) -> [Double] {
    switch targets {
    case .classes(let classes):
      let (rows, width) = Self.rows(output, classes.count)
      return classes.enumerated().map { row, label in
        label.map { logSums[row] - Double(rows.base[row * width + $0]) } ?? 0
      }
    case .numbers(let numbers):
      precondition(output.shape.count == numbers.count, "each output has a number to be")
      let entries = output.floats
      return numbers.indices.map { index in
        let error = Double(entries.base[index]) - Double(numbers[index])
        return error * error
      }
    }
  }

  /// Writes the gradient of the sum of all losses, each multiplied by a weight.
  /// - Parameter weight: Of a row or number.
  public func writeGradient(
    _ output: Variable, into gradient: UnsafeMutableBufferPointer<Float>, weight: @Sendable (Int) -> Double
  ) {
    writeGradient(output, logSums(output), into: gradient, weight: weight)
  }

  func writeGradient(
    _ output: Variable, _ logSums: [Double], into gradient: UnsafeMutableBufferPointer<Float>,
    weight: @Sendable (Int) -> Double
  ) {
    guard let base = gradient.baseAddress else { return }
    nonisolated(unsafe) let target = base
    switch targets {
    case .classes(let classes):
      let (rows, width) = Self.rows(output, classes.count)
      Parallel.ranges(classes.count, cost: 24 * width) { range in
        for row in range {
          let place = target + row * width
          guard let label = classes[row], weight(row) != 0 else {
            place.update(repeating: 0, count: width)
            continue
          }
          let logits = rows.base + row * width
          let factor = weight(row)
          kernel_softmax_scaled(logits, place, width, logSums[row], Float(factor))
          place[label] -= Float(factor)
        }
      }
    case .numbers(let numbers):
      for index in numbers.indices {
        let error = Double(output.floats.base[index]) - Double(numbers[index])
        target[index] = Float(2 * weight(index) * error)
      }
    }
  }

  private static func rows(_ output: Variable, _ count: Int) -> (Floats, width: Int) {
    let width = output.shape.axes.last ?? 0
    precondition(output.shape.count == count * width, "each row of \(output.shape) has a target, or none")
    return (output.floats, width)
  }

  /// Numbers worked out side by side, in their order.
  private static func map(_ count: Int, cost: Int, _ body: @Sendable (Int) -> Double) -> [Double] {
    [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress {
        nonisolated(unsafe) let target = base
        Parallel.ranges(count, cost: cost) { range in for index in range { target[index] = body(index) } }
      }
      initialized = count
    }
  }
}
