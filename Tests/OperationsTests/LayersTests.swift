import Formats
import Tensors
import Testing

@testable import Operations

@Suite("Layers of models")
struct LayersTests {
  private func model(_ label: String, layers: Int, types: [JSON] = []) -> Content {
    var names = ["model.embed_tokens.weight"]
    for layer in 0..<layers { names += ["a", "b"].map { "model.layers.\(layer).\($0)" } }
    names += ["model.norm.weight", "lm_head.weight"]
    var content = Content(
      .checkpoint, facts: ["model_type": "llama", "num_hidden_layers": .integer(layers), "hidden_size": 4],
      tensors: names.enumerated().map { number, name in
        TensorEntry(name, Tensor([Float(number) + (label == "a" ? 0 : 100)], shape: [1]))
      }, files: [SideFile("tokenizer.json", Array(label.utf8))], label: label)
    if !types.isEmpty { content.facts = content.facts.setting("layer_types", to: .array(types)) }
    return content
  }

  private func values(_ content: Content) throws -> [String: Float] {
    Dictionary(uniqueKeysWithValues: try content.tensors.map { ($0.name, try $0.load().floats[0]) })
  }

  @Test("A slice is numbered from 0 and keeps what stands around the layers")
  func slice() throws {
    let slice = model("a", layers: 4, types: ["x", "y", "z", "w"]).taking(layers: 1..<3)
    #expect(
      try values(slice) == [
        "model.embed_tokens.weight": 0, "model.layers.0.a": 3, "model.layers.0.b": 4, "model.layers.1.a": 5,
        "model.layers.1.b": 6, "model.norm.weight": 9, "lm_head.weight": 10,
      ])
    #expect(slice.facts["num_hidden_layers"] == 2)
    #expect(slice.facts["layer_types"] == ["y", "z"])
    #expect(slice.facts["hidden_size"] == 4)
  }

  @Test("A stack has the first's beginning, all layers in order, and the last's end")
  func stack() throws {
    let a = model("a", layers: 3, types: ["x", "y", "z"])
    let b = model("b", layers: 2, types: ["v", "w"])
    let stack = Content.stacking([a.taking(layers: 0..<2), b, a.taking(layers: 2..<3), b.taking(layers: 1..<2)])
    #expect(stack.tensors.map(\.name).first == "model.embed_tokens.weight")
    #expect(
      try values(stack) == [
        "model.embed_tokens.weight": 0, "model.layers.0.a": 1, "model.layers.0.b": 2, "model.layers.1.a": 3,
        "model.layers.1.b": 4, "model.layers.2.a": 101, "model.layers.2.b": 102, "model.layers.3.a": 103,
        "model.layers.3.b": 104, "model.layers.4.a": 5, "model.layers.4.b": 6, "model.layers.5.a": 103,
        "model.layers.5.b": 104, "model.norm.weight": 105, "lm_head.weight": 106,
      ])
    #expect(stack.facts["num_hidden_layers"] == 6)
    #expect(stack.facts["layer_types"] == ["x", "y", "v", "w", "z", "w"])
    #expect(stack.files == a.files)
  }

  @Test("A number of layers inside another object is made right")
  func nested() {
    var content = model("a", layers: 3)
    content.facts = ["model_type": "unheard_of", "text_config": ["num_hidden_layers": 3], "n_layer": 3]
    #expect(content.taking(layers: 0..<1).facts["n_layer"] == 1)
    content.facts = ["model_type": "gemma3", "text_config": ["num_hidden_layers": 3, "layer_types": ["a", "b", "c"]]]
    content.tensors = content.tensors.map { $0.renamed("language_model." + $0.name) }
    let slice = content.taking(layers: 1..<3)
    #expect(slice.facts["text_config"] == ["num_hidden_layers": 2, "layer_types": ["b", "c"]])
    #expect(slice.tensors.map(\.name).contains("language_model.model.layers.1.b"))
    #expect(!slice.tensors.map(\.name).contains("language_model.model.layers.2.b"))
  }
}
