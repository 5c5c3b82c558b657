import Formats

/// What tells the encoders apart that are built like BERT.
struct BertFamily: Sendable {
  /// What the parts of a block, and fields of the configuration, are called.
  struct Names: Sendable {
    var width = "hidden_size"
    var hiddenWidth = "intermediate_size"
    var layers = "num_hidden_layers"
    var heads = "num_attention_heads"
    var activation = "hidden_act"
    var query = "attention.self.query"
    var key = "attention.self.key"
    var value = "attention.self.value"
    var output = "attention.output.dense"
    var attentionNorm = "attention.output.LayerNorm"
    var up = "intermediate.dense"
    var down = "output.dense"
    var outputNorm = "output.LayerNorm"
  }

  /// What makes classes of the first token's state.
  enum Classifier: Sendable {
    /// A layer of the body with a hyperbolic tangent, then one layer.
    case pooler(String)
    case twoLayers
    case preClassifier
  }

  /// What the head for masked tokens is made of.
  struct LanguageHead: Sendable {
    let dense, norm, decoder: String
    /// The decoder's bias where its weight is that of the embeddings.
    let bias: String
  }

  let modelTypes: [String]
  let prefix: String
  /// Where a block's names begin; `#` stands for the layer's number, or `§` for that of its group and `#` for its place in the group.
  let blocks: String
  var names = Names()
  var activation = "gelu"
  /// Of the head for masked tokens; the body's where it is nil.
  var headActivation: Activation? = nil
  var hasTypes = true
  /// Whether positions begin behind that of padding.
  var countsFromPadding = false
  /// Whether embeddings are projected to the model's width even where they have it.
  var alwaysProjects = false
  let classifier: Classifier
  let languageHead: LanguageHead

  /// Whether layers share their weights in groups.
  var sharesLayers: Bool { blocks.contains("§") }

  /// Where the names of a layer's block begin.
  func block(_ layer: Int, group: Int) -> String {
    prefix + blocks.replacing("§", with: String(group)).replacing("#", with: String(layer)) + "."
  }

  static let all = [
    BertFamily(
      modelTypes: ["bert"], prefix: "bert.", blocks: "encoder.layer.#", classifier: .pooler("pooler.dense"),
      languageHead: .init(
        dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
        decoder: "cls.predictions.decoder", bias: "cls.predictions.bias")),
    BertFamily(
      modelTypes: ["roberta", "xlm-roberta", "camembert"], prefix: "roberta.", blocks: "encoder.layer.#",
      headActivation: .gelu, countsFromPadding: true, classifier: .twoLayers,
      languageHead: .init(
        dense: "lm_head.dense", norm: "lm_head.layer_norm", decoder: "lm_head.decoder", bias: "lm_head.bias")),
    BertFamily(
      modelTypes: ["distilbert"], prefix: "distilbert.", blocks: "transformer.layer.#",
      names: Names(
        width: "dim", hiddenWidth: "hidden_dim", layers: "n_layers", heads: "n_heads", activation: "activation",
        query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin", output: "attention.out_lin",
        attentionNorm: "sa_layer_norm", up: "ffn.lin1", down: "ffn.lin2", outputNorm: "output_layer_norm"),
      hasTypes: false, classifier: .preClassifier,
      languageHead: .init(
        dense: "vocab_transform", norm: "vocab_layer_norm", decoder: "vocab_projector", bias: "vocab_projector.bias")),
    BertFamily(
      modelTypes: ["albert"], prefix: "albert.", blocks: "encoder.albert_layer_groups.§.albert_layers.#",
      names: Names(
        query: "attention.query", key: "attention.key", value: "attention.value", output: "attention.dense",
        attentionNorm: "attention.LayerNorm", up: "ffn", down: "ffn_output", outputNorm: "full_layer_layer_norm"),
      activation: "gelu_new", alwaysProjects: true, classifier: .pooler("pooler"),
      languageHead: .init(
        dense: "predictions.dense", norm: "predictions.LayerNorm", decoder: "predictions.decoder",
        bias: "predictions.bias")),
  ]

  init(_ config: ModelConfig) throws {
    let type = try config.text("model_type")
    guard let family = Self.all.first(where: { $0.modelTypes.contains(type) }) else {
      preconditionFailure("an architecture is made for its own types")
    }
    self = family
  }
}

extension BertFamily {
  private init(
    modelTypes: [String], prefix: String, blocks: String, names: Names = Names(), activation: String = "gelu",
    headActivation: Activation? = nil, hasTypes: Bool = true, countsFromPadding: Bool = false,
    alwaysProjects: Bool = false, classifier: Classifier, languageHead: LanguageHead
  ) {
    (self.modelTypes, self.prefix, self.blocks, self.names) = (modelTypes, prefix, blocks, names)
    (self.activation, self.headActivation, self.hasTypes) = (activation, headActivation, hasTypes)
    (self.countsFromPadding, self.alwaysProjects) = (countsFromPadding, alwaysProjects)
    (self.classifier, self.languageHead) = (classifier, languageHead)
  }
}
