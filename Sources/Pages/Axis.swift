import Foundation

/// A scale of numbers with round ones to mark on it.
struct Axis {
  let range: ClosedRange<Double>
  /// Within the range, from its lower end up.
  let ticks: [Double]

  /// - Parameter count: About how many numbers are marked.
  init(_ range: ClosedRange<Double>, count: Int) {
    self.range = range
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite else {
      ticks = [range.lowerBound]
      return
    }
    let rough = span / Double(max(count, 1))
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? rough
    let first = (range.lowerBound / step).rounded(.up)
    let last = (range.upperBound / step * (1 + 1e-12)).rounded(.down)
    ticks = first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
  }

  /// Where a number stands, from 0 to 1.
  func share(of number: Double) -> Double {
    let span = range.upperBound - range.lowerBound
    return span > 0 ? (number - range.lowerBound) / span : 0.5
  }
}
