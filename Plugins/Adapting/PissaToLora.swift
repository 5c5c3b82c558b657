import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// A trained adapter that began with a part of its model, as a LoRA for the model itself.
struct PissaToLora: RecipeOperation {
  static let about = About(
    "pissa_to_lora",
    "Turn an adapter that was begun by `pissa` or `olora` into a plain LoRA for the model itself.",
    discussion: """
      With A, B as trained and A₀, B₀ as begun, A' = [A; A₀] and B' = [B, −B₀] give s B' A' = s (B A − B₀ A₀), exactly what \
      training changed. Ranks are doubled, and α with them, or α · √2 with rank-stabilised scaling. As in PEFT's \
      `path_initial_model_for_weight_conversion`, and with patterns too.
      """,
    papers: [.init("Meng et al. 2024, PiSSA", arXiv: "2404.02948")],
    cost: "O(rank × (inputs + outputs)) for each layer",
    examples: [
      Example("An adapter and how it was begun", "pissa_to_lora(pissa(base, rank: 4), start: pissa(base, rank: 4))")
    ])

  @Input("The adapter as it was trained.")
  var adapter: Adapter
  @Input("The adapter as it was begun.")
  var start: Adapter

  func outline() throws -> Content? { try converted() }

  func memory() -> Int { (16 << 20) + adapter.content.byteCount * 4 }

  func run(_ context: Context) throws -> Adapter {
    try context.checkCancelled()
    return Adapter(try converted())
  }

  private func converted() throws -> Content {
    for part in [adapter, start] {
      let reading = try AdapterReading(part.content)
      guard Swift.type(of: reading.kind) == LoRA.self else {
        throw OperationError(.step, "`\(part.label)` is no LoRA adapter, which is what `pissa_to_lora` converts")
      }
      try reading.checkAdds("pissa_to_lora")
    }
    try adapter.content.checkSameTensors(as: start.content)
    for field in ["use_rslora", "lora_alpha", "alpha_pattern"] {
      let (mine, other) = (adapter.content.facts[field], start.content.facts[field])
      guard mine != other else { continue }
      throw OperationError(
        .data,
        "`\(field)` is \(mine?.compact ?? "nothing") in `\(adapter.label)`, and \(other?.compact ?? "nothing") in `\(start.label)`"
      )
    }
    var result = adapter.content
    result.facts = Self.doubled(adapter.content.facts)
    result.tensors = adapter.content.tensors.map { entry in
      let isB = entry.name.hasSuffix(".lora_B.weight") || entry.name.hasSuffix(".lora_embedding_B")
      let shape: Shape = isB ? [entry.shape[0], 2 * entry.shape[1]] : [2 * entry.shape[0], entry.shape[1]]
      return TensorEntry(entry.name, dtype: .f32, shape: shape) {
        let trained = DoubleMatrix(try adapter.content.finiteTensor(entry.name))
        let begun = DoubleMatrix(try start.content.finiteTensor(entry.name))
        return Tensor(isB ? .beside([trained, -1 * begun]) : .stacked([trained, begun]))
      }
    }
    return result
  }

  /// The configuration of twice the rank and the same scales.
  private static func doubled(_ facts: JSON) -> JSON {
    let factor = facts["use_rslora"]?.bool ?? false ? 2.0.squareRoot() : 2
    func times(_ value: JSON?, _ factor: Double, _ otherwise: Double) -> JSON {
      let number = (value?.number ?? otherwise) * factor
      return number == number.rounded() ? .integer(Int(number)) : .number(number)
    }
    func all(_ field: String, _ factor: Double) -> JSON {
      .object((facts[field]?.object ?? []).map { .init($0.name, times($0.value, factor, 8)) })
    }
    return facts.setting("r", to: times(facts["r"], 2, 8)).setting(
      "lora_alpha", to: times(facts["lora_alpha"], factor, 8)
    )
    .setting("rank_pattern", to: all("rank_pattern", 2)).setting("alpha_pattern", to: all("alpha_pattern", factor))
    .setting("init_lora_weights", to: true)
  }
}
