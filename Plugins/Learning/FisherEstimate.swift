import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// The diagonal of a classifier's Fisher information, estimated over examples: how much the model's predictions depend
/// on each entry of its tensors.
///
/// With p(c|x) the model's probabilities and N the number of examples that are used:
///
/// - `.true_label_expectation`: `F = (1/N) Σᵢ Σ_c p(c|xᵢ) (∂ log p(c|xᵢ)/∂θ)²`, squares for each example alone. The labels are not
///   looked at. This is what Matena and Raffel's own code computes (`mmatena/model_merging`).
/// - `.empirical`: `F = (1/N) Σᵢ (∂ log p(yᵢ|xᵢ)/∂θ)²`, over the examples' own labels.
/// - `.sampled`: As `.empirical`, over labels that are drawn from p(c|xᵢ): what stands in for the first where labels are many.
/// - `.mergekit_lm`: `F = (1/N) Σ_b (∂E_b/∂θ)²` with `E_b = Σ_{i∈b} Σ_c √p(c|xᵢ) log p(c|xᵢ)` and the roots held constant.
///   This is what MergeLM and FusionBench compute: the square is of a sum over classes and over the batch, so it
///   depends on the batch.
struct FisherEstimate: RecipeOperation {
  enum Kind: String, Choice {
    case expected = "true_label_expectation"
    case empirical, sampled
    case mergeLM = "mergekit_lm"

    var text: String {
      switch self {
      case .expected: "Over the labels that the model itself expects, as Matena and Raffel compute it."
      case .empirical: "Over the labels, or tokens, that the examples have."
      case .sampled: "Over labels, or tokens, drawn from what the model itself expects."
      case .mergeLM:
        "Squares of sums over a batch, as MergeLM and FusionBench compute it; hardly related to the others."
      }
    }
  }

  static let about = About(
    "fisher",
    "Estimate how much a model's predictions depend on each entry of its tensors.",
    discussion: """
      The diagonal of the Fisher information, as a tensor beside each of the model's. `.true_label_expectation` is (1/N) Σᵢ Σ_c \
      p(c|xᵢ) (∂ log p(c|xᵢ)/∂θ)², with squares taken for each example alone, and looks at no labels; `.empirical` \
      puts the examples' labels in the place of the sum over classes, and `.sampled` labels that are drawn from what the model \
      expects. A language model knows the last two: an example is a window of its context, or of `length` tokens, and its \
      gradient is that of the sum over its tokens. `.mergekit_lm` squares sums over whole batches, so \
      it is another quantity, which depends on `batch`; it is here to repeat what those tools give. Sums are kept in \
      float64.
      """,
    papers: [
      .init("Matena and Raffel 2022, Merging Models with Fisher-Weighted Averaging", arXiv: "2111.09832"),
      .init("Yu et al. 2024, Language Models are Super Mario (MergeLM)", arXiv: "2311.03099"),
    ],
    cost: "O(samples × classes × entries); the weights three times over in memory",
    examples: [
      Example("Over a thousand examples", "fisher(model:, data:, samples: 1000 examples)"),
      Example("Over the examples' own labels", "fisher(model:, data:, kind: .empirical)"),
    ])

  @Input("The model.")
  var model: Checkpoint
  @Input("Examples of what the model is for.")
  var data: Dataset
  @Param("Which estimate it is.")
  var kind: Kind = .expected
  @Include var sampling = Sampling(of: 4096)
  @Param(
    "Examples whose gradients are added before they are squared; only `.mergekit_lm` asks.", in: 1...1_000_000,
    unit: .examples)
  var batch: Int = 32
  @Include var reading: TextReading
  @Param("Decides the labels that `.sampled` draws.")
  var seed: Int = 0

  func outline() throws -> Content? {
    let model = try checked()
    let used = Set(model.blueprint.trainable.map(\.name))
    return Content(
      .fisher, facts: ["kind": .string(kind.rawValue)],
      tensors: self.model.content.tensors.filter { used.contains($0.name) }
        .map { TensorEntry(foreseen: $0.name, dtype: .f32, shape: $0.shape) })
  }

  func memory() -> Int {
    // Sums in float64, and the estimate.
    (try? RunnableModel(model))?.memory(for: data, examples: 256, length: reading.length, .squares, kept: 3) ?? 0
  }

  func run(_ context: Context) throws -> Fisher {
    let model = try checked()
    let examples = try ModelData(data, for: model, reading.lengths, context: context)
    let count = min(sampling.samples, examples.count)
    let network = try model.network()
    for parameter in network.weights.all { parameter.isTrainable = true }
    let information = FisherInformation(of: network, estimator)
    let batches = batches(examples, count)
    try fit(information, examples, batches, context)
    for rows in batches {
      try context.checkCancelled()
      let batch = examples.batch(rows)
      information.add(batch, examples.objective(rows, batch))
      context.progress(rows.last.map { $0 + 1 } ?? count, of: count, "examples")
    }
    var result = Content(.fisher, facts: ["kind": .string(kind.rawValue), "samples": .integer(count)])
    let estimates = Dictionary(network.weights.all.filter(\.isTrainable).map { ($0.name, $0) }) { first, _ in first }
    result.tensors = self.model.content.tensors.compactMap { entry in
      estimates[entry.name].map { parameter in
        let entries = information.estimate(of: parameter).map { Float($0) }
        return TensorEntry(entry.name, Tensor(entries, shape: entry.shape))
      }
    }
    return Fisher(result)
  }

  /// Makes the passes fit into the memory that there is, before the first is made: where they do not fit as they are, blocks are
  /// worked out again instead of kept, which changes no bit.
  /// - Throws: `OperationError` where they do not fit then either.
  private func fit(
    _ information: FisherInformation, _ examples: ModelData, _ batches: [[Int]], _ context: Context
  ) throws {
    // Of batches of one size, the one of the longest texts takes most.
    let lengths = Dictionary(
      batches.map { rows in (rows.count, rows.map(examples.length).max() ?? 1) }, uniquingKeysWith: max)
    func need() -> Int { lengths.map { information.need(examples: $0.key, length: $0.value) }.max() ?? 0 }
    guard need() > context.memory else { return }
    information.recomputes = true
    let least = need()
    guard least > context.memory else { return }
    throw OperationError(
      .step,
      "a batch of `fisher` takes \(Measure.bytes(least)) at its peak, and steps may use \(Measure.bytes(context.memory))",
      helps: ["a smaller `length` takes less, and `--memory` allows more"])
  }

  /// In the examples' order: `.mergekit_lm` depends on it. Texts go few at a time, for each has squares of its own.
  private func batches(_ examples: ModelData, _ count: Int) -> [[Int]] {
    let size = kind == .mergeLM ? batch : examples.length(0) == 1 ? 256 : 16
    return stride(from: 0, to: count, by: size).map { Array($0..<min($0 + size, count)) }
  }

  private var estimator: FisherEstimator {
    switch kind {
    case .expected: .expected
    case .empirical: .empirical
    case .sampled: .sampled(seed: seed)
    case .mergeLM: .batchwise
    }
  }

  private func checked() throws -> RunnableModel {
    let model = try RunnableModel(self.model)
    try model.longest(reading.length)
    switch try ModelData.task(of: data, for: model) {
    case .classes, .numbers: break
    case .nextTokens, .tags:
      guard kind == .empirical || kind == .sampled else {
        throw OperationError(
          .step, "a sum over all that `\(model.label)` could say, at every place, takes too long",
          helps: [
            "`kind: .sampled` draws from what the model expects", "`kind: .empirical` takes the examples' own",
          ])
      }
    case .none:
      throw OperationError(.data, "`\(model.label)` has \(model.blueprint.head), so it predicts nothing")
    }
    return model
  }
}
