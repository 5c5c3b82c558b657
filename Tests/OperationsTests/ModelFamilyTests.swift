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
      #expect(!family.modelTypes.isEmpty && family.parts.allSatisfy { $0.layers.contains("#.") })
      #expect(family.parts.allSatisfy { !$0.before.isEmpty && !$0.layerCount.isEmpty })
    }
  }
}
