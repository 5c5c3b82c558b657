import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// One task's adapter of an inventory, or that of all skills alike.
struct Route: RecipeOperation {
  static let about = About(
    "route",
    "Mix the skills of an inventory to one LoRA adapter: for a task, by weights, or all alike.",
    discussion: """
      With `task`, each split takes its skills by w = σ(z) / (Σ σ(z) + 10⁻¹²) of the task's logits, as Poly and MHR do when \
      they are not trained. With `weights`, all splits of all layers take the skills by these, over their sum. With \
      neither, all skills count alike: MHR-μ. Factors are averaged, not changes: A = Σ wₛ Aₛ, B = Σ wₛ Bₛ, α = 1.
      """,
    papers: [.init("Caccia et al. 2023, Multi-Head Adapter Routing", arXiv: "2211.03831")],
    cost: "O(skills × rank × (inputs + outputs)) for each layer",
    examples: [
      Example(
        "The mean of all skills", "route(pool([lora_init(base, rank: 4, seed: 1), lora_init(base, rank: 4, seed: 2)]))"),
      Example(
        "The second task's adapter",
        "route(pool([lora_init(base, rank: 4, seed: 1), lora_init(base, rank: 4, seed: 2)]), task: 1)"),
    ])

  @Input("The inventory.")
  var inventory: Inventory
  @Param("The number of a task that the inventory was trained for, from 0.", in: 0...1_000_000)
  var task: Int? = nil
  @Param("How much each skill counts; one for each, in order.", in: 0...)
  var weights: [Double] = []

  func memory() -> Int { (16 << 20) + inventory.content.byteCount * 4 }

  func outline() throws -> Content? { try routed(Context { preconditionFailure("nothing is read") }) }

  func run(_ context: Context) throws -> Adapter { Adapter(try routed(context)) }

  private func routed(_ context: Context) throws -> Content {
    guard task == nil || weights.isEmpty else {
      throw OperationError(.step, "`route` takes skills by `task` or by `weights`, and both are given")
    }
    let reading = try AdapterReading(Poly.forTask(task ?? 0, of: inventory.content))
    let layers = try reading.layers.map { path, layer -> (path: String, b: SkillMixture, a: SkillMixture) in
      guard case .scaled(_, .product(let maps)) = layer.onInput, case .mixture(let b) = maps[0],
        case .mixture(let a) = maps[1]
      else { preconditionFailure("a layer of an inventory is a product of mixtures") }
      try check(a, at: path)
      return (path, b, a)
    }
    let ranks = layers.map { (path: $0.path, rank: $0.a.bank.shape[3]) }
    var result = NewAdapter(
      LoRA.self, for: nil,
      fields: LoRA.fields(ranks: ranks) { _ in 1 } + [
        .init("base_model_name_or_path", inventory.content.facts["base_model_name_or_path"] ?? .null)
      ])
    for (path, b, a) in layers {
      let rank = a.bank.shape[3]
      result.add("lora_A.weight", of: path, entry(a, [rank, a.bank.shape[0] * a.bank.shape[2]], reading, context))
      result.add("lora_B.weight", of: path, entry(b, [b.bank.shape[0] * b.bank.shape[3], rank], reading, context))
    }
    return result.content
  }

  private func check(_ mixture: SkillMixture, at path: String) throws {
    let skills = mixture.bank.shape[1]
    guard weights.isEmpty || weights.count == skills else {
      throw OperationError(
        .step,
        "`weights` of `route` has \(weights.count) numbers, and `\(path)` of `\(inventory.label)` has \(skills) skills")
    }
    guard weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
      throw OperationError(.step, "the weights of `route` are all 0, so no skill would count")
    }
  }

  private func entry(
    _ mixture: SkillMixture, _ shape: Shape, _ reading: AdapterReading, _ context: Context
  ) -> TensorEntry {
    TensorEntry("", dtype: .f32, shape: shape) {
      try context.checkCancelled()
      let bank = try reading.read(mixture.bank)
      return Tensor(mixture.mixed(bank, try shares(mixture, reading)))
    }
  }

  /// What each split takes of its skills.
  private func shares(_ mixture: SkillMixture, _ reading: AdapterReading) throws -> [[Double]] {
    let (splits, skills) = (mixture.bank.shape[0], mixture.bank.shape[1])
    guard let task else {
      let weights = weights.isEmpty ? [Double](repeating: 1, count: skills) : weights
      let sum = weights.reduce(0, +)
      return [[Double]](repeating: weights.map { $0 / sum }, count: splits)
    }
    let logits = try reading.read(mixture.router).doubles[task * splits * skills..<(task + 1) * splits * skills]
    return SkillMixture.weights(Array(logits), splits: splits, skills: skills)
  }
}

extension Route {
  /// An inventory as an adapter for one of its tasks, or by the mean of its skills.
  init(_ inventory: Inventory, task: Int?) {
    self.init()
    _inventory = _inventory.bound(to: .contents([inventory.content]))
    if let task { _task = _task.bound(to: .value(.number(Double(task)))) }
  }
}
