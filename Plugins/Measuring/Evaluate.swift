import Diagnostics
import Formats
import Models
import Networks
import Operations

/// How a model does on examples.
///
/// What is measured follows from the model's head and the data: classes, of examples or of words, numbers, next tokens, choices,
/// answers, or the likeness of two texts. Intervals are percentile bootstraps over examples.
struct Evaluate: RecipeOperation {
  enum Pooling: String, Choice {
    case mean, first, last, max

    var text: String {
      switch self {
      case .mean: "The mean of all tokens' states, as sentence transformers take it."
      case .first: "The first token's state, where BERT has its `[CLS]`."
      case .last: "The last token's state, as decoders have it."
      case .max: "The largest of all tokens' states, entry by entry."
      }
    }

    var pooling: EmbeddingPooling {
      switch self {
      case .mean: .mean
      case .first: .first
      case .last: .last
      case .max: .max
      }
    }
  }

  /// What a choice's log-likelihood is divided by.
  enum ChoiceLength: String, Choice {
    case none, tokens, characters, bytes

    var text: String {
      switch self {
      case .none: "Nothing: the most probable choice wins (`acc` of lm-evaluation-harness)."
      case .tokens: "The number of its tokens."
      case .characters: "The number of its characters (`acc_norm` of lm-evaluation-harness)."
      case .bytes: "The number of its bytes in UTF-8."
      }
    }
  }

  static let about = About(
    "evaluate",
    "Measure how well a model does on examples.",
    discussion: """
      A classifier gives `accuracy`, `f1` (the mean over classes), `matthews`, `loss` (mean cross-entropy in nats) and \
      `calibration_error` (15 bins of equal width of the highest probability). A classifier of tokens gives `accuracy`, `f1` (the mean \
      over classes) and `loss` of words, each by its first token, and where classes are called `B-…`, `I-…` and `O` the \
      `entity_f1` of CoNLL: an entity counts where all its words and its class are right, and all classes count together. A head of one \
      number gives `loss` (mean squared error), `pearson` and `spearman`. A model without a head embeds pairs of texts, and \
      `spearman`, `pearson` and `loss` (the mean squared difference, where numbers mean cosines) compare the cosine of the two with \
      the data's numbers.

      A language model gives `loss` in nats per scored token, `perplexity` and `bits_per_byte`: texts are read in windows of the \
      model's context, or of `length`, that do not overlap, unless `stride` says so; the first token of a text is never scored, \
      and with `stride` each token is scored once, in the first window that reaches it. Where the data has `choices`, its \
      `accuracy` is the share of examples whose right choice is the most likely one, after `choice_length`; where it has an `answer`, \
      `exact_match` is the share of answers that greedy decoding gives as they stand, but for white space at both ends. Choices and \
      answers are read behind the text, with a space between where there is no white space.

      The main figures come with an interval (`accuracy_interval`, `loss_interval`) from a percentile bootstrap: the \
      examples, or windows, are drawn with replacement, `resamples` times, and the interval holds the middle `confidence` of \
      the figures. With `against`, the measurement of another model on the same examples, each figure comes with its difference from \
      that one's and whether that is within noise, as `compare` says it. Scores of each example are kept beside the \
      numbers: `export … as csv` writes them.
      """,
    papers: [
      .init("Guo et al. 2017, On Calibration of Modern Neural Networks", arXiv: "1706.04599"),
      .init("Efron 1979, Bootstrap Methods: Another Look at the Jackknife"),
      .init("Gorodkin 2004, Comparing two K-category assignments by a K-category correlation coefficient"),
      .init("Tjong Kim Sang and De Meulder 2003, Introduction to the CoNLL-2003 Shared Task", arXiv: "cs/0306050"),
    ],
    cost: "O(examples × (entries + resamples))",
    examples: [
      Example("All measures", "evaluate(model, data:)"),
      Example("Accuracy alone, with a wider interval", "evaluate(model, data:, report: [.accuracy], confidence: 99%)"),
      Example("Whether it is better than another", "evaluate(a, data:, against: evaluate(b, data:))"),
    ])

  static let version = 2

  static let fields =
    Metric.allCases.map { Field($0.rawValue, $0.text) } + PairedComparison.fields

  @Input("The model to measure.")
  var model: Checkpoint
  @Input("The examples to measure it on.")
  var data: Dataset
  @Input("What another model had on the same examples, to compare with.")
  var against: Metrics?
  @Param("What to report, of that which the model and the data allow.")
  var report: [Metric] = Metric.allCases
  @Include var reading: TextReading
  @Param(
    "Tokens between the beginnings of two windows of a long text; by default windows do not overlap.",
    in: 1...1_000_000, unit: .tokens)
  var stride: Int? = nil
  @Param("What the embedding of a text is made of; only a model without a head asks.")
  var pooling: Pooling = .mean
  @Param("What the log-likelihood of a choice is divided by.")
  var choiceLength: ChoiceLength = .none
  @Param("The most tokens of an answer.", in: 1...100_000, unit: .tokens)
  var newTokens: Int = 32
  @Param("Texts that end an answer; it also ends with the model's own end of text.")
  var stop: [String] = ["\n"]
  @Include var resampling: Resampling

  func outline() throws -> Content? {
    let examination = try Examination(model, on: data)
    try examination.model.longest(reading.length)
    _ = try metrics(examination)
    if let against { try PairedComparison.check(examination.kind, against) }
    return examination.outline.map { Content(.metrics, tensors: $0) }
  }

  func memory() -> Int {
    (try? RunnableModel(model))?.memory(for: data, examples: 256, length: reading.length, .forward) ?? 0
  }

  func run(_ context: Context) throws -> Metrics {
    let examination = try Examination(model, on: data)
    let metrics = try metrics(examination)
    let scores = try examination.scores(self, context)
    let all = Array(0..<scores.count)
    var facts: JSON = .object([])
    let intervals = try intervals(scores, metrics, context)
    for metric in metrics {
      let figure = scores.figure(metric, over: all)
      guard figure.isFinite else {
        throw OperationError(
          .step, "the outputs of `\(model.label)` on `\(data.label)` are too large for float32")
      }
      facts = facts.setting(metric.rawValue, to: .number(figure))
      if let interval = intervals[metric] {
        facts = facts.setting(
          metric.rawValue + "_interval", to: [.number(interval.lowerBound), .number(interval.upperBound)])
      }
    }
    for (name, count) in counts(scores) { facts = facts.setting(name, to: .integer(count)) }
    if let against {
      let comparison = try PairedComparison(
        scores, label: model.label, against, resampling)
      for member in try comparison.facts(metrics, context) { facts = facts.setting(member.name, to: member.value) }
    }
    return Metrics(Content(.metrics, facts: facts, tensors: scores.tensors))
  }

  private func counts(_ scores: ExampleScores) -> [(name: String, count: Int)] {
    let sum = { (name: String) in
      scores.columns.first { $0.name == name }.map { Int($0.entries.reduce(0, +)) } ?? 0
    }
    return switch scores.kind {
    case .windows: [("tokens", sum("tokens")), ("windows", scores.count)]
    case .tags: [("examples", scores.count), ("words", sum("words"))]
    case .classes, .numbers, .likeness, .choices, .answers: [("examples", scores.count)]
    }
  }

  /// What is reported: all that is asked for and can be said.
  private func metrics(_ examination: Examination) throws -> [Metric] {
    let known = examination.metrics
    if report != Metric.allCases, let first = report.first(where: { !known.contains($0) }) {
      throw OperationError(
        .step, "`evaluate` cannot report `\(first.rawValue)` of `\(model.label)` on `\(data.label)`",
        notes: ["it can report \(known.map { "`\($0.rawValue)`" }.joined(separator: ", "))"])
    }
    let metrics = Metric.allCases.filter { known.contains($0) && report.contains($0) }
    guard !metrics.isEmpty else {
      throw OperationError(
        .step, "nothing that `report` of `evaluate` asks for can be said of `\(model.label)` on `\(data.label)`")
    }
    return metrics
  }

  /// Of the main figures that are asked for.
  private func intervals(
    _ scores: ExampleScores, _ metrics: [Metric], _ context: Context
  ) throws -> [Metric: ClosedRange<Double>] {
    let main: [Metric] = [.accuracy, .exactMatch, .entityF1, .loss, .spearman]
    let wanted = metrics.filter(main.contains)
    guard !wanted.isEmpty else { return [:] }
    return try resampling.intervals(of: wanted, scores, stream: "evaluate", context)
  }
}
