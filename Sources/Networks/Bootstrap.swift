import Tensors

/// Bootstrap percentile intervals (Efron 1979) of the means of scores that belong to the same examples.
public enum Bootstrap {
  /// The interval of each score's mean.
  ///
  /// - Parameters:
  ///   - scores: Each with one number an example, and how much each counts, where that differs; all are resampled together.
  ///   - resamples: How often as many examples as there are, are drawn with replacement.
  ///   - confidence: The share of resampled means that lie in the interval.
  ///   - progress: Is told how many resamples are done; may throw to stop.
  public static func intervals(
    _ scores: [(values: [Double], weights: [Double])], resamples: Int, confidence: Double, generator: inout Generator,
    progress: (Int) throws -> Void
  ) rethrows -> [ClosedRange<Double>] {
    let count = scores.first?.values.count ?? 0
    precondition(count > 0 && resamples > 0, "there is something to resample")
    var means = scores.map { _ in [Double]() }
    for resample in 0..<resamples {
      var sums = [Double](repeating: 0, count: scores.count)
      var weights = sums
      for _ in 0..<count {
        let example = generator.integer(below: count)
        for (index, score) in scores.enumerated() {
          let weight = score.weights.isEmpty ? 1 : score.weights[example]
          sums[index] += weight * score.values[example]
          weights[index] += weight
        }
      }
      for index in scores.indices { means[index].append(sums[index] / max(weights[index], .leastNormalMagnitude)) }
      try progress(resample + 1)
    }
    let tail = (1 - confidence) / 2
    return means.map { means in
      let sorted = means.sorted()
      let low = quantile(sorted, tail)
      return low...max(low, quantile(sorted, 1 - tail))
    }
  }

  /// A quantile of sorted numbers, linear between neighbours.
  static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = min(max(share, 0), 1) * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
  }
}
