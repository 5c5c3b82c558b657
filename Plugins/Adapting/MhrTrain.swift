import Adapters
import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// An inventory of skills and the routers of several tasks, trained together (Poly and MHR).
///
/// Tasks take turns, a batch each. Skills begin as LoRA does: A from U(±1/√(in / splits)), B zero, as in PEFT; routers from U(±10⁻³).
struct MhrTrain: RecipeOperation {
  static let about = About(
    "mhr_train",
    "Train an inventory of skills on several tasks, each of which learns how to mix them.",
    discussion: """
      Every adapted layer has `skills` pairs of factors of rank `rank`, whose inputs and outputs are split into `heads` blocks (1 is \
      Poly, more is multi-head routing), and for each task logits z of how much of each skill each block takes: w = ẑ / Σ ẑ with \
      ẑ = σ(z), while training with the noise of a relaxed Bernoulli variable unless `relaxed` is false. Tasks take turns, a batch \
      each, and AdamW minimises what `finetune` does; `routing_rate` is the routers' own rate. The model stays as it is.
      """,
    papers: [
      .init("Ponti et al. 2023, Combining Modular Skills in Multitask Learning", arXiv: "2202.13914"),
      .init("Caccia et al. 2023, Multi-Head Adapter Routing", arXiv: "2211.03831"),
    ],
    cost: "O(steps × batch × entries); the weights in memory, and the skills four times over",
    examples: [
      Example("Two tasks, two heads", "mhr_train(base:, tasks: [data, data], skills: 2, heads: 2, rank: 1, steps: 4)")
    ])

  @Input("The model.")
  var base: Checkpoint
  @Input("The examples of each task.", count: 1...)
  var tasks: [Dataset]
  @Param("Skills that tasks mix.", in: 1...4096)
  var skills: Int = 8
  @Param("Blocks that each layer's inputs and outputs are split into.", in: 1...4096)
  var heads: Int = 1
  @Param("Rank of a skill.", in: 1...65_536)
  var rank: Int = 1
  @Include var chosen: TargetLayers
  @Param("Batches to learn from, all tasks together.", in: 1...1_000_000_000, unit: .steps)
  var steps: Int = 1000
  @Include var batches: Batches
  @Param("The learning rate of skills.", in: 0...1000)
  var rate: Double = 1e-3
  @Param("The learning rate of routers.", in: 0...1000)
  var routingRate: Double = 0.1
  @Param("Whether routing is noisy while it is trained.")
  var relaxed: Bool = true
  @Include var reading: TextReading
  @Param("Decides how skills begin, the noise, and the order of the examples.")
  var seed: Int = 0

  func outline() throws -> Content? {
    let model = try RunnableModel(base)
    for data in tasks { try RoutedTraining.check(data, model, "mhr_train") }
    return try start(model).foreseen
  }

  func memory() -> Int {
    guard let model = try? RunnableModel(base), let start = try? start(model) else { return 0 }
    return model.memory(for: tasks[0], examples: batches.batch, length: reading.length, .gradients) + start.byteCount
      * 4
  }

  func run(_ context: Context) throws -> Inventory {
    let model = try RunnableModel(base)
    let routed = try RoutedNetwork(try start(model), for: base.content, in: model.network())
    let examples = try tasks.map { try ModelData($0, for: model, reading.lengths, context: context) }
    try RoutedTraining(
      name: "mhr_train", steps: steps, batch: batches.batch, rate: rate, routingRate: routingRate, relaxed: relaxed,
      seed: seed
    ).run(routed, examples, context)
    var inventory = routed.content
    let origin = NewAdapter.origin("mhr_train", ["shares": try RoutedTraining.shares(of: inventory)])
    inventory.facts = inventory.facts.setting(origin.name, to: origin.value)
    return Inventory(inventory)
  }

  /// The inventory before it is trained.
  private func start(_ model: RunnableModel) throws -> Content {
    let weights = Set(model.blueprint.linearLayers.map(\.weight))
    let layers = try AdapterTarget.matching(chosen.targets, in: base.content, of: "mhr_train").filter {
      weights.contains($0.weight)
    }
    var adapter = NewAdapter(
      Poly.self, for: base.content,
      fields: [
        .init("r", .integer(rank)), .init("n_tasks", .integer(tasks.count)), .init("n_skills", .integer(skills)),
        .init("n_splits", .integer(heads)), .init("poly_type", "poly"), .init("init_weights", true),
      ])
    for layer in layers {
      try layer.check(rank: rank, of: "mhr_train")
      guard layer.inputs % heads == 0, layer.outputs % heads == 0 else {
        throw OperationError(
          .step, "`\(layer.weight)` is \(layer.outputs)×\(layer.inputs), which \(heads) heads do not divide",
          helps: ["`heads` divides every layer's inputs and outputs; `targets` can leave a layer out"])
      }
      let width = layer.inputs / heads
      let bound = 1 / Double(width).squareRoot()
      let seed = self.seed
      func drawn(_ part: String, _ shape: Shape, _ bound: Double) -> TensorEntry {
        TensorEntry(part, dtype: .f32, shape: shape) {
          var generator = Generator(seed: seed, stream: "mhr_train", layer.path, part)
          return Tensor((0..<shape.count).map { _ in Float((2 * generator.uniform() - 1) * bound) }, shape: shape)
        }
      }
      adapter.add("poly_lora_A", of: layer.path, drawn("poly_lora_A", [heads, skills, width, rank], bound))
      adapter.add("poly_lora_B", of: layer.path, drawn("poly_lora_B", [heads, skills, rank, layer.outputs / heads], 0))
      adapter.add(
        "poly_router.module_logits", of: layer.path,
        drawn("poly_router.module_logits", [tasks.count, heads * skills], 1e-3))
    }
    let content = adapter.content
    return Content(.inventory, facts: content.facts, tensors: content.tensors, label: "inventory")
  }
}
