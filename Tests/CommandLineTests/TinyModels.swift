import Formats
import Foundation
import Tensors

/// Models with a few small tensors each, called as Llama calls them.
extension Session {
  static func llamaShapes(layers: Int) -> [(name: String, shape: Shape)] {
    let outside: [(name: String, shape: Shape)] = [
      ("lm_head.weight", [6, 4]), ("model.embed_tokens.weight", [6, 4]), ("model.norm.weight", [4]),
    ]
    let inside = (0..<layers).flatMap { layer -> [(name: String, shape: Shape)] in
      [
        ("model.layers.\(layer).mlp.up_proj.weight", [8, 4]),
        ("model.layers.\(layer).self_attn.q_proj.weight", [4, 4]),
      ]
    }
    return (outside + inside).sorted { $0.name < $1.name }
  }

  /// Writes a model whose entries follow from its name.
  /// - Parameter shapes: Its tensors, where they are not a Llama's of so many layers.
  func writeModel(
    _ name: String, layers: Int = 3, dtype: DType = .f32, tokenizer: String? = nil,
    shapes: [(name: String, shape: Shape)]? = nil
  ) throws {
    let config: JSON =
      shapes == nil ? ["model_type": "llama", "num_hidden_layers": .integer(layers)] : ["model_type": "unknown"]
    try write(config.pretty, to: name + "/config.json")
    if let tokenizer { try write(tokenizer, to: name + "/tokenizer.json") }
    let shapes = shapes ?? Self.llamaShapes(layers: layers)
    try SafetensorsLayout(shapes.map { ($0.name, dtype, $0.shape) })
      .write(to: "\(folder)/\(name)/model.safetensors") { tensor in
        let shape = shapes.first { $0.name == tensor }?.shape ?? []
        var generator = Generator(seed: 3, stream: name, tensor)
        return Tensor((0..<shape.count).map { _ in Float(generator.gaussian()) }, shape: shape).converted(to: dtype)
      }
  }

  /// Writes a whole Mistral of one layer, of the tokens `t4`, `t5` and so on.
  func writeLanguageModel(_ name: String, tokens: Range<Int>) throws {
    let shapes: [(name: String, shape: Shape)] = [
      ("lm_head.weight", [tokens.count, 4]), ("model.embed_tokens.weight", [tokens.count, 4]),
      ("model.layers.0.input_layernorm.weight", [4]), ("model.layers.0.mlp.down_proj.weight", [4, 8]),
      ("model.layers.0.mlp.gate_proj.weight", [8, 4]), ("model.layers.0.mlp.up_proj.weight", [8, 4]),
      ("model.layers.0.post_attention_layernorm.weight", [4]), ("model.layers.0.self_attn.k_proj.weight", [4, 4]),
      ("model.layers.0.self_attn.o_proj.weight", [4, 4]), ("model.layers.0.self_attn.q_proj.weight", [4, 4]),
      ("model.layers.0.self_attn.v_proj.weight", [4, 4]), ("model.norm.weight", [4]),
    ]
    let vocabulary = tokens.enumerated().map { JSON.Member("t\($1)", .integer($0)) }
    // Words that are tokens are those, and any other letter is the first of them.
    let tokenizer: JSON = [
      "pre_tokenizer": ["type": "WhitespaceSplit"],
      "model": [
        "type": "BPE", "vocab": .object(vocabulary), "merges": [], "unk_token": .string("t\(tokens.lowerBound)"),
        "ignore_merges": true,
      ],
    ]
    try writeModel(name, tokenizer: tokenizer.compact, shapes: shapes)
    let config: JSON = [
      "model_type": "mistral", "num_hidden_layers": 1, "vocab_size": .integer(tokens.count), "sliding_window": .null,
      "hidden_size": 4, "intermediate_size": 8, "num_attention_heads": 2, "num_key_value_heads": 2,
    ]
    try write(config.pretty, to: name + "/config.json")
  }

  /// Writes a BERT of one layer without a head, whose tokens are letters.
  func writeEncoder(_ name: String) throws {
    let linear: [(name: String, inputs: Int, outputs: Int)] = [
      ("attention.self.query", 4, 4), ("attention.self.key", 4, 4), ("attention.self.value", 4, 4),
      ("attention.output.dense", 4, 4), ("intermediate.dense", 4, 8), ("output.dense", 8, 4),
    ]
    let norms = [
      "embeddings.LayerNorm", "encoder.layer.0.attention.output.LayerNorm", "encoder.layer.0.output.LayerNorm",
    ]
    var shapes: [(name: String, shape: Shape)] = [
      ("embeddings.word_embeddings.weight", [56, 4]), ("embeddings.position_embeddings.weight", [128, 4]),
      ("embeddings.token_type_embeddings.weight", [2, 4]),
    ]
    for norm in norms { shapes += [("\(norm).weight", [4]), ("\(norm).bias", [4])] }
    for layer in linear {
      let path = "encoder.layer.0.\(layer.name)"
      shapes += [("\(path).weight", [layer.outputs, layer.inputs]), ("\(path).bias", [layer.outputs])]
    }
    let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
    let tokens = ["[PAD]", "[UNK]", "."] + letters + letters.map { "##" + $0 }
    let vocabulary = tokens.enumerated().map { JSON.Member($1, .integer($0)) }
    let tokenizer: JSON = [
      "normalizer": ["type": "Lowercase"], "pre_tokenizer": ["type": "BertPreTokenizer"],
      "model": [
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": .object(vocabulary),
      ],
    ]
    try writeModel(name, tokenizer: tokenizer.compact, shapes: shapes)
    let config: JSON = [
      "architectures": ["BertModel"], "model_type": "bert", "vocab_size": 56, "hidden_size": 4, "intermediate_size": 8,
      "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 128, "type_vocab_size": 2,
    ]
    try write(config.pretty, to: name + "/config.json")
  }

  /// The tensors of a model's folder, by name.
  func tensors(in name: String) throws -> [String: [Double]] {
    let entries = try ModelFolder("\(folder)/\(name)").entries
    return Dictionary(uniqueKeysWithValues: try entries.map { ($0.name, try $0.tensor().doubles) })
  }

  /// A session with four models of three layers and one of two.
  static func withModels() throws -> Session {
    let session = try Session()
    for name in ["models/base", "models/math", "models/chat", "org/Code-7B"] { try session.writeModel(name) }
    try session.writeModel("models/short", layers: 2)
    return session
  }
}
