/// Percentile bootstrap intervals (Efron 1979).
public enum Bootstrap {
  /// The interval that holds the middle share of resampled figures.
  public static func interval(_ figures: [Double], confidence: Double) -> ClosedRange<Double> {
    precondition(!figures.isEmpty, "there is something to resample")
    let (sorted, tail) = (figures.sorted(), (1 - confidence) / 2)
    let low = quantile(sorted, tail)
    return low...max(low, quantile(sorted, 1 - tail))
  }

  /// A quantile of sorted numbers, linear between neighbours.
  static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = min(max(share, 0), 1) * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
  }
}
