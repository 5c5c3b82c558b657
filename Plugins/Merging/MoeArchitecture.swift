import Diagnostics
import Formats
import Operations
import Tensors

/// The mixtures of experts that can be made of dense models, as `transformers` knows them.
enum MoeArchitecture: String, Choice {
  case mixtral
  case qwen2Moe = "qwen2_moe"
  case qwen3Moe = "qwen3_moe"

  var text: String {
    switch self {
    case .mixtral: "Mixtral, of Llama or Mistral models."
    case .qwen2Moe: "Qwen2-MoE with a shared expert, of Qwen2, Llama or Mistral models."
    case .qwen3Moe: "Qwen3-MoE, of Qwen3 models."
    }
  }

  /// `model_type` of the models that it is made of.
  var denseTypes: [String] {
    switch self {
    case .mixtral: ["llama", "mistral"]
    case .qwen2Moe: ["qwen2", "llama", "mistral"]
    case .qwen3Moe: ["qwen3"]
    }
  }

  var hasSharedExpert: Bool { self == .qwen2Moe }

  // MARK: Names

  private func block(_ layer: Int) -> String {
    "model.layers.\(layer).\(self == .mixtral ? "block_sparse_moe" : "mlp")"
  }

  func router(ofLayer layer: Int) -> String { block(layer) + ".gate.weight" }

  func sharedGate(ofLayer layer: Int) -> String { block(layer) + ".shared_expert_gate.weight" }

  /// What a matrix of a dense model is called in an expert, or in the shared one.
  func name(of place: (layer: Int, matrix: String), inExpert number: Int?) -> String {
    let inMixtral = ["gate_proj.weight": "w1.weight", "down_proj.weight": "w2.weight", "up_proj.weight": "w3.weight"]
    let matrix = self == .mixtral ? inMixtral[place.matrix] ?? place.matrix : place.matrix
    return block(place.layer) + (number.map { ".experts.\($0)." } ?? ".shared_expert.") + matrix
  }

  // MARK: Attention

  /// The biases that attention may have.
  private var biases: [String] {
    switch self {
    case .mixtral: []
    case .qwen2Moe: ["q_proj.bias", "k_proj.bias", "v_proj.bias"]
    case .qwen3Moe: ["q_proj.bias", "k_proj.bias", "v_proj.bias", "o_proj.bias"]
    }
  }

  /// Zeros for the biases of queries, keys and values, where the architecture has them and the base has not.
  func missingBiases(of base: Content) -> [TensorEntry] {
    guard self == .qwen2Moe else { return [] }
    let names = Set(base.tensors.map(\.name))
    return base.tensors.compactMap { weight in
      let bias = weight.name.dropLast("weight".count) + "bias"
      let isProjection = ["q_proj.weight", "k_proj.weight", "v_proj.weight"].contains {
        weight.name.hasSuffix(".self_attn." + $0)
      }
      guard isProjection, weight.shape.rank == 2, !names.contains(String(bias)) else { return nil }
      let (rows, dtype) = (weight.shape[0], weight.dtype)
      return TensorEntry(String(bias), dtype: dtype, shape: [rows]) {
        Tensor(shape: [rows]) { $0.update(repeating: 0) }.converted(to: dtype)
      }
    }
  }

  /// Checks that the base's attention has no bias that would be lost, and that a token sees as far in the result.
  func checkAttention(of base: Checkpoint) throws {
    for entry in base.content.tensors where entry.name.hasSuffix(".bias") {
      guard !biases.contains(where: { entry.name.hasSuffix(".self_attn." + $0) }) else { continue }
      throw OperationError(.data, "a `\(rawValue)` has no place for `\(entry.name)` of `\(base.label)`")
    }
    let config = base.config
    let isMistral = config["model_type"]?.string == "mistral"
    let isWindowed = isMistral ? config["sliding_window"] != .null : config["use_sliding_window"]?.bool == true
    guard isWindowed, self != .mixtral else { return }
    throw OperationError(
      .data, "`\(base.label)` attends within a sliding window, which a `\(rawValue)` made of it would not keep",
      helps: [
        isMistral
          ? "`\"sliding_window\": null` in `config.json` takes the window away; `architecture: .mixtral` keeps it"
          : "`\"use_sliding_window\": false` in `config.json` takes the window away"
      ])
  }

  // MARK: Configuration

  /// The base's configuration as this architecture's.
  func config(of base: Content, _ dense: DenseFeedForward, experts: Int, perToken: Int) -> JSON {
    var config = withDefaults(base)
    func set(_ name: String, _ value: JSON) { config = config.setting(name, to: value) }
    set("intermediate_size", .integer(dense.units))
    set("num_experts_per_tok", .integer(perToken))
    switch self {
    case .mixtral:
      set("architectures", ["MixtralForCausalLM"])
      set("num_local_experts", .integer(experts))
    case .qwen2Moe, .qwen3Moe:
      set("architectures", [.string(self == .qwen2Moe ? "Qwen2MoeForCausalLM" : "Qwen3MoeForCausalLM")])
      set("num_experts", .integer(experts))
      set("moe_intermediate_size", .integer(dense.units))
      set("norm_topk_prob", true)
      set("decoder_sparse_step", 1)
      set("mlp_only_layers", [])
    }
    if self == .qwen2Moe {
      set("shared_expert_intermediate_size", .integer(dense.units))
      set("use_sliding_window", false)
    }
    set("model_type", .string(rawValue))
    return config
  }

  /// The configuration with what the dense type takes for granted and the other type may take otherwise.
  private func withDefaults(_ base: Content) -> JSON {
    var config = base.facts
    let type = config["model_type"]?.string ?? ""
    let isQwen = type.hasPrefix("qwen")
    let heads = config["num_attention_heads"]?.integer ?? 32
    var defaults: [(String, JSON)] = [
      ("num_hidden_layers", .integer(base.layers.count)), ("num_attention_heads", .integer(heads)),
      ("num_key_value_heads", .integer(type == "mistral" ? 8 : type == "llama" ? heads : 32)),
      ("max_position_embeddings", type == "llama" ? 2048 : type == "mistral" ? 131_072 : 32_768),
      ("rms_norm_eps", 1e-6), ("tie_word_embeddings", false),
    ]
    if let rows = zip(base.tensors, TensorName.all(base)).first(where: { $0.1.role == .embedding })?.0.shape {
      defaults += [("vocab_size", .integer(rows[0])), ("hidden_size", .integer(rows[1]))]
    }
    if !isQwen { defaults += [("bos_token_id", 1), ("eos_token_id", 2)] }
    if type == "mistral" { defaults.append(("sliding_window", 4096)) }
    if type == "qwen3" { defaults.append(("head_dim", 128)) }
    for (name, value) in defaults where config[name] == nil { config = config.setting(name, to: value) }
    // Mixtral's base of the rotary angles is another than anybody else's.
    if let rope = config["rope_parameters"], rope.object != nil {
      if rope["rope_theta"] == nil, config["rope_theta"] == nil {
        config = config.setting("rope_parameters", to: rope.setting("rope_theta", to: 10_000))
      }
    } else if config["rope_theta"] == nil {
      config = config.setting("rope_theta", to: 10_000)
    }
    return config
  }
}
