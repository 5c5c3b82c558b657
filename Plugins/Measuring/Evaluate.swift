import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// How a model does on examples.
///
/// What is measured follows from the model's head and the data: classes, numbers, next tokens, or the likeness of two texts.
/// Intervals are percentile bootstraps of the mean over examples.
struct Evaluate: RecipeOperation {
  enum Pooling: String, Choice {
    case mean, first, last

    var text: String {
      switch self {
      case .mean: "The mean of all tokens' states, as sentence transformers take it."
      case .first: "The first token's state, where BERT has its `[CLS]`."
      case .last: "The last token's state, as decoders have it."
      }
    }

    var pooling: EmbeddingPooling {
      switch self {
      case .mean: .mean
      case .first: .first
      case .last: .last
      }
    }
  }

  static let about = About(
    "evaluate",
    "Measure how well a model does on examples.",
    discussion: """
      A classifier gives `accuracy`, `f1` (the mean over classes), `matthews`, `loss` (mean cross-entropy in nats) and \
      `calibration_error` (15 bins of equal width of the highest probability). A head of one number gives `loss` (mean squared \
      error), `pearson` and `spearman`. A language model gives `loss` in nats per scored token, `perplexity` and \
      `bits_per_byte`: texts are read in windows of the model's context, or of `length`, that do not overlap, unless `stride` \
      says so; the first token of a text is never scored, and with `stride` each token is scored once, in the first window \
      that reaches it. A model without a head embeds pairs of texts, and `spearman` and `pearson` compare the cosine of the \
      two with the data's numbers.

      `accuracy` and `loss` come with an interval (`accuracy_interval`, `loss_interval`) from a percentile bootstrap: the \
      examples, or windows, are drawn with replacement, `resamples` times, and the interval holds the middle `confidence` of \
      the means. Scores of each example are kept beside the numbers.
      """,
    papers: [
      .init("Guo et al. 2017, On Calibration of Modern Neural Networks", arXiv: "1706.04599"),
      .init("Efron 1979, Bootstrap Methods: Another Look at the Jackknife"),
      .init("Gorodkin 2004, Comparing two K-category assignments by a K-category correlation coefficient"),
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
  @Param("What to report, of that which the model and the data allow.")
  var report: [Measure] = Measure.allCases
  @Param(
    "The most tokens of an example or window; as many as the model reads where it is left out.", in: 2...1_000_000,
    unit: .tokens)
  var length: Int? = nil
  @Param("Whether texts that are longer are cut off.")
  var truncate: Bool = false
  @Param(
    "Tokens between the beginnings of two windows of a long text; by default windows do not overlap.",
    in: 1...1_000_000, unit: .tokens)
  var stride: Int? = nil
  @Param("What the embedding of a text is made of; only a model without a head asks.")
  var pooling: Pooling = .mean
  @Param("How often the examples are drawn anew for the intervals.", in: 1...1_000_000)
  var resamples: Int = 1000
  @Param("Share of the resampled means that an interval holds.", in: 0..<1)
  var confidence: Fraction = 0.95
  @Param("Decides how the examples are drawn anew.")
  var seed: Int = 0

  func outline() throws -> Content? {
    let model = try RunnableModel(self.model)
    let measures = try measures(model)
    guard !measures.isEmpty else {
      throw OperationError(
        .step, "nothing that `report` of `evaluate` asks for can be said of `\(model.label)` on `\(data.label)`")
    }
    // How many windows there are, only reading the texts tells.
    let task = try ModelData.task(of: data, for: model)
    guard task != .nextTokens, let count = data.content.facts["rows"]?.integer else { return nil }
    return Content(
      .metrics, tensors: Self.scores(task).map { TensorEntry(foreseen: $0.name, dtype: $0.dtype, shape: [count]) })
  }

  func memory() -> Int {
    (try? RunnableModel(model))?.memory(for: data, examples: 256, length: length, .forward) ?? 0
  }

  func run(_ context: Context) throws -> Metrics {
    let model = try RunnableModel(self.model)
    let measures = try measures(model)
    let lengths = TextLengths(longest: length, truncates: truncate, stride: stride)
    let result =
      switch try ModelData.task(of: data, for: model) {
      case .classes: try Self.classes(model, ModelData(data, for: model, lengths, context: context), context)
      case .numbers: try Self.numbers(model, ModelData(data, for: model, lengths, context: context), context)
      case .nextTokens: try Self.nextTokens(model, ModelData(data, for: model, lengths, context: context), context)
      case .none: try likeness(model, lengths, context)
      }
    guard result.figures.allSatisfy({ $0.value.isFinite }) else {
      throw OperationError(.step, "the outputs of `\(model.label)` on `\(data.label)` are too large for float32")
    }
    var facts: JSON = .object([])
    let intervals = try intervals(result, measures, context)
    for measure in measures {
      guard let value = result.figures[measure] else { continue }
      facts = facts.setting(measure.rawValue, to: .number(value))
      if let interval = intervals[measure] {
        facts = facts.setting(
          measure.rawValue + "_interval", to: [.number(interval.lowerBound), .number(interval.upperBound)])
      }
    }
    for (name, count) in result.counts { facts = facts.setting(name, to: .integer(count)) }
    return Metrics(Content(.metrics, facts: facts, tensors: result.scores.map { TensorEntry($0.name, $0.tensor) }))
  }

  /// What is reported: all that is asked for and can be said.
  private func measures(_ model: RunnableModel) throws -> [Measure] {
    let known = Measure.known(for: try ModelData.task(of: data, for: model))
    if known.contains(.spearman), model.blueprint.head == .none {
      guard try data.textColumns().second != nil, data.content.facts["score"]?.string != nil else {
        throw OperationError(
          .data,
          "`\(model.label)` has no head, so it embeds texts, and `\(data.label)` has no pairs of texts with a number",
          helps: ["say which columns they are: `dataset(…, text: \"…\", pair: \"…\", score: \"…\")`"])
      }
    }
    let missing = report.filter { !known.contains($0) }
    if report != Measure.allCases, let first = missing.first {
      throw OperationError(
        .step, "`evaluate` cannot report `\(first.rawValue)` of `\(model.label)` on `\(data.label)`",
        notes: ["it can report \(known.map { "`\($0.rawValue)`" }.joined(separator: ", "))"])
    }
    return Measure.allCases.filter { known.contains($0) && report.contains($0) }
  }

  /// Of those measures that are means over examples and are asked for.
  private func intervals(
    _ result: Measurement, _ measures: [Measure], _ context: Context
  ) throws -> [Measure: ClosedRange<Double>] {
    let means = result.means.filter { measures.contains($0.measure) }
    guard !means.isEmpty else { return [:] }
    var generator = Generator(seed: seed, stream: "evaluate", "bootstrap")
    // All are always drawn together, so that leaving one out does not change the others.
    let intervals = try Bootstrap.intervals(
      result.means.map { ($0.values, $0.weights) }, resamples: resamples, confidence: confidence.share,
      generator: &generator
    ) { done in
      try context.checkCancelled()
      context.progress(done, of: resamples, "resamples")
    }
    return Dictionary(
      uniqueKeysWithValues: zip(result.means.map(\.measure), intervals).filter { measures.contains($0.0) })
  }
}
