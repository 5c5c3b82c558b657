import Diagnostics
import Formats
import Operations

/// The mean and spread of one number over several measurements: of runs with several seeds, or of a model on several
/// tasks.
///
/// The spread is the sample's standard deviation, `√(Σ (x − mean)² / (n − 1))`, and zero for a single measurement.
struct Summary: RecipeOperation {
  static let about = About(
    "summary",
    "Sum up one number of several measurements by its mean and spread.",
    discussion:
      "The spread is the sample's standard deviation, with n − 1 in the denominator; of one measurement it is 0.",
    cost: "O(measurements)",
    examples: [
      Example(
        "The mean of three accuracies", "summary(of: [evaluate(a, data:), evaluate(b, data:), evaluate(c, data:)])")
    ])

  static let fields = [
    Field("mean", "The arithmetic mean."),
    Field("spread", "The sample's standard deviation."),
    Field("minimum", "The smallest number."),
    Field("maximum", "The largest number."),
    Field("count", "How many numbers there are.", type: .count(nil)),
  ]

  @Input("The measurements.", count: 1...)
  var of: [Metrics]
  @Param("Which of their numbers to sum up.")
  var field: String = "accuracy"

  func outline() throws -> Content? { Content(.metrics) }

  // Only facts are read.
  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Metrics {
    let numbers = try of.map { metrics in
      guard let number = metrics.content.facts[field]?.number else {
        let names = (metrics.content.facts.object ?? []).filter { $0.value.number != nil }.map(\.name)
        throw OperationError(
          .step, "`\(metrics.label)` has no number called `\(field)`",
          notes: ["it has \(names.map { "`\($0)`" }.joined(separator: ", "))"],
          helps: NearestName.of(field, among: names).map { ["did you mean `\($0)`?"] } ?? [])
      }
      return number
    }
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let spread = numbers.count > 1 ? (squares / Double(numbers.count - 1)).squareRoot() : 0
    let facts: JSON = [
      "field": .string(field), "mean": .number(mean), "spread": .number(spread),
      "minimum": .number(numbers.min() ?? mean), "maximum": .number(numbers.max() ?? mean),
      "count": .integer(numbers.count),
    ]
    return Metrics(Content(.metrics, facts: facts))
  }
}
