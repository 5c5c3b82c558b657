/// The places in a file of arcee's mergekit where keys stand, and the keys that mean something there.
enum KeyPlace: CaseIterable {
  case document, module, model, slice, source, tokenizer, tokenRule, tokenSource, reference, referencePart, filtered,
    mixture, expert

  var keys: [String] {
    switch self {
    case .document:
      [
        "merge_method", "models", "slices", "modules", "base_model", "parameters", "dtype", "out_dtype",
        "tokenizer_source", "tokenizer", "chat_template", "name",
      ]
    case .module: ["slices", "models", "parameters"]
    case .model: ["model", "parameters"]
    case .slice: ["sources", "base_model", "residual_weight", "parameters"]
    case .source: ["model", "layer_range", "parameters"]
    case .tokenizer: ["source", "tokens", "pad_to_multiple_of"]
    case .tokenRule: ["source", "force"]
    case .tokenSource: ["kind", "model", "token", "token_id"]
    case .reference: ["model", "lora", "override_architecture"]
    case .referencePart: ["path", "revision"]
    case .filtered: ["value", "filter"]
    case .mixture:
      ["base_model", "experts", "shared_experts", "gate_mode", "dtype", "experts_per_token", "architecture"]
    case .expert: ["source_model", "positive_prompts", "negative_prompts", "noise_scale", "residual_scale"]
    }
  }

  /// What it is, as messages say it.
  var text: String {
    switch self {
    case .document: "a merge"
    case .module: "a module"
    case .model: "an entry of `models`"
    case .slice: "a slice"
    case .source: "a source of a slice"
    case .tokenizer: "`tokenizer`"
    case .tokenRule: "the rule for a token"
    case .tokenSource: "the source of a token"
    case .reference: "a model's name"
    case .referencePart: "a part of a model's name"
    case .filtered: "a value with a filter"
    case .mixture: "a mixture of experts"
    case .expert: "an expert"
    }
  }

  /// The places that a stray key may be sought in; inner ones are not worth a hint.
  static let hinted: [KeyPlace] = [.document, .slice, .source, .tokenizer]

  /// Keys that earlier versions had.
  static let abandoned: Set<String> = ["input_model_parameters", "embed_slerp", "consensus_method"]
}
