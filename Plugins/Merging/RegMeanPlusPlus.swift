import Adapters
import Diagnostics
import Models
import Networks
import Operations
import Tensors

/// RegMean layer by layer: each layer's inputs come through the layers before it as they are merged already (RegMean++).
///
/// 1. All that comes before the first layer is averaged.
/// 2. For each layer in turn: every model's examples go through the merged layers and the model's own next one, whose linear
///    maps' Gram matrices are measured on the way.
/// 3. Its weights are merged as `regmean` does it, its other tensors averaged.
struct RegMeanPlusPlus: RecipeOperation {
  static let about = About(
    "regmean_plus_plus",
    "Merge models layer by layer as `regmean` does, with inputs that come through the layers that are merged already.",
    discussion: """
      What `gram` measures of a model's own layers is not what the merged model's layers will see. Here the Gram matrices of \
      a layer's linear maps are measured while each model's examples go through the layers before it as they were merged, and then through \
      the model's own layer; the weights then follow from W = W̄ + Σ wₖ (Wₖ − W̄) Gₖ (Σ wₖ Gₖ + ρ I)⁻¹ as in `regmean`. All other \
      tensors are averaged, a layer's after it was measured. Linear maps that stand outside layers, such as heads, each are a layer \
      of their own; tensors that `keep` names are each model's own on the way, and the first one's in the result.
      """,
    papers: [
      .init(
        "Nguyen et al. 2025, RegMean++: Enhancing Effectiveness and Generalization of Regression Mean",
        arXiv: "2508.03121"),
      .init("Jin et al. 2023, Dataless Knowledge Fusion by Merging Weights of Language Models", arXiv: "2212.09849"),
    ],
    cost:
      "O(samples × entries) and O(in³) a linear map; all models in memory, in float32, and what goes into a layer for every example",
    examples: [
      Example("Two models, each with what it is for", "regmean_plus_plus([a, b], data: [data, data], samples: 50)")
    ])

  @Input("The models to merge; the result has the first one's dtypes.", count: 1...)
  var models: [Checkpoint]
  @Input("Examples of what each model is for, in order; labels are not looked at.", count: 1...)
  var data: [Dataset]
  @Param("How much each model counts; one for each, in order. Equal by default.", in: 0...)
  var weights: [Double] = []
  @Param("What the Gram matrices are multiplied by off their diagonals: the paper's α.", in: 0...1)
  var diagonal: Fraction = 0.9
  @Param("What is added to the diagonal, as a share of its mean.", in: 0...1)
  var ridge: Double = 1e-6
  @Param("Patterns of tensors that are the first model's as they are.")
  var keep: [String] = []
  @Include var sampling: Sampling
  @Include var reading: TextReading

  func outline() throws -> Content? {
    _ = try checked()
    return models[0].content.foreseen
  }

  func memory() -> Int {
    guard let model = try? RunnableModel(models[0]) else { return 0 }
    let widest = model.blueprint.linearLayers.map(\.inputs).max() ?? 0
    let pass = model.memory(for: data[0], examples: 64, length: reading.length, .forward)
    // What goes into a layer, of every example.
    let longest = (try? model.longest(reading.length)) ?? 1
    let kept = sampling.samples * longest * widest * 4
    return pass + (model.weightBytes + kept) * models.count + widest * widest * 8 * (models.count + 4)
  }

  func run(_ context: Context) throws -> Checkpoint {
    let runnable = try checked()
    let networks = try runnable.map { try $0.network() }
    let examples = try zip(runnable, data).map { model, data in
      try ModelData(data, for: model, reading.lengths, needsLabels: false, context: context).prefix(sampling.samples)
    }
    var walks = zip(networks, examples).map { LayerWalk($0, $1) }
    let squares = GramLeastSquares(
      shares: GramLeastSquares.shares(weights, of: models.count), diagonal: diagonal.share, ridge: ridge)
    var made: [String: Tensor] = [:]
    let stages = stages(runnable[0].blueprint)
    for (number, stage) in stages.enumerated() {
      let grams = try walks.indices.map { try walks[$0].grams(of: stage.linear.map(\.path), context) }
      for name in stage.names where isMerged(name) {
        let parameters = networks.map { network in network.weights.all.first { $0.name == name } }.compactMap { $0 }
        let tensors = parameters.map(\.tensor)
        let average = Tensor.weightedSum(tensors, weights: squares.shares)
        var merged = average
        if let layer = stage.linear.first(where: { $0.weight == name }) {
          let means = grams.compactMap { $0.mean(of: layer.path) }
          merged = try squares.merge(
            name, tensors, average: average, grams: means, isTransposed: layer.isTransposed)
        }
        guard merged.firstNonFinite == nil else {
          throw OperationError(.step, "`\(name)` comes out too large for float32")
        }
        made[name] = merged
        for parameter in parameters {
          parameter.withEntries { entries in merged.copyFloats(0..<merged.count, to: entries) }
        }
      }
      context.progress(number + 1, of: stages.count, "layers")
    }
    try averageRest(&made, squares.shares)
    return runnable[0].replacing(made)
  }

  // MARK: Layers

  /// Tensors that are merged together, in the order of their use, and the linear maps among them that are measured.
  private struct Stage {
    let part: String
    var names: [String] = []
    var linear: [LinearLayerName] = []
  }

  private func stages(_ blueprint: Blueprint) -> [Stage] {
    let parts = Dictionary(
      uniqueKeysWithValues: TensorName.all(models[0].content).map { name in
        (name.text, name.layer.map { "\(name.stack ?? "").\($0)" })
      })
    let linear = Dictionary(blueprint.linearLayers.map { ($0.weight, $0) }) { first, _ in first }
    var stages: [Stage] = []
    for name in blueprint.tensors.map(\.name) {
      let module = name.split(separator: ".").dropLast().joined(separator: ".")
      let part = parts[name].flatMap { $0 } ?? module
      if stages.last?.part != part { stages.append(Stage(part: part)) }
      stages[stages.count - 1].names.append(name)
      if let layer = linear[name], isMerged(name) { stages[stages.count - 1].linear.append(layer) }
    }
    return stages
  }

  /// What the network does not use, such as a pooler that no head asks for.
  private func averageRest(_ made: inout [String: Tensor], _ shares: [Double]) throws {
    for entry in models[0].content.tensors where entry.dtype.isFloat && made[entry.name] == nil && isMerged(entry.name)
    {
      made[entry.name] = Tensor.weightedSum(
        try models.map { try $0.content.finiteTensor(entry.name) }, weights: shares)
    }
  }

  // MARK: Checks

  private func isMerged(_ name: String) -> Bool { !keep.contains { Pattern($0).matches(name) } }

  private func checked() throws -> [RunnableModel] {
    guard data.count == models.count else {
      throw OperationError(
        .step, "`regmean_plus_plus` has \(models.count) models and \(data.count) datasets",
        helps: ["give one for each model, in order"])
    }
    try weights.checkCount(as: models, "regmean_plus_plus")
    guard weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
      throw OperationError(.step, "the weights of `regmean_plus_plus` are all 0, so no model would count")
    }
    for other in models.dropFirst() { try models[0].content.checkSameTensors(as: other.content, where: isMerged) }
    return try zip(models, data).map { model, data in
      let model = try RunnableModel(model)
      try model.longest(reading.length)
      _ = try ModelData.task(of: data, for: model, needsLabels: false)
      return model
    }
  }
}
