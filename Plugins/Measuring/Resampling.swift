import Models
import Operations
import Tensors

/// How sure a figure over examples is: by a percentile bootstrap, which draws as many examples anew with replacement.
struct Resampling: SharedSettings {
  @Param("How often the examples are drawn anew for the intervals.", in: 1...1_000_000)
  var resamples: Int = 1000
  @Param("Share of the resampled figures that an interval holds.", in: 0..<1)
  var confidence: Fraction = 0.95
  @Param("Decides how the examples are drawn anew.")
  var seed: Int = 0

  /// The intervals of figures, or of their differences from those of other scores of the same examples.
  /// - Parameter stream: What the random numbers are for.
  func intervals(
    of metrics: [Metric], _ scores: ExampleScores, less other: ExampleScores? = nil, stream: String, _ context: Context
  ) throws -> [Metric: ClosedRange<Double>] {
    var generator = Generator(seed: seed, stream: stream, "bootstrap")
    return try scores.intervals(
      metrics, less: other, resamples: resamples, confidence: confidence.share, generator: &generator
    ) { done in
      try context.checkCancelled()
      context.progress(done, of: resamples, "resamples")
    }
  }
}
