import Diagnostics
import Formats
import Models
import Operations
import Tensors

/// Whether one model does better than another on the same examples, or the difference is within noise.
struct Compare: RecipeOperation {
  static let about = About(
    "compare",
    "Say whether one model does better than another on the same examples, or whether the difference is within noise.",
    discussion: """
      Takes two measurements of `evaluate` on the same dataset. For each figure that both have, the difference `of` less `against` comes \
      with a percentile bootstrap interval: the same examples are drawn for both, `resamples` times, and the interval holds the middle \
      `confidence` of the differences. `accuracy_difference_verdict` and its like say `better` or `worse`, or `within noise` where the \
      interval holds 0. Comparing many models with one will find some of them better by chance: of 20 that are as good, one \
      at a `confidence` of 95%.
      """,
    papers: [
      .init("Efron 1979, Bootstrap Methods: Another Look at the Jackknife"),
      .init("Koehn 2004, Statistical Significance Tests for Machine Translation Evaluation"),
    ],
    cost: "O(examples × figures × resamples)",
    examples: [
      Example("A merge beside what it was made of", "compare(evaluate(a, data:), against: evaluate(b, data:))"),
      Example(
        "Accuracy alone, more strictly",
        "compare(evaluate(a, data:), against: evaluate(b, data:), report: [.accuracy], confidence: 99%)"),
    ])

  static let fields = PairedComparison.fields

  @Input("The measurement of the model that is judged.")
  var of: Metrics
  @Input("The measurement of the model that it is compared with.")
  var against: Metrics
  @Param("Which figures to compare, of those that both have.")
  var report: [Metric] = Metric.allCases
  @Include var resampling: Resampling

  func outline() throws -> Content? {
    if !of.content.tensors.isEmpty, let kind = try ExampleScores.kind(of: of) {
      try PairedComparison.check(kind, against)
    }
    return Content(.metrics)
  }

  func run(_ context: Context) throws -> Metrics {
    let scores = try ExampleScores(of)
    let comparison = try PairedComparison(
      scores, label: of.label, against, resampling)
    let metrics = scores.metrics.filter(report.contains)
    guard !metrics.isEmpty else {
      throw OperationError(
        .step, "nothing that `report` of `compare` asks for can be said of `\(of.label)`",
        notes: ["it has \(scores.metrics.map { "`\($0.rawValue)`" }.joined(separator: ", "))"])
    }
    let facts = try comparison.facts(metrics, context)
    return Metrics(Content(.metrics, facts: .object(facts + [.init("examples", .integer(scores.count))])))
  }
}
