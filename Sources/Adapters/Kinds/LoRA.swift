import Diagnostics
import Formats
import Operations

/// Low-rank factors: W + s B A (Hu et al. 2021), and with lengths for the outputs DoRA (Liu et al. 2024).
///
/// s = α/r, or α/√r with `use_rslora`; `alpha_pattern` gives some modules an α of their own, `rank_pattern` a rank, which
/// shows in the factors' shapes. Embeddings and layers with `fan_in_fan_out` keep their weight transposed.
public struct LoRA: AdapterKind {
  public static let type = "LORA"

  public static let parts: [AdapterPart] = [
    "lora_A.weight", "lora_B.weight", .init("lora_B.bias", changesBias: true), "lora_embedding_A", "lora_embedding_B",
    "lora_magnitude_vector", "lora_magnitude_vector.weight", .init(tokens),
  ]

  /// Rows of tokens that are trained beside the factors.
  private static let tokens = "token_adapter.trainable_tokens_delta"

  public static let fields: Set<String> = [
    "r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "lora_bias", "fan_in_fan_out", "bias",
    "lora_dropout", "init_lora_weights", "megatron_config", "megatron_core", "qalora_group_size", "runtime_config",
    "eva_config", "corda_config", "loftq_config", "lora_ga_config", "ensure_weight_tying",
    "trainable_token_indices", "target_parameters",
  ]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  /// Starts by which PEFT changes the model itself each time that it loads the adapter.
  public var startThatChangesModels: String? {
    let start = config.json["init_lora_weights"]?.string ?? ""
    return ["pissa", "olora", "corda", "loftq", "lora_ga"].contains { start.hasPrefix($0) } ? start : nil
  }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    if let rows = module[Self.tokens] {
      guard module.count == 1 else {
        throw OperationError(
          .data,
          "`\(config.label)` has factors and rows of single tokens for `\(module.path)`, which are not known together")
      }
      var layer = AdaptedLayer()
      layer.rows = ReplacedRows(try config.tokens("trainable_token_indices", at: module.path), rows)
      return layer
    }
    let isEmbedding = module["lora_embedding_A"] != nil || module["lora_embedding_B"] != nil
    let a = try module.need(isEmbedding ? "lora_embedding_A" : "lora_A.weight")
    let b = try module.need(isEmbedding ? "lora_embedding_B" : "lora_B.weight")
    if let names = try stacks(of: module.path, a) {
      var layer = AdaptedLayer()
      layer.experts = ExpertFactors(a: a, b: b, names: names) { try self.scale(of: $0, rank: $1) }
      return layer
    }
    let scale = try scale(of: module.path, rank: a.shape.axes.first ?? 1)
    var layer = AdaptedLayer(onInput: .scaled(scale, .product([.tensor(b), .tensor(a)])))
    layer.offset = module["lora_B.bias"].map { .scaled(scale, .tensor($0)) }
    layer.lengths = module["lora_magnitude_vector"] ?? module["lora_magnitude_vector.weight"]
    layer.isTransposed = isEmbedding || config.flag("fan_in_fan_out")
    return layer
  }

  /// The stacks of experts that factors of a module may be for; nil where they are a layer's. Where several parameters of one
  /// module are adapted, PEFT wraps one around the other.
  private func stacks(of path: String, _ a: TensorEntry) throws -> [String]? {
    let module = path.split(separator: ".").filter { $0 + "." != AdapterReading.wrapping }.joined(separator: ".")
    let names = (config.json["target_parameters"]?.array ?? []).compactMap(\.string).compactMap { target -> String? in
      let parts = target.split(separator: ".")
      let parent = parts.dropLast().joined(separator: ".")
      guard let name = parts.last, parent.isEmpty || module == parent || module.hasSuffix("." + parent) else {
        return nil
      }
      return "\(module).\(name)"
    }
    guard !names.isEmpty else { return nil }
    let rank = try config.pattern("rank_pattern", at: names[0]) ?? config.number("r", 8)
    // A parameter of two axes is adapted as a layer is.
    return names == [module + ".weight"] && a.shape.axes.first == Int(rank) ? nil : names
  }

  /// What the product of the factors is multiplied by.
  func scale(of path: String, rank: Int) throws -> Double {
    let alpha = try config.pattern("alpha_pattern", at: path) ?? config.number("lora_alpha", 8)
    return alpha / (config.flag("use_rslora") ? Double(rank).squareRoot() : Double(rank))
  }
}
