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
  var readsScoreScale = false
  var hasCaps = false
  /// Whether layers with a window turn by angles of their own.
  var hasLocalRotary = false
  var theta = 10_000.0
  /// Every so many-th layer does not turn queries and keys.
  var skipsRotation: Int? = nil
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
      isTied: true, headWidth: 256, readsScoreScale: true, hasCaps: true, window: .allBut(2)),
    LlamaFamily(
      modelType: "gemma3_text", activation: "gelu_pytorch_tanh", normOffset: 1, norms: .both, queryNorm: .heads,
      scalesEmbeddings: true, isTied: true, headWidth: 256, readsScoreScale: true, hasCaps: true, hasLocalRotary: true,
      theta: 1_000_000, window: .allBut(6)),
    LlamaFamily(modelType: "smollm3", isTied: true, theta: 2_000_000, skipsRotation: 4, window: .fromLayer),
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
    // As old Gemma files have it; `transformers` takes the tanh form for both.
    try config.require("use_bidirectional_attention", is: [.bool(false)])
  }

  /// The window of each layer; nil where it sees all keys.
  func windows(_ config: ModelConfig, layers: Int) throws -> [Int?] {
    guard hasWindows else { return Array(repeating: nil, count: layers) }
    let fallback: Int? = if case .all(let width) = window { width } else { 4096 }
    // A null says that there is none, as Mistral's later files do.
    let isNone = config.json["sliding_window"] == .null
    let width = isNone ? nil : try config.count("sliding_window", default: fallback)
    if let types = config.json["layer_types"]?.array, types.count == layers {
      return types.map { $0.string == "sliding_attention" ? width : nil }
    }
    switch window {
    case .never: return Array(repeating: nil, count: layers)
    case .all: return Array(repeating: width, count: layers)
    case .allBut(let period):
      let every =
        config.json["sliding_window_pattern"]?.integer ?? config.json["_sliding_window_pattern"]?.integer ?? period
      return (0..<layers).map { ($0 + 1) % max(every, 1) == 0 ? nil : width }
    case .fromLayer:
      guard try config.flag("use_sliding_window", default: false) else { return Array(repeating: nil, count: layers) }
      let first = config.json["max_window_layers"]?.integer ?? 28
      return (0..<layers).map { $0 < first ? nil : width }
    }
  }

  private var hasWindows: Bool { if case .never = window { false } else { true } }
}
