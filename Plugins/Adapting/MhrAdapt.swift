import Adapters
import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// An inventory fitted to a new task from few examples: with its skills (Poly, MHR), without (MHR-z), or from their mean (MHR-μ).
struct MhrAdapt: RecipeOperation {
  enum Tuned: String, Choice {
    case all, routing, average

    var text: String {
      switch self {
      case .all: "New routers, and the skills."
      case .routing: "New routers alone, the skills as they are: MHR-z."
      case .average: "The mean of all skills, without routing: MHR-μ."
      }
    }
  }

  static let about = About(
    "mhr_adapt",
    "Fit an inventory of skills to a new task from few examples, and fold it to one LoRA adapter.",
    discussion: """
      With `.all` and `.routing` the new task has routers of its own, which begin at U(±10⁻³) and are trained without noise; with \
      `.all` the skills are trained too. With `.average` the skills' mean becomes one LoRA adapter, which is trained. The result is a \
      plain LoRA in each case, with the share that the new task takes of each skill under `mergekit`, where it has routers.
      """,
    papers: [.init("Caccia et al. 2023, Multi-Head Adapter Routing", arXiv: "2211.03831")],
    cost: "O(steps × batch × entries); the weights in memory, and the skills four times over",
    examples: [
      Example(
        "Routers alone",
        "mhr_adapt(mhr_train(base:, tasks: [data, data], skills: 2, rank: 1, steps: 2), base:, data:, tune: .routing, steps: 3)"
      )
    ])

  /// 2: the result says what the new task takes of each skill.
  static let version = 2

  @Input("The inventory.")
  var inventory: Inventory
  @Input("The model that the inventory was trained for.")
  var base: Checkpoint
  @Input("Examples of the new task.")
  var data: Dataset
  @Param("What is trained.")
  var tune: Tuned = .routing
  @Param("Batches to learn from.", in: 1...1_000_000_000, unit: .steps)
  var steps: Int = 200
  @Include var batches: Batches
  @Param("The learning rate of skills, or of their mean.", in: 0...1000)
  var rate: Double = 1e-3
  @Param("The learning rate of routers.", in: 0...1000)
  var routingRate: Double = 0.1
  @Include var reading: TextReading
  @Param("Decides how routers begin, and the order of the examples.")
  var seed: Int = 0

  func outline() throws -> Content? {
    try RoutedTraining.check(data, RunnableModel(base), "mhr_adapt")
    return try Self.routed(task: nil, of: inventory).content.foreseen
  }

  func memory() -> Int {
    guard let model = try? RunnableModel(base) else { return 0 }
    return model.memory(for: data, examples: batches.batch, length: reading.length, .gradients) + inventory.content
      .byteCount * 4
  }

  func run(_ context: Context) throws -> Adapter {
    let model = try RunnableModel(base)
    let examples = try ModelData(data, for: model, reading.lengths, context: context)
    guard tune != .average else { return try average(model, examples, context) }
    let routed = try RoutedNetwork(forNewTask(), for: base.content, in: model.network())
    for parameter in routed.network.weights.all where parameter.isTrainable && !RoutedNetwork.isRouter(parameter) {
      parameter.isTrainable = tune == .all
    }
    try RoutedTraining(
      name: "mhr_adapt", steps: steps, batch: batches.batch, rate: rate, routingRate: routingRate, relaxed: false,
      seed: seed
    ).run(routed, [examples], context)
    var adapter = try Self.routed(task: 0, of: Inventory(routed.content)).content
    let origin = NewAdapter.origin("mhr_adapt", ["shares": try RoutedTraining.shares(of: routed.content)])
    adapter.facts = adapter.facts.setting(origin.name, to: origin.value)
    return Adapter(adapter)
  }

  private func average(_ model: RunnableModel, _ examples: ModelData, _ context: Context) throws -> Adapter {
    let mean = try Self.routed(task: nil, of: inventory)
    let network = try model.network()
    let adapted = try AdaptedModel(mean.content, for: base.content)
    try adapted.install(on: network, isTrainable: true)
    try Finetuning(
      "mhr_adapt", epochs: 1, steps: steps, batch: batches.batch, rate: rate, schedule: .constant, warmup: 0, seed: seed
    ).run(Training(network, AdamW(weightDecay: 0), clip: nil), on: examples, context)
    return Adapter(adapted.content(from: network))
  }

  /// The same skills with fresh routers for one task.
  private func forNewTask() -> Content {
    var content = inventory.content
    content.facts = content.facts.setting("n_tasks", to: 1)
    content.tensors = content.tensors.map { entry in
      guard entry.name.hasSuffix("module_logits") else { return entry }
      let (seed, name, shape) = (self.seed, entry.name, Shape([1, entry.shape[1]]))
      return TensorEntry(name, dtype: .f32, shape: shape) {
        var generator = Generator(seed: seed, stream: "mhr_adapt", name)
        return Tensor((0..<shape.count).map { _ in Float((2 * generator.uniform() - 1) * 1e-3) }, shape: shape)
      }
    }
    return content
  }

  /// One task's skills, or their mean, as a LoRA adapter.
  private static func routed(task: Int?, of inventory: Inventory) throws -> Adapter {
    try Route(inventory, task: task).run(Context { preconditionFailure("routing needs no scratch space") })
  }
}
