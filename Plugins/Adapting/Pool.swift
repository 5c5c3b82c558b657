import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// An inventory of skills made of adapters that are there already.
struct Pool: RecipeOperation {
  static let about = About(
    "pool",
    "Make an inventory of skills of LoRA adapters of one rank.",
    discussion: """
      Each adapter becomes a skill, and a task of its own that takes this skill alone (logits of ±40). A layer's inputs and \
      outputs are split into `splits` blocks that tasks can mix by themselves. In PEFT's layout: `poly_lora_A` \
      (splits, skills, in / splits, r), `poly_lora_B` (splits, skills, r, out / splits), each adapter's scale in B, so that \
      PEFT's 1/r is right; `poly_router.module_logits` (tasks, splits · skills).
      """,
    papers: [
      .init("Ponti et al. 2023, Combining Modular Skills in Multitask Learning", arXiv: "2202.13914"),
      .init("Caccia et al. 2023, Multi-Head Adapter Routing", arXiv: "2211.03831"),
    ],
    cost: "O(adapters × rank × (inputs + outputs)) for each layer",
    examples: [
      Example("Of two adapters", "pool([lora_init(base, rank: 4, seed: 1), lora_init(base, rank: 4, seed: 2)])"),
      Example("That tasks mix by halves", "pool([pissa(base, rank: 4), olora(base, rank: 4)], splits: 2)"),
    ])

  @Input("The adapters, each a skill.", count: 1...)
  var adapters: [Adapter]
  @Param("Blocks of a layer's inputs and outputs; more than one makes it multi-head routing.", in: 1...65_536)
  var splits: Int = 1

  func memory() -> Int { (16 << 20) + adapters.reduce(0) { $0 + $1.content.byteCount } * 4 }

  func outline() throws -> Content? { try pooled(Context { preconditionFailure("nothing is read") }) }

  func run(_ context: Context) throws -> Inventory { Inventory(try pooled(context)) }

  private struct Skill {
    let a: TensorEntry
    let b: TensorEntry
    let scale: Double
    let reading: AdapterReading
  }

  private func pooled(_ context: Context) throws -> Content {
    let readings = try adapters.map { try AdapterReading($0.content) }
    for reading in readings {
      guard type(of: reading.kind) == LoRA.self, !reading.isTransposed else {
        throw OperationError(.step, "`\(reading.content.label)` is no LoRA of layers that PEFT's Poly has")
      }
      try reading.checkAdds("pool")
    }
    for reading in readings.dropFirst() { try readings[0].content.checkSameTensors(as: reading.content) }
    let first = readings[0].layers
    let rank = first.compactMap { readings[0].rank(at: $0.layer) }.max() ?? 1
    let tasks = adapters.count
    var result = NewAdapter(
      Poly.self, for: nil,
      fields: [
        .init("r", .integer(rank)), .init("n_tasks", .integer(tasks)), .init("n_skills", .integer(tasks)),
        .init("n_splits", .integer(splits)), .init("poly_type", "poly"), .init("init_weights", true),
      ])
    for place in first.indices {
      let path = first[place].path
      let skills = try readings.map { try skill($0, path) }
      let (inputs, outputs) = (skills[0].a.shape[1], skills[0].b.shape[0])
      guard inputs % splits == 0, outputs % splits == 0, skills[0].a.shape[0] == rank else {
        throw OperationError(
          .step,
          "`\(path)` is \(outputs)×\(inputs) with rank \(skills[0].a.shape[0]), which \(splits) splits of rank \(rank) do not fit",
          helps: ["an inventory has one rank, and `splits` divides every layer's inputs and outputs"])
      }
      let a = Shape([splits, tasks, inputs / splits, rank])
      let b = Shape([splits, tasks, rank, outputs / splits])
      result.add("poly_lora_A", of: path, entry(a, context) { try bank(skills, of: .input) })
      result.add("poly_lora_B", of: path, entry(b, context) { try bank(skills, of: .output) })
      result.add("poly_router.module_logits", of: path, entry([tasks, splits * tasks], context) { logits(tasks) })
    }
    var content = result.content
    content.facts = content.facts.setting(
      "base_model_name_or_path", to: adapters[0].content.facts["base_model_name_or_path"] ?? .null)
    return Content(.inventory, facts: content.facts, tensors: content.tensors)
  }

  private func entry(_ shape: Shape, _ context: Context, _ make: @escaping @Sendable () throws -> [Float])
    -> TensorEntry
  {
    TensorEntry("", dtype: .f32, shape: shape) {
      try context.checkCancelled()
      return Tensor(try make(), shape: shape)
    }
  }

  private func skill(_ reading: AdapterReading, _ path: String) throws -> Skill {
    guard let layer = reading.layers.first(where: { $0.path == path })?.layer, !layer.isTransposed,
      let factors = layer.lowRank
    else {
      throw OperationError(
        .step, "`\(path)` of `\(reading.content.label)` is no linear layer, and PEFT's Poly has only those")
    }
    return Skill(a: factors.a, b: factors.b, scale: factors.scale, reading: reading)
  }

  /// The skills' factors, split by split: rows of Aᵀ, columns of Bᵀ.
  private func bank(_ skills: [Skill], of side: SkillMixture.Side) throws -> [Float] {
    let factors = try skills.map { skill in
      let factor = DoubleMatrix(try skill.reading.read(side == .input ? skill.a : skill.b)).transposed
      return side == .input ? factor : skill.scale * Double(factor.rows) * factor
    }
    return (0..<splits).flatMap { split in
      factors.flatMap { factor -> [Float] in
        if side == .input {
          let height = factor.rows / splits
          let start = split * height * factor.columns
          return factor.entries[start..<start + height * factor.columns].map { Float($0) }
        }
        let width = factor.columns / splits
        return factor.columns(split * width..<(split + 1) * width).entries.map { Float($0) }
      }
    }
  }

  /// Each task's own skill, and no other: σ(−40) is below 10⁻¹⁷.
  private func logits(_ tasks: Int) -> [Float] {
    (0..<tasks).flatMap { task in (0..<splits).flatMap { _ in (0..<tasks).map { $0 == task ? 40 : -40 } } }
  }
}
