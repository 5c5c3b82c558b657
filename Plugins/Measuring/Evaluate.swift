import Diagnostics
import Formats
import Networks
import Operations
import Tensors

/// How a classifier does on examples.
///
/// Accuracy is the share of examples whose highest logit is their label's; the loss is the mean cross-entropy; the
/// calibration error is `Σ_b (n_b/n) |accuracy_b − confidence_b|` over 15 bins of equal width of the highest
/// probability (Guo et al. 2017). The intervals are percentile bootstraps of the mean: the examples are drawn with
/// replacement, again and again, and the interval holds the middle of the means.
struct Evaluate: RecipeOperation {
  enum Measure: String, Choice {
    case accuracy, loss
    case calibrationError = "calibration_error"

    var text: String {
      switch self {
      case .accuracy: "Share of the examples whose label is the most probable class; higher is better."
      case .loss: "Mean cross-entropy with the labels, in nats; lower is better."
      case .calibrationError: "How far probabilities are from frequencies, over 15 bins; lower is better."
      }
    }
  }

  static let about = About(
    "evaluate",
    "Measure how well a model predicts the labels of examples.",
    discussion: """
      The accuracy and the loss come with an interval (`accuracy_interval`, `loss_interval`) from a percentile \
      bootstrap: the examples are drawn with replacement, `resamples` times, and the interval holds the middle \
      `confidence` of the means. The calibration error takes 15 bins of equal width of the highest probability. Scores \
      of each example are kept beside the numbers: `prediction`, `correct`, `loss`, `confidence`.
      """,
    papers: [
      .init("Guo et al. 2017, On Calibration of Modern Neural Networks", arXiv: "1706.04599"),
      .init("Efron 1979, Bootstrap Methods: Another Look at the Jackknife"),
    ],
    cost: "O(examples × (entries + resamples))",
    examples: [
      Example("All measures", "evaluate(model, data:)"),
      Example("Accuracy alone, with a wider interval", "evaluate(model, data:, report: [.accuracy], confidence: 99%)"),
    ])

  static let fields = Measure.allCases.map { Field($0.rawValue, $0.text) }

  @Input("The model to measure.")
  var model: Checkpoint
  @Input("The examples to measure it on.")
  var data: Dataset
  @Param("What to report.")
  var report: [Measure] = Measure.allCases
  @Param("How often the examples are drawn anew for the intervals.", in: 1...1_000_000)
  var resamples: Int = 1000
  @Param("Share of the resampled means that an interval holds.", in: 0..<1)
  var confidence: Fraction = 0.95
  @Param("Decides how the examples are drawn anew.")
  var seed: Int = 0

  func outline() throws -> Content? {
    _ = try architecture()
    let examples = try data.labelledSize().examples
    return Content(
      .metrics, tensors: Self.tensors(examples).map { TensorEntry(foreseen: $0, dtype: $1, shape: [examples]) })
  }

  func memory() -> Int { data.content.byteCount * 2 + model.content.byteCount * 2 + (16 << 20) }

  func run(_ context: Context) throws -> Metrics {
    let network = try Perceptron(architecture()) { try model.content.finiteTensor($0) }
    let scores = network.scores(Examples(features: try data.features(), labels: try data.labels()))
    guard scores.losses.allSatisfy(\.isFinite) else {
      throw OperationError(.step, "the logits of `\(model.label)` on `\(data.label)` are too large for float32")
    }
    var facts: JSON = .object([])
    let intervals = try intervals(scores, context)
    for measure in Measure.allCases where report.contains(measure) {
      switch measure {
      case .accuracy: facts = facts.setting("accuracy", to: .number(scores.accuracy))
      case .loss: facts = facts.setting("loss", to: .number(scores.loss))
      case .calibrationError: facts = facts.setting("calibration_error", to: .number(scores.calibrationError))
      }
      if let interval = intervals[measure] {
        facts = facts.setting(
          measure.rawValue + "_interval", to: [.number(interval.lowerBound), .number(interval.upperBound)])
      }
    }
    return Metrics(
      Content(.metrics, facts: facts.setting("examples", to: .integer(scores.count)), tensors: Self.tensors(of: scores))
    )
  }

  /// Of those measures that are means of a score and are asked for.
  private func intervals(_ scores: Scores, _ context: Context) throws -> [Measure: ClosedRange<Double>] {
    let means = [Measure.accuracy, .loss].filter(report.contains)
    guard !means.isEmpty else { return [:] }
    var generator = Generator(seed: seed, stream: "evaluate", "bootstrap")
    // Both are always drawn together, so that leaving one out does not change the other.
    let intervals = try Bootstrap.intervals(
      [scores.hits.map { $0 ? 1 : 0 }, scores.losses], resamples: resamples, confidence: confidence.share,
      generator: &generator
    ) { done in
      try context.checkCancelled()
      context.progress(done, of: resamples, "resamples")
    }
    return Dictionary(uniqueKeysWithValues: zip([.accuracy, .loss], intervals).filter { means.contains($0.0) })
  }

  private func architecture() throws -> PerceptronArchitecture {
    let architecture = try PerceptronArchitecture(config: model.config, tensors: model.content.shapes, of: model.label)
    let size = try data.labelledSize()
    try architecture.check(features: size.features, classes: size.classes, of: data.label, for: model.label)
    return architecture
  }

  // MARK: Scores of each example

  private static func tensors(_ examples: Int) -> [(name: String, dtype: DType)] {
    [("prediction", .i64), ("correct", .u8), ("loss", .f32), ("confidence", .f32)]
  }

  private static func tensors(of scores: Scores) -> [TensorEntry] {
    let shape = Shape([scores.count])
    let tensors = [
      Tensor(scores.predictions, shape: shape), Tensor(bytes: scores.hits.map { $0 ? 1 : 0 }, dtype: .u8, shape: shape),
      Tensor(scores.losses.map { Float($0) }, shape: shape), Tensor(scores.confidences.map { Float($0) }, shape: shape),
    ]
    return zip(Self.tensors(scores.count), tensors).map { header, tensor in
      TensorEntry(header.name, dtype: header.dtype, shape: shape) { tensor }
    }
  }
}
