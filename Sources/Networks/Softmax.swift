import Foundation

/// The probabilities that logits mean, in float64.
struct Softmax {
  let probabilities: [Double]
  private let shifted: [Double]
  private let logTotal: Double

  init(_ logits: ArraySlice<Float>) {
    let largest = Double(logits.max() ?? 0)
    shifted = logits.map { Double($0) - largest }
    let exponentials = shifted.map { exp($0) }
    let total = exponentials.reduce(0, +)
    probabilities = exponentials.map { $0 / total }
    logTotal = log(total)
  }

  subscript(label: Int) -> Double { probabilities[label] }

  /// The natural logarithm of a class's probability, exact where the probability itself would be zero.
  func logarithm(_ label: Int) -> Double { shifted[label] - logTotal }
}
