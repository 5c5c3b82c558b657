import Formats
import Testing

@testable import Operations

@Suite("A model's family")
struct ModelFamilyTests {
  private func names(_ type: String, _ tensors: [String]) -> [TensorName] {
    let entries = tensors.map { TensorEntry(foreseen: $0, dtype: .f32, shape: []) }
    return TensorName.all(Content(.checkpoint, facts: ["model_type": .string(type)], tensors: entries))
  }

  @Test("Tensors have the roles that the family says", arguments: ["llama", "gemma2", "qwen3_moe"])
  func decoders(type: String) {
    let names = names(
      type,
      [
        "lm_head.weight", "model.embed_tokens.weight", "model.layers.0.mlp.experts.7.up_proj.weight",
        "model.layers.10.input_layernorm.weight", "model.layers.2.self_attn.q_proj.bias", "model.norm.weight",
      ])
    #expect(names.map(\.role) == [.head, .embedding, .layer(0), .layer(10), .layer(2), .afterLayers])
    #expect(names.map(\.depth) == [1, 0, 0, 1, 0.2, 1])
  }

  @Test("An encoder is known with its head and without")
  func encoders() {
    let bare = names(
      "bert",
      [
        "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight",
        "encoder.layer.1.output.dense.weight", "pooler.dense.bias",
      ])
    #expect(bare.map(\.role) == [.embedding, .beforeLayers, .layer(1), .afterLayers])
    let masked = names(
      "bert",
      [
        "bert.embeddings.word_embeddings.weight", "bert.encoder.layer.3.output.dense.weight",
        "cls.predictions.decoder.weight", "cls.predictions.transform.dense.weight",
      ])
    #expect(masked.map(\.role) == [.embedding, .layer(3), .head, .afterLayers])
  }

  @Test("Each part of a model has a depth of its own")
  func severalParts() {
    let names = names(
      "qwen2_5_vl",
      [
        "visual.patch_embed.proj.weight", "visual.blocks.4.attn.proj.bias", "visual.merger.mlp.0.weight",
        "model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight", "model.layers.2.mlp.up_proj.weight",
      ])
    #expect(names.map(\.role) == [.beforeLayers, .layer(4), .afterLayers, .embedding, .layer(1), .layer(2)])
    #expect(names.map(\.depth) == [0, 1, 1, 0, 0.5, 1])
  }

  @Test("Names that the family does not have are inferred where it is not known, and marked where it is")
  func unknown() {
    #expect(names("llama", ["model.layers.0.a", "strange.tensor"]).map(\.role) == [.layer(0), .other])
    let inferred = names(
      "never_heard_of", ["tok_embeddings.weight", "pos.weight", "blocks.3.w", "final.weight", "lm_head.weight"])
    #expect(inferred.map(\.role) == [.embedding, .beforeLayers, .layer(3), .afterLayers, .head])
  }

  @Test("A layer's number is all of it")
  func numbers() {
    let part = ModelFamily.Part(layers: "h.#.", before: [], after: [])
    #expect(part.layer(of: "h.12.x") == 12)
    #expect(part.layer(of: "h.x") == nil && part.layer(of: "h.1x.y") == nil && part.layer(of: "h.1") == nil)
  }

  @Test("Every known family has layers and embeddings")
  func table() {
    for family in ModelFamily.known {
      let stacks = family.parts.filter { !$0.layers.isEmpty }
      #expect(!family.modelTypes.isEmpty && !stacks.isEmpty && stacks.allSatisfy { $0.layers.contains("#.") })
      #expect(stacks.allSatisfy { !$0.before.isEmpty && !$0.layerCount.isEmpty })
    }
  }

  @Test("A model comes apart and together again, with as many layers as each part says")
  func parts() throws {
    func entry(_ name: String) -> TensorEntry { TensorEntry(foreseen: name, dtype: .f32, shape: []) }
    let names = [
      "language_model.model.embed_tokens.weight", "language_model.model.layers.0.w", "language_model.model.layers.1.w",
      "multi_modal_projector.linear_1.weight", "vision_tower.patch_conv.weight",
      "vision_tower.transformer.layers.0.w", "vision_tower.transformer.layers.1.w",
      "vision_tower.transformer.layers.2.w",
    ]
    let whole = Content(
      .checkpoint,
      facts: [
        "model_type": "mistral3", "text_config": ["num_hidden_layers": 2], "vision_config": ["num_hidden_layers": 3],
      ], tensors: names.map(entry))
    #expect(whole.parts == ["text_decoder", "multi_modal_projector", "vision_tower"])
    let parts = whole.parts.map(whole.taking(part:))
    #expect(parts.map(\.tensors.count) == [3, 1, 4])
    #expect(Content.joining(parts).tensors.map(\.name) == names)
    #expect(Content.joining(parts).facts == whole.facts)
    let deeper = Content.stacking([parts[2], parts[2].taking(layers: 1..<3)])
    let joined = Content.joining([parts[0].taking(layers: 0..<1), parts[1], deeper])
    #expect(joined.facts["text_config"] == ["num_hidden_layers": 1])
    #expect(joined.facts["vision_config"] == ["num_hidden_layers": 5])
    let unknown = Content(
      .checkpoint, tensors: ["a.blocks.0.w", "a.blocks.1.w", "b.blocks.0.w", "b.blocks.norm", "head"].map(entry))
    #expect(unknown.parts == ["a.blocks", "b.blocks", "default"])
    #expect(unknown.taking(part: "b.blocks").tensors.count == 2)
  }
}
