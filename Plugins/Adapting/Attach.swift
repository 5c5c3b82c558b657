import Adapters
import Operations
import Tensors

/// A model with an adapter folded into its weights.
struct Attach: AdapterFold {
  static let about = About(
    "attach",
    "Fold an adapter into the model that it was made for.",
    discussion: """
      Each weight that the adapter changes becomes W + ΔW, worked out in float64. Of low rank ΔW is s B A with s = α/r, or \
      α/√r with `use_rslora`; `alpha_pattern`, transposed layers, embeddings, biases, DoRA's magnitudes and modules that \
      were saved whole are taken as PEFT means them, and so are trained tokens, stacks of experts (`target_parameters`), and its LoKr, \
      LoHa, IA3 and Poly. Where a head has the embedding's weight and the adapter changes only one of the two, the result has a head \
      with a weight of its own, and says so in its configuration: PEFT's own merge would change both. All other tensors stay as they \
      are, byte for byte. Recipes write `base + adapter`; mergekit writes such a model as `model+adapter`.
      """,
    papers: [
      .init("Hu et al. 2021, LoRA", arXiv: "2106.09685"), .init("Liu et al. 2024, DoRA", arXiv: "2402.09353"),
    ],
    cost: "O(entries × rank) of the tensors that change; of low rank a few rows in memory at a time, else one tensor",
    examples: [
      Example("A model with its adapter", "attach(base:, adapter: adapter(\"models/adapter\"))"),
      Example("Half of what the adapter does", "attach(base:, adapter: adapter(\"models/adapter\"), weight: 0.5)"),
    ])

  /// 2: what is of low rank is added a few rows at a time. 3: a head and an embedding that share a weight part where only one changes.
  static let version = 3

  @Input("The model.")
  var base: Checkpoint
  @Input("The adapter.")
  var adapter: Adapter
  @Param("How much of the adapter is taken.")
  var weight: Layered<Double> = 1

  func share(_ tensor: TensorName) -> Double { weight(tensor) }

  func check() throws { _ = try AdaptedModel(adapter.content, for: base.content) }
}
