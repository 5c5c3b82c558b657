import Adapters
import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// A LoRA adapter whose A begins with the directions in which each layer's inputs vary most (Paischer et al. 2024).
///
/// As PEFT does it:
/// 1. For each layer the first ρ r principal components of its inputs are found batch by batch; layers with one input share them.
/// 2. After each batch the Σ r ranks go to the components that explain most, over all layers.
/// 3. A layer is done when each of its components points where it did before, with a cosine of τ at least; all done, it ends.
/// 4. A has the components, B is zero.
struct Eva: RecipeOperation {
  enum Method: String, Choice {
    case incremental, covariance

    var text: String {
      switch self {
      case .incremental: "Components are kept up to date until they settle: PEFT's way, with PEFT's sketches."
      case .covariance: "The whole covariance of `steps` batches is kept, and decomposed once: exact, and faster."
      }
    }
  }

  static let about = About(
    "eva",
    "Begin a LoRA adapter with the directions in which each layer's inputs vary most.",
    discussion: """
      A holds the first principal components of a layer's inputs over the data, padding left out, and B is zero, so nothing changes \
      before training. `rank` is what each layer has on average: all ranks together go to the components that explain the largest \
      shares of their layers' variance, but no layer gets more than `spread` times `rank`; a layer that gets none is left out. \
      `.incremental` goes over the data, again and again, until every component has a cosine of `converged` with what it was a \
      batch before, or `steps` batches were seen; each batch is decomposed by the sketch that PEFT draws, with PyTorch's numbers, so \
      that what comes out is PEFT's. `.covariance` is exact. Inputs are centred, as PEFT does it, although the paper speaks of a singular value \
      decomposition. The share of its inputs' variance that a layer's directions explain stays with the adapter, as `explained`. \
      With `rescale` a layer's α grows with its rank, so that every layer is multiplied by the same. With `whiten` PEFT divides \
      components that several layers share once for each of them, and here once.
      """,
    papers: [
      .init(
        "Paischer et al. 2024, One Initialization to Rule them All: Fine-tuning via Explained Variance Adaptation",
        arXiv: "2410.07170")
    ],
    cost: "O(tokens × in × ρ r) for each layer, or O(tokens × in²) and one decomposition of in × in",
    examples: [
      Example("For every linear layer", "eva(base:, data:, rank: 2)"),
      Example("From the whole covariance", "eva(base:, data:, rank: 2, method: .covariance, whiten: true)"),
    ])

  /// 2: batches are decomposed by PEFT's sketches.
  static let version = 2

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Input("Examples of what it is adapted to; labels are not looked at.")
  var data: Dataset
  @Param("Rank of each layer's adapter, on average.", in: 1...65_536)
  var rank: Int
  @Param("How many times the rank a layer may get: the paper's ρ.", in: 1...1000)
  var spread: Double = 2
  @Param("The cosine with a component's last direction from which it counts as settled: the paper's τ.", in: 0...1)
  var converged: Fraction = 0.99
  @Include var chosen: TargetLayers
  @Param("What the adapter is multiplied by is this over the rank; the rank itself by default.", in: 0...)
  var alpha: Double? = nil
  @Param("Whether components are divided by the root of their singular values.")
  var whiten: Bool = false
  @Param("Whether a layer's alpha grows with the rank that it gets.")
  var rescale: Bool = true
  @Param("How components are found.")
  var method: Method = .incremental
  @Param("The most batches that are looked at.", in: 1...1_000_000, unit: .steps)
  var steps: Int = 100
  @Include var batches: Batches
  @Include var reading: TextReading

  /// Which layers get how many ranks, only the inputs tell.
  func outline() throws -> Content? {
    let model = try RunnableModel(base)
    try model.longest(reading.length)
    _ = try ModelData.task(of: data, for: model, needsLabels: false)
    for target in try targets(of: model) { try target.check(rank: rank, of: "eva") }
    return nil
  }

  func memory() -> Int {
    guard let model = try? RunnableModel(base) else { return 0 }
    let widths = model.blueprint.linearLayers.map(\.inputs)
    let kept = widths.reduce(0) { $0 + 8 * $1 * (method == .covariance ? $1 : Int(Double(rank) * spread) + 1) }
    return model.memory(for: data, examples: batches.batch, length: reading.length, .forward) + kept
      + (method == .incremental ? room : 0)
  }

  func run(_ context: Context) throws -> Adapter {
    let model = try RunnableModel(base)
    let targets = try targets(of: model)
    let examples = try ModelData(data, for: model, reading.lengths, needsLabels: false, context: context)
    let network = try model.network()
    let paths = Dictionary(uniqueKeysWithValues: model.blueprint.linearLayers.map { ($0.weight, $0.path) })
    let layers = targets.map { target in
      ExplainedVariance.Layer(
        path: paths[target.weight] ?? target.path, most: min(target.inputs, target.outputs))
    }
    var search = ExplainedVariance(
      layers, rank: rank, spread: spread, converged: converged.share,
      method: method == .covariance ? .covariance : .incremental)
    let perEpoch = (examples.count + batches.batch - 1) / batches.batch
    let most = method == .covariance ? min(steps, perEpoch) : steps
    let adapted = Set(layers.map(\.path))
    var kept = [[ExplainedVariance.Input]?](repeating: nil, count: perEpoch)
    var room = method == .incremental ? self.room : 0
    for step in 0..<most where !search.isDone {
      try context.checkCancelled()
      let number = step % perEpoch
      let rows = Array(number * batches.batch..<min((number + 1) * batches.batch, examples.count))
      let inputs = try kept[number] ?? inputs(of: examples.batch(rows), in: network, at: adapted, context)
      let size = inputs.reduce(0) { $0 + $1.rows.byteCount }
      if kept[number] == nil, size <= room {
        kept[number] = inputs
        room -= size
      }
      try search.add(inputs, context)
      context.progress(step + 1, of: most, "steps")
    }
    return try adapter(targets, layers, search)
  }

  /// Bytes that may go into keeping what batches gave, so that later rounds need not run the model again.
  private var room: Int { (16 << 20) + 4 * base.content.byteCount }

  /// What a batch gives as inputs of layers, those that are the same once.
  private func inputs(
    of batch: Batch, in network: Network, at paths: Set<String>, _ context: Context
  ) throws -> [ExplainedVariance.Input] {
    var found: [(paths: [String], width: Int, rows: [Float])] = []
    var last: Variable?
    network.observe(batch, inputsOf: paths) { path, input in
      if let last, last.isSame(as: input) {
        found[found.count - 1].paths.append(path)
      } else {
        found.append(([path], input.shape.axes.last ?? 0, input.rows(without: batch)))
      }
      last = input
    }
    return try context.map(found) { .init(paths: $0.paths, rows: RowSummary($0.rows, width: $0.width)) }
  }

  private func targets(of model: RunnableModel) throws -> [AdapterTarget] {
    let weights = Set(model.blueprint.linearLayers.map(\.weight))
    return try AdapterTarget.matching(chosen.targets, in: base.content, of: "eva").filter {
      weights.contains($0.weight)
    }
  }

  private func adapter(
    _ targets: [AdapterTarget], _ layers: [ExplainedVariance.Layer], _ search: consuming ExplainedVariance
  ) throws -> Adapter {
    let found = try search.finish()
    let alpha = alpha ?? Double(rank)
    let ranks = zip(targets, found).map { (path: $0.path, rank: $1.components.rows) }.filter { $0.rank > 0 }
    let explained = zip(targets, found).map { JSON.Member($0.path, .number($1.explained)) }
    let given = zip(targets, found).map { JSON.Member($0.path, .integer($1.components.rows)) }
    let fields = LoRA.fields(ranks: ranks, isTransposed: targets.first?.isTransposed ?? false) {
      rescale ? alpha * Double($0) / Double(rank) : alpha
    }
    var adapter = NewAdapter(
      LoRA.self, for: base.content,
      fields: fields + [NewAdapter.origin("eva", ["explained": .object(explained), "rank": .object(given)])])
    for (target, layer) in zip(targets, found) where layer.components.rows > 0 {
      let scale = layer.singularValues.map { whiten && $0 > 0 ? 1 / $0.squareRoot() : 1 }
      let a = layer.components.scalingRows(by: scale)
      adapter.add(factors: (DoubleMatrix(zeros: target.outputs, a.rows), a), of: target.path)
    }
    return Adapter(adapter.content)
  }
}
