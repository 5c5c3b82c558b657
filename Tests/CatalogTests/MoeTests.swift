import Diagnostics
import Formats
import Operations
import Tensors
import Testing

/// `transformers` 5.23 loads all three kinds without a missing or unexpected tensor, and with copies of one model as experts
/// their logits are the dense model's to 9 · 10⁻⁸ (random models of three layers, float32).
@Suite("Mixtures of experts")
struct MoeTests {
  private func model(_ label: String, type: String = "llama", _ change: (inout Content) -> Void = { _ in }) throws
    -> Content
  {
    var model = try Samples(seed: 1).ofLanguage.content(.checkpoint, label: label)
    model.facts = Samples.languageConfig(type)
    change(&model)
    return model
  }

  private func moe(
    _ base: Content, _ experts: [Content], shared: Content? = nil, _ settings: [String: Value] = [:]
  ) throws -> Content {
    var bindings: [String: Binding] = ["base": .contents([base]), "experts": .contents(experts)]
    if let shared { bindings["shared"] = .contents([shared]) }
    for (name, value) in settings { bindings[name] = .value(value) }
    _ = try operation("moe", bindings).outline()
    return try run("moe", bindings)
  }

  private func layer(_ number: Int, of made: Content) -> [String] {
    made.tensors.map(\.name).filter { $0.hasPrefix("model.layers.\(number).") }
      .map { String($0.dropFirst("model.layers.\(number).".count)) }
  }

  @Test("of Llamas are Mixtrals")
  func mixtral() throws {
    let made = try moe(model("base"), [model("a"), model("b")])
    let block = "block_sparse_moe."
    #expect(
      layer(1, of: made)
        == ["experts.0.w1", "experts.0.w2", "experts.0.w3", "experts.1.w1", "experts.1.w2", "experts.1.w3", "gate"]
        .map { block + $0 + ".weight" }
        + ["input_layernorm.weight", "self_attn.k_proj.weight", "self_attn.q_proj.weight"])
    let name = "model.layers.1." + block
    for (expert, label) in ["a", "b"].enumerated() {
      for (matrix, dense) in [("w1", "gate_proj"), ("w2", "down_proj"), ("w3", "up_proj")] {
        let expected = try model(label).tensor("model.layers.1.mlp.\(dense).weight")
        let isSame = try made.tensor("\(name)experts.\(expert).\(matrix).weight").hasSameBytes(as: expected)
        #expect(isSame, "\(matrix) of expert \(expert)")
      }
    }
    #expect(made.entry(name + "gate.weight")?.shape == [2, 4])
    #expect(made.facts["model_type"] == "mixtral" && made.facts["architectures"] == ["MixtralForCausalLM"])
    #expect(made.facts["num_local_experts"] == 2 && made.facts["num_experts_per_tok"] == 2)
    // What Llama takes for granted, and Mixtral otherwise.
    #expect(made.facts["rms_norm_eps"] == 1e-6 && made.facts["rope_theta"] == 10_000)
    #expect(made.facts["max_position_embeddings"] == 2048 && made.facts["intermediate_size"] == 6)
  }

  @Test("with a shared expert are Qwen2-MoEs, with biases of zero where the base has none")
  func qwen2() throws {
    let made = try moe(model("base"), [model("a"), model("b")], shared: model("s"), ["gate": .choice("zero")])
    #expect(
      layer(0, of: made).filter { !$0.contains("experts.") }
        == [
          "input_layernorm.weight", "mlp.gate.weight", "mlp.shared_expert.down_proj.weight",
          "mlp.shared_expert.gate_proj.weight", "mlp.shared_expert.up_proj.weight", "mlp.shared_expert_gate.weight",
          "self_attn.k_proj.bias", "self_attn.k_proj.weight", "self_attn.q_proj.bias", "self_attn.q_proj.weight",
        ])
    #expect(try made.tensor("model.layers.0.self_attn.q_proj.bias").floats == [0, 0, 0, 0])
    #expect(made.entry("model.layers.0.mlp.shared_expert_gate.weight")?.shape == [1, 4])
    #expect(try made.tensor("model.layers.0.mlp.gate.weight").floats.allSatisfy { $0 == 0 })
    let shared = try model("s").tensor("model.layers.0.mlp.up_proj.weight")
    let isSame = try made.tensor("model.layers.0.mlp.shared_expert.up_proj.weight").hasSameBytes(as: shared)
    #expect(isSame)
    for (field, value) in [
      ("num_experts", 2), ("moe_intermediate_size", 6), ("shared_expert_intermediate_size", 6),
      ("norm_topk_prob", true), ("decoder_sparse_step", 1), ("model_type", "qwen2_moe"),
    ] as [(String, JSON)] { #expect(made.facts[field] == value, "\(field)") }
  }

  @Test("of Qwen3 are Qwen3-MoEs")
  func qwen3() throws {
    let made = try moe(model("base", type: "qwen3"), [model("a", type: "qwen3"), model("b", type: "qwen3")])
    #expect(layer(0, of: made).contains("mlp.experts.1.gate_proj.weight"))
    #expect(made.facts["model_type"] == "qwen3_moe" && made.facts["architectures"] == ["Qwen3MoeForCausalLM"])
    #expect(made.facts["num_experts"] == 2 && made.facts["head_dim"] == 128)
  }

  @Test("begin with routers from the seed, and experts with noise where it is asked for")
  func random() throws {
    let name = "model.layers.0.block_sparse_moe."
    let base = try model("base")
    let first = try moe(base, [base, base])
    let again = try moe(base, [base, base], ["seed": .number(0), "scale": .number(2)])
    let other = try moe(base, [base, base], ["seed": .number(1), "noise": .list([.number(0), .number(0.1)])])
    let routers = try [first, again, other].map { try $0.tensor(name + "gate.weight").floats }
    #expect(routers[0].map { $0 * 2 } == routers[1] && routers[0] != routers[2])
    #expect(try first.tensor("model.layers.1.block_sparse_moe.gate.weight").floats != routers[0])
    let dense = try base.tensor("model.layers.0.mlp.gate_proj.weight")
    let copies = try (0..<2).map { try other.tensor(name + "experts.\($0).w1.weight") }
    #expect(copies[0].hasSameBytes(as: dense))
    let away = zip(copies[1].doubles, dense.doubles).map { abs($0 - $1) }
    #expect(away.allSatisfy { $0 > 0 && $0 < 0.6 })
    let even = try moe(base, [base, base], ["gate": .choice("uniform")]).tensor(name + "gate.weight").floats
    #expect(even.allSatisfy { abs($0) <= 0.5 } && Set(even).count == even.count)
  }

  @Test("of models that do not fit are refused")
  func refusals() throws {
    func message(_ make: () throws -> Content) -> String {
      do {
        _ = try make()
        return "nothing is wrong"
      } catch { return (error as? OperationError)?.message ?? "\(error)" }
    }
    let (base, two) = (try model("base"), [try model("a"), try model("b")])
    func with(_ name: String, _ shape: Shape) throws -> Content {
      try model("base") { $0.tensors.append(TensorEntry(foreseen: name, dtype: .f32, shape: shape)) }
    }
    let cases: [(String, () throws -> Content)] = [
      (
        "`base` is of type `mlp`, of which no mixture of experts is made",
        { try moe(model("base", type: "mlp"), two) }
      ),
      (
        "no `qwen3_moe` is made of models of type `llama`",
        { try moe(base, two, ["architecture": .choice("qwen3_moe")]) }
      ),
      (
        "a `qwen2_moe` has a shared expert, and `moe` is given none",
        { try moe(base, two, ["architecture": .choice("qwen2_moe")]) }
      ),
      (
        "a `mixtral` has no shared expert, and `moe` is given one",
        { try moe(base, two, shared: base, ["architecture": .choice("mixtral")]) }
      ),
      ("each token goes to 2 experts, and there is 1", { try moe(base, [two[0]]) }),
      ("`a` is of type `mistral`, `base` of type `llama`", { try moe(base, [model("a", type: "mistral"), two[1]]) }),
      (
        "a `mixtral` has no place for `model.layers.0.self_attn.q_proj.bias` of `base`",
        { try moe(with("model.layers.0.self_attn.q_proj.bias", [4]), two) }
      ),
      (
        "an expert has no place for `model.layers.0.mlp.gate.weight` of `base`",
        { try moe(with("model.layers.0.mlp.gate.weight", [4]), two) }
      ),
      (
        "`model.layers.1.mlp.up_proj.weight` is in `base`, but not in `b`",
        {
          try moe(
            base, [two[0], model("b") { $0.tensors.removeAll { $0.name == "model.layers.1.mlp.up_proj.weight" } }])
        }
      ),
      (
        "`base` has no layers with `mlp.gate_proj.weight`",
        { try moe(model("base") { $0.tensors.removeAll { $0.name.contains("mlp") } }, two) }
      ),
      (
        "`base` attends within a sliding window, which a `qwen2_moe` made of it would not keep",
        { try moe(model("base", type: "mistral"), two, shared: base) }
      ),
    ]
    for (expected, make) in cases { #expect(message(make) == expected) }
  }
}
