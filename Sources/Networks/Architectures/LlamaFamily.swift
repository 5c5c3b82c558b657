import Diagnostics
import Formats

/// What tells the decoders apart that are built like Llama's.
struct LlamaFamily: Sendable {
  /// Where a block's parts have norms.
  enum Norms: Sendable { case before, after, both }

  /// What of queries and keys is normed.
  enum QueryNorm: Sendable { case none, heads, whole }

  let modelType: String
  var activation = "silu"
  /// What is added to the norms' weights.
  var normOffset: Float = 0
  var norms = Norms.before
  var queryNorm = QueryNorm.none
  /// Whether queries, keys and values have biases whatever the configuration says.
  var hasQueryBias = false
  /// Whether embeddings are multiplied by the root of the width.
  var scalesEmbeddings = false
  /// Whether output and input embeddings are one where the configuration does not say.
  var isTied = false
  /// The width of a head where the configuration does not say; nil for the model's width over its heads.
  var headWidth: Int? = nil
  /// Scores are divided by the root of `query_pre_attn_scalar`, which is this where the configuration does not say; nil for the
  /// width of a head.
  var scoreDivisor: Double? = nil
  /// What attention's scores are kept below where the configuration does not say; nil where they never are. Gemma 3's
  /// configurations have the field, and `transformers` does not use it.
  var scoreCap: Double? = nil
  var logitCap = LogitCap.never
  /// Whether layers with a window turn by angles of their own.
  var hasLocalRotary = false
  var theta = 10_000.0
  /// Whether some layers do not turn queries and keys.
  var skipsRotation = false
  var window = Window.never

  /// Which layers see a window of keys only, where `layer_types` does not say.
  enum Window: Sendable {
    case never
    /// All of them, as wide as `sliding_window` says, or this where it says nothing.
    case all(Int)
    /// All but every so many-th.
    case allBut(Int)
    /// Those from `max_window_layers` on, where `use_sliding_window` is set.
    case fromLayer
    /// Those that do not turn queries and keys, where `use_sliding_window` is set.
    case unrotated
  }

  /// What logits are kept below.
  enum LogitCap: Sendable {
    case never
    /// What `final_logit_softcapping` says, or this where it says nothing.
    case configured(Double?)
  }

  static let all = [
    LlamaFamily(modelType: "llama"),
    LlamaFamily(modelType: "mistral", window: .all(4096)),
    LlamaFamily(modelType: "qwen2", hasQueryBias: true, window: .fromLayer),
    LlamaFamily(modelType: "qwen3", queryNorm: .heads, headWidth: 128, window: .fromLayer),
    LlamaFamily(
      modelType: "gemma", activation: "gelu_pytorch_tanh", normOffset: 1, scalesEmbeddings: true, isTied: true,
      headWidth: 256),
    LlamaFamily(
      modelType: "gemma2", activation: "gelu_pytorch_tanh", normOffset: 1, norms: .both, scalesEmbeddings: true,
      isTied: true, headWidth: 256, scoreDivisor: 256, scoreCap: 50, logitCap: .configured(30),
      window: .allBut(2)),
    LlamaFamily(
      modelType: "gemma3_text", activation: "gelu_pytorch_tanh", normOffset: 1, norms: .both, queryNorm: .heads,
      scalesEmbeddings: true, isTied: true, headWidth: 256, scoreDivisor: 256, logitCap: .configured(nil),
      hasLocalRotary: true,
      theta: 1_000_000, window: .allBut(6)),
    LlamaFamily(modelType: "smollm3", isTied: true, theta: 2_000_000, skipsRotation: true, window: .unrotated),
    LlamaFamily(modelType: "olmo2", norms: .after, queryNorm: .whole),
  ]
}

extension LlamaFamily {
  init(_ config: ModelConfig) throws {
    let type = try config.text("model_type")
    guard let family = Self.all.first(where: { $0.modelType == type }) else {
      preconditionFailure("an architecture is made for its own types")
    }
    self = family
    // What the tokens before a token see, all layers compute; what those behind it see, none.
    try config.require("use_bidirectional_attention", is: [.bool(false)])
  }

  /// What attention's scores, and the logits, are kept below; nil where they are not.
  func caps(_ config: ModelConfig) throws -> (scores: Double?, logits: Double?) {
    func cap(_ name: String, _ fallback: Double?) throws -> Double? {
      // A null says that there is none.
      guard config.json[name] != .null, config.has(name) || fallback != nil else { return nil }
      return try config.number(name, default: fallback)
    }
    let scores = try scoreCap.flatMap { try cap("attn_logit_softcapping", $0) }
    guard case .configured(let fallback) = logitCap else { return (scores, nil) }
    return (scores, try cap("final_logit_softcapping", fallback))
  }

  /// Whether each layer turns queries and keys.
  func rotations(_ config: ModelConfig, layers: Int) throws -> [Bool] {
    guard skipsRotation else { return Array(repeating: true, count: layers) }
    if config.has("no_rope_layers") {
      let said = (config.json["no_rope_layers"]?.array ?? []).compactMap(\.integer)
      guard said.count >= layers else {
        throw OperationError(
          .data, "`no_rope_layers` of `\(config.label)` does not say 0 or 1 for each of \(layers) layers")
      }
      return said.prefix(layers).map { $0 != 0 }
    }
    let period = try config.count("no_rope_layer_interval", default: 4)
    return (0..<layers).map { ($0 + 1) % period != 0 }
  }

  /// The window of each layer; nil where it sees all keys.
  /// - Parameter rotates: Whether each layer turns queries and keys.
  func windows(_ config: ModelConfig, _ rotates: [Bool]) throws -> [Int?] {
    let layers = rotates.count
    let types = try Self.types(config, layers)
    guard hasWindows else {
      if types.contains(true) { try config.require("layer_types", is: []) }
      return Array(repeating: nil, count: layers)
    }
    let fallback: Int? = if case .all(let width) = window { width } else { 4096 }
    // A null says that there is none, as Mistral's later files do.
    let isNone = config.json["sliding_window"] == .null
    let width = isNone ? nil : try config.count("sliding_window", default: fallback)
    let mayUse = try config.flag("use_sliding_window", default: false)
    if !types.isEmpty { return types.map { $0 ? width : nil } }
    switch window {
    case .never: return Array(repeating: nil, count: layers)
    case .all: return Array(repeating: width, count: layers)
    case .allBut(let period):
      let every =
        config.json["sliding_window_pattern"]?.integer ?? config.json["_sliding_window_pattern"]?.integer ?? period
      return (0..<layers).map { ($0 + 1) % max(every, 1) == 0 ? nil : width }
    case .fromLayer:
      let first = config.json["max_window_layers"]?.integer ?? 28
      return (0..<layers).map { mayUse && $0 >= first ? width : nil }
    case .unrotated: return rotates.map { mayUse && !$0 ? width : nil }
    }
  }

  /// Whether `layer_types` gives each layer a window; empty where it says nothing.
  private static func types(_ config: ModelConfig, _ layers: Int) throws -> [Bool] {
    guard config.has("layer_types") else { return [] }
    let types = config.json["layer_types"]?.array ?? []
    guard types.count == layers, types.allSatisfy({ ["full_attention", "sliding_attention"].contains($0.string) })
    else {
      throw OperationError(
        .data,
        "`layer_types` of `\(config.label)` does not name a kind of attention that is known for each of \(layers) layers",
        notes: ["known are `full_attention` and `sliding_attention`"])
    }
    return types.map { $0.string == "sliding_attention" }
  }

  private var hasWindows: Bool { if case .never = window { false } else { true } }
}
