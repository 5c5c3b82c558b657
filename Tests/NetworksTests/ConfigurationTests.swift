import Diagnostics
import Formats
import Tensors
import Testing

@testable import Networks

/// What a configuration asks for and is not done here is refused by name; nothing is passed over.
struct ConfigurationTests {
  private static let llama: JSON = [
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 11, "hidden_size": 8,
    "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16,
  ]
  private static let bert: JSON = [
    "architectures": ["BertForMaskedLM"], "model_type": "bert", "vocab_size": 11, "hidden_size": 8,
    "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16,
  ]

  struct Case: CustomTestStringConvertible, Sendable {
    let field: String
    let value: JSON
    let config: JSON
    let message: String
    var testDescription: String { field }

    init(_ field: String, _ value: JSON, of config: JSON = llama, _ message: String) {
      (self.field, self.value, self.config, self.message) = (field, value, config, message)
    }
  }

  static let refused = [
    Case(
      "architectures", ["LlamaForQuestionAnswering"],
      "`m` is a `LlamaForQuestionAnswering`, and a head like that is not known here"),
    Case(
      "layer_types", ["full_attention", "chunked_attention"],
      "`layer_types` of `m` does not name a kind of attention that is known for each of 2 layers"),
    Case(
      "layer_types", ["full_attention", "sliding_attention"],
      "`layer_types` of `m` is `[\"full_attention\",\"sliding_attention\"]`, and networks like that cannot be run"),
    Case(
      "rope_scaling", ["rope_type": "mrope", "mrope_section": [1, 1]],
      "the rotary embedding of `m` is of type `mrope`, which is not known here"),
    Case(
      "rope_parameters", ["rope_type": "longrope", "short_factor": [1], "long_factor": [1, 2]],
      "`short_factor` of `m` does not give a factor for each of 2 frequencies"),
    Case(
      "partial_rotary_factor", 0.5, "`partial_rotary_factor` of `m` is `0.5`, and networks like that cannot be run"),
    Case("hidden_act", "relu6", "`hidden_act` of `m` is `relu6`, and that activation is not known"),
    Case(
      "quantization_config", ["bits": 4],
      "`quantization_config` of `m` is `{\"bits\":4}`, and networks like that cannot be run"),
    Case(
      "num_key_value_heads", 3,
      "the configuration of `m` has `num_key_value_heads` and `num_attention_heads` of 3 and 2, which do not fit"),
    Case("is_decoder", true, of: bert, "`is_decoder` of `m` is `true`, and networks like that cannot be run"),
    Case(
      "position_embedding_type", "relative_key", of: bert,
      "`position_embedding_type` of `m` is `\"relative_key\"`, and networks like that cannot be run"),
    Case(
      "architectures", ["BertForNextSentencePrediction"], of: bert,
      "`m` is a `BertForNextSentencePrediction`, and a head like that is not known here"),
    Case(
      "architectures", ["BertForCausalLM"], of: bert,
      "`m` is to have a head for language modelling, and its architecture has none here"),
  ]

  @Test(arguments: refused) func `what is not done is refused by name`(_ test: Case) {
    let config = test.config.setting(test.field, to: test.value)
    let error = #expect(throws: OperationError.self) { try Blueprint.tensors(of: config, label: "m") }
    #expect(error?.message == test.message)
  }

  @Test func `a token of padding that is none is no token`() throws {
    let config = Self.llama.setting("pad_token_id", to: -1)
    let tensors = try Blueprint.tensors(of: config, label: "m")
    let blueprint = try Blueprint(config: config, tensors: tensors, of: "m")
    guard case .tokens(_, _, _, let padding) = blueprint.input else {
      Issue.record("a decoder reads tokens")
      return
    }
    #expect(padding == 0)
  }

  @Test func `a network of images keeps a class of images with another head`() throws {
    let config: JSON = [
      "architectures": ["ViTModel"], "model_type": "vit", "hidden_size": 8, "intermediate_size": 6,
      "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 4, "patch_size": 2, "num_channels": 1,
    ]
    let tensors = try Blueprint.tensors(of: config, label: "m")
    let other = try Blueprint.replacingHead(config: config, tensors: tensors, of: "m", with: .classification(3))
    #expect(other.config["architectures"] == ["ViTForImageClassification"])
    let again = try Blueprint.replacingHead(
      config: other.config, tensors: other.tensors.map { ($0.name, $0.shape) }, of: "m", with: .classification(5))
    #expect(again.config["architectures"] == ["ViTForImageClassification"])
    #expect(again.config["id2label"]?.object?.count == 5)
  }
}
