import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// For each linear layer of a model the mean of x xᵀ over its inputs x.
///
/// G = (1/n) Σ x xᵀ over all n tokens of the examples, padding left out. Products are made in float32 a batch at a time, and added
/// in float64.
struct GramEstimate: RecipeOperation {
  static let version = 2

  static let about = About(
    "gram",
    "Measure which inputs each linear layer of a model sees, as the mean of their outer products.",
    discussion: """
      For each weight (out, in) of a linear layer the result has a matrix (in, in): the mean of x xᵀ over the layer's inputs x, one \
      for each token, or example where inputs are numbers. Padding does not count. It is what `regmean` merges by, and holds no \
      example itself. Layers that share their inputs, such as queries, keys and values, have the same matrix.
      """,
    papers: [
      .init("Jin et al. 2023, Dataless Knowledge Fusion by Merging Weights of Language Models", arXiv: "2212.09849")
    ],
    cost: "O(tokens × Σ in²); all matrices in memory, in float64",
    examples: [Example("Over a thousand examples", "gram(model:, data:, samples: 1000 examples)")])

  @Input("The model.")
  var model: Checkpoint
  @Input("Examples of what the model is for; labels are not looked at.")
  var data: Dataset
  @Include var sampling: Sampling
  @Include var reading: TextReading

  func outline() throws -> Content? {
    let model = try RunnableModel(self.model)
    try model.longest(reading.length)
    _ = try ModelData.task(of: data, for: model, needsLabels: false)
    return Content(
      .statistics,
      tensors: model.blueprint.linearLayers.map {
        TensorEntry(foreseen: $0.weight, dtype: .f32, shape: [$0.inputs, $0.inputs])
      })
  }

  func memory() -> Int {
    guard let model = try? RunnableModel(self.model) else { return 0 }
    let matrices = model.blueprint.linearLayers.reduce(0) { $0 + $1.inputs * $1.inputs * 12 }
    return model.memory(for: data, examples: 64, length: reading.length, .forward) + matrices
  }

  func run(_ context: Context) throws -> Statistics {
    let model = try RunnableModel(self.model)
    let examples = try ModelData(data, for: model, reading.lengths, needsLabels: false, context: context).prefix(
      sampling.samples)
    let network = try model.network()
    var grams = InputGrams()
    let observer = { path, input, batch in grams.add(input, of: path, batch) }
    try network.forEachBatch(of: examples, context, observer: observer) { _, _, _ in grams.endBatch() }
    var result = Content(.statistics, facts: ["samples": .integer(examples.count), "rows": .integer(grams.rows)])
    result.tensors = model.blueprint.linearLayers.map { layer in
      guard let mean = grams.mean(of: layer.path) else { preconditionFailure("`\(layer.path)` was used by no batch") }
      return TensorEntry(layer.weight, mean)
    }
    for entry in result.tensors {
      guard try entry.load().firstNonFinite == nil else {
        throw OperationError(.step, "the inputs of `\(entry.name)` of `\(model.label)` are too large for float32")
      }
    }
    return Statistics(result)
  }
}
