import Diagnostics
import Formats
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
/// - `.mergekit_lm`: `F = (1/N) Σ_b (∂E_b/∂θ)²` with `E_b = Σ_{i∈b} Σ_c √p(c|xᵢ) log p(c|xᵢ)` and the roots held constant.
///   This is what MergeLM and FusionBench compute: the square is of a sum over classes and over the batch, so it
///   depends on the batch.
struct FisherEstimate: RecipeOperation {
  enum Kind: String, Choice {
    case expected = "true_label_expectation"
    case empirical
    case mergeLM = "mergekit_lm"

    var text: String {
      switch self {
      case .expected: "Over the labels that the model itself expects, as Matena and Raffel compute it."
      case .empirical: "Over the labels that the examples have."
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
      puts the examples' labels in the place of the sum over classes. `.mergekit_lm` squares sums over whole batches, so \
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
  @Param("The most examples that are used, from the first on.", in: 1...1_000_000_000, unit: .examples)
  var samples: Int = 4096
  @Param(
    "Examples whose gradients are added before they are squared; only `.mergekit_lm` asks.", in: 1...1_000_000,
    unit: .examples)
  var batch: Int = 32

  func outline() throws -> Content? {
    _ = try architecture()
    return Content(
      .fisher, facts: try facts(),
      tensors: model.content.tensors.map { TensorEntry(foreseen: $0.name, dtype: .f32, shape: $0.shape) })
  }

  func memory() -> Int { data.content.byteCount + model.content.byteCount * 6 }

  func run(_ context: Context) throws -> Fisher {
    let network = try Perceptron(architecture()) { try model.content.finiteTensor($0) }
    let examples = Examples(features: try data.features(), labels: try data.labels()).prefix(samples)
    let estimator: FisherEstimator =
      switch kind {
      case .expected: .expected
      case .empirical: .empirical
      case .mergeLM: .batchwise(batch: batch)
      }
    let information = try network.fisher(examples, estimator) { done in
      try context.checkCancelled()
      context.progress(done, of: examples.count, "examples")
    }
    var estimates: [String: Tensor] = [:]
    for (tensor, entries) in zip(network.architecture.tensors, information) {
      estimates[tensor.name] = Tensor(entries.map { Float($0) }, shape: tensor.shape)
    }
    var result = Content(.fisher, facts: try facts())
    result.tensors = model.content.tensors.compactMap { entry in
      estimates[entry.name].map { tensor in TensorEntry(entry.name, dtype: .f32, shape: entry.shape) { tensor } }
    }
    return Fisher(result)
  }

  private func facts() throws -> JSON {
    ["kind": .string(kind.rawValue), "samples": .integer(min(samples, try data.labelledSize().examples))]
  }

  private func architecture() throws -> PerceptronArchitecture {
    let architecture = try PerceptronArchitecture(config: model.config, tensors: model.content.shapes, of: model.label)
    let size = try data.labelledSize()
    try architecture.check(features: size.features, classes: size.classes, of: data.label, for: model.label)
    return architecture
  }
}
