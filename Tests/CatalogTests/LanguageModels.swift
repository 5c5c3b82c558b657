import Formats
import Operations
import Tensors

extension Samples {
  /// The tensors of a language model of two layers, called as Llama calls them; the embeddings first.
  static let languageShapes: [(name: String, shape: Shape)] =
    [("model.embed_tokens.weight", [12, 4]), ("model.norm.weight", [4]), ("lm_head.weight", [12, 4])]
    + (0..<2).flatMap { layer -> [(name: String, shape: Shape)] in
      [
        ("mlp.down_proj.weight", [4, 6]), ("mlp.gate_proj.weight", [6, 4]), ("mlp.up_proj.weight", [6, 4]),
        ("input_layernorm.weight", [4]), ("self_attn.q_proj.weight", [4, 4]), ("self_attn.k_proj.weight", [2, 4]),
      ].map { ("model.layers.\(layer).\($0)", $1) }
    }

  /// The same seed's models of language: of 12 tokens, all but 4 of which a `donor` has too.
  var ofLanguage: Samples {
    var result = self
    result.isOfLanguage = true
    result.shapes = Self.languageShapes
    return result
  }

  static func languageConfig(_ type: String = "llama") -> JSON {
    [
      "architectures": ["LlamaForCausalLM"], "model_type": .string(type), "hidden_size": 4, "intermediate_size": 6,
      "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 12,
      "bos_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": false, "torch_dtype": "float32",
    ]
  }

  static func tokenizer(for label: String) -> SideFile {
    let first = label == "donor" ? 4 : 0
    let vocabulary = (first..<first + 12).enumerated().map { JSON.Member("token\($1)", .integer($0)) }
    let json: JSON = ["added_tokens": [], "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []]]
    return SideFile("tokenizer.json", Array(json.compact.utf8))
  }
}
