import Diagnostics
import Operations

/// The number that one looks for first in measurements: the first of their figures, and how far it ranges.
struct Headline {
  let name: String
  let numbers: [Double]

  /// Nil where not all of them measured that.
  init?(_ steps: [Lineage.Step]) {
    guard let first = steps.first, first.kind == "metrics", let name = Facts(first.facts).numbers.first else {
      return nil
    }
    numbers = steps.compactMap { Facts($0.facts)[name] }.filter(\.isFinite)
    self.name = name
    guard numbers.count == steps.count else { return nil }
  }

  var mean: Double { numbers.reduce(0, +) / Double(numbers.count) }

  /// `accuracy 0.95`, `accuracy 0.6 to 0.95`.
  var text: String {
    let ends = [numbers.min() ?? 0, numbers.max() ?? 0].map(Measure.figure)
    return "\(name) \(ends[0])" + (ends[0] == ends[1] ? "" : " to \(ends[1])")
  }
}
