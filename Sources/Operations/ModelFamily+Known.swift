extension ModelFamily {
  /// The families whose names of tensors are known, as `transformers` writes them.
  static let known: [ModelFamily] = decoders + encoders + severalParts

  /// `model.embed_tokens`, `model.layers.#`, `model.norm` and `lm_head`, as Llama has them.
  private static func llamaLike(
    _ modelTypes: [String], before: [String] = [], after: [String] = ["model.norm.*", "lm_head.*", "score.*"]
  ) -> ModelFamily {
    ModelFamily(
      modelTypes,
      [
        Part(
          layers: "model.layers.#.", before: ["model.embed_tokens.*"] + before, after: after,
          vocabulary: ["model.embed_tokens.weight", "lm_head.weight", "lm_head.bias"])
      ])
  }

  private static let decoders: [ModelFamily] = [
    llamaLike([
      "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "gemma", "gemma2", "gemma3_text",
      "phi3", "cohere", "cohere2", "olmo", "olmo2", "granite", "granitemoe", "granitemoehybrid", "glm", "glm4",
      "glm4_moe", "apertus", "arcee", "afmoe", "baichuan", "solar", "stablelm", "stablelm_epoch", "starcoder2",
      "smollm3", "deepseek_v2", "deepseek_v3", "nemotron", "exaone4", "ministral",
    ]),
    llamaLike(["phi", "phi3small"], after: ["model.final_layernorm.*", "lm_head.*"]),
    llamaLike(["lfm2"], before: ["model.embedding_norm.*"]),
    ModelFamily(
      ["internlm2"],
      [
        Part(
          layers: "model.layers.#.", before: ["model.tok_embeddings.*"], after: ["model.norm.*", "output.*"],
          vocabulary: ["model.tok_embeddings.weight", "output.weight"])
      ]),
    ModelFamily(
      ["chatglm"],
      [
        Part(
          layers: "transformer.encoder.layers.#.", before: ["transformer.embedding.*", "transformer.rotary_pos_emb.*"],
          after: ["transformer.encoder.final_layernorm.*", "transformer.output_layer.*"],
          vocabulary: ["transformer.embedding.word_embeddings.weight", "transformer.output_layer.weight"])
      ]),
    ModelFamily(
      ["gpt2", "gpt_bigcode", "jais", "qwen", "exaone"],
      [
        Part(
          layers: "transformer.h.#.", count: "n_layer",
          before: ["transformer.wte.*", "transformer.wpe.*", "transformer.relative_pe.*"],
          after: ["transformer.ln_f.*", "lm_head.*", "score.*"],
          vocabulary: ["transformer.wte.weight", "lm_head.weight"])
      ]),
    // As the first releases of GPT-2 are stored, without the model's own name before each tensor's.
    ModelFamily(
      ["gpt2"],
      [
        Part(
          layers: "h.#.", count: "n_layer", before: ["wte.*", "wpe.*"], after: ["ln_f.*", "lm_head.*"],
          vocabulary: ["wte.weight", "lm_head.weight"])
      ]),
    ModelFamily(
      ["falcon"],
      [
        Part(
          layers: "transformer.h.#.", before: ["transformer.word_embeddings.*"],
          after: ["transformer.ln_f.*", "lm_head.*"],
          vocabulary: ["transformer.word_embeddings.weight", "lm_head.weight"])
      ]),
    ModelFamily(
      ["gpt_neox"],
      [
        Part(
          layers: "gpt_neox.layers.#.", before: ["gpt_neox.embed_in.*"],
          after: ["gpt_neox.final_layer_norm.*", "embed_out.*"],
          vocabulary: ["gpt_neox.embed_in.weight", "embed_out.weight"])
      ]),
    ModelFamily(
      ["mamba"],
      [
        Part(
          layers: "backbone.layers.#.", before: ["backbone.embeddings.*"], after: ["backbone.norm_f.*", "lm_head.*"],
          vocabulary: ["backbone.embeddings.weight", "lm_head.weight"])
      ]),
    ModelFamily(
      ["phi-msft"],
      [
        Part(
          layers: "transformer.h.#.", count: "n_layer", before: ["transformer.embd.*"], after: ["lm_head.*"],
          vocabulary: ["transformer.embd.wte.weight", "lm_head.linear.weight", "lm_head.linear.bias"])
      ]),
  ]

  /// A body under a prefix of its own, or under none where the model was saved without a head.
  private static func encoder(
    _ modelType: String, prefix: String, layers: String, before: [String] = ["embeddings.*"], after: [String],
    embedding: String = "embeddings.word_embeddings.weight", vocabulary: [String]
  ) -> [ModelFamily] {
    [prefix + ".", ""].map { prefix in
      ModelFamily(
        [modelType],
        [
          Part(
            layers: prefix + layers, before: before.map { prefix + $0 }, after: [prefix + "pooler.*"] + after,
            vocabulary: [prefix + embedding] + vocabulary)
        ])
    }
  }

  private static let encoders: [ModelFamily] =
    encoder(
      "bert", prefix: "bert", layers: "encoder.layer.#.", after: ["cls.*", "classifier.*", "qa_outputs.*"],
      vocabulary: ["cls.predictions.decoder.*", "cls.predictions.bias"])
    + encoder(
      "roberta", prefix: "roberta", layers: "encoder.layer.#.",
      after: ["lm_head.*", "classifier.*", "qa_outputs.*", "pooler.*"],
      vocabulary: ["lm_head.decoder.*", "lm_head.bias"])
    + encoder(
      "xlm-roberta", prefix: "roberta", layers: "encoder.layer.#.",
      after: ["lm_head.*", "classifier.*", "qa_outputs.*", "pooler.*"],
      vocabulary: ["lm_head.decoder.*", "lm_head.bias"])
    + encoder(
      "distilbert", prefix: "distilbert", layers: "transformer.layer.#.",
      after: ["vocab_*", "classifier.*", "pre_classifier.*", "qa_outputs.*"], vocabulary: ["vocab_projector.*"])
    + encoder(
      "vit", prefix: "vit", layers: "encoder.layer.#.", after: ["vit.layernorm.*", "layernorm.*", "classifier.*"],
      vocabulary: [])

  /// A text decoder as Llama's, under a prefix, beside other parts.
  private static func text(_ prefix: String, head: String, count: String = "text_config.num_hidden_layers") -> Part {
    Part(
      "text_decoder", layers: prefix + "layers.#.", count: count, before: [prefix + "embed_tokens.*"],
      after: [prefix + "norm.*", head + ".*"], vocabulary: [prefix + "embed_tokens.weight", head + ".weight"])
  }

  private static func vision(
    _ name: String = "vision_tower", layers: String, count: String, before: [String], after: [String] = []
  ) -> Part {
    Part(name, layers: layers, count: count, before: before, after: after)
  }

  /// What leads from the one to the other; it has no layers.
  private static func projector(_ tensors: String...) -> Part {
    Part("multi_modal_projector", layers: "", count: "", before: [], after: tensors)
  }

  private static let severalParts: [ModelFamily] = [
    ModelFamily(
      ["gemma3"],
      [
        text("language_model.model.", head: "language_model.lm_head"),
        vision(
          layers: "vision_tower.vision_model.encoder.layers.#.", count: "vision_config.num_hidden_layers",
          before: ["vision_tower.vision_model.embeddings.*"],
          after: ["vision_tower.vision_model.post_layernorm.*"]),
        projector("multi_modal_projector.*"),
      ]),
    ModelFamily(
      ["llama4"],
      [
        text("language_model.model.", head: "language_model.lm_head"),
        vision(
          "vision_model", layers: "vision_model.model.layers.#.", count: "vision_config.num_hidden_layers",
          before: ["vision_model.class_embedding", "vision_model.p*_embedding*", "vision_model.layernorm_pre.*"],
          after: ["vision_model.layernorm_post.*", "vision_model.vision_adapter.*"]),
        projector("multi_modal_projector.*"),
      ]),
    ModelFamily(
      ["mistral3"],
      [
        text("language_model.model.", head: "language_model.lm_head"),
        vision(
          layers: "vision_tower.transformer.layers.#.", count: "vision_config.num_hidden_layers",
          before: ["vision_tower.patch_conv.*", "vision_tower.ln_pre.*"]),
        projector("multi_modal_projector.*"),
      ]),
    ModelFamily(
      ["qwen2_vl", "qwen2_5_vl"],
      [
        text("model.", head: "lm_head", count: "num_hidden_layers"),
        vision(
          layers: "visual.blocks.#.", count: "vision_config.depth", before: ["visual.patch_embed.*"]),
        projector("visual.merger.*"),
      ]),
    ModelFamily(
      ["qwen3_vl", "qwen3_vl_moe"],
      [
        text("model.language_model.", head: "lm_head"),
        vision(
          layers: "model.visual.blocks.#.", count: "vision_config.depth",
          before: ["model.visual.patch_embed.*", "model.visual.pos_embed.*"]),
        projector("model.visual.merger.*", "model.visual.deepstack_merger_list.*"),
      ]),
    ModelFamily(
      ["t5"],
      [
        Part(
          "decoder", layers: "decoder.block.#.", count: "num_decoder_layers",
          before: ["decoder.embed_tokens.*"], after: ["decoder.final_layer_norm.*"],
          vocabulary: ["decoder.embed_tokens.weight"]),
        Part(
          "encoder", layers: "encoder.block.#.", count: "num_layers", before: ["encoder.embed_tokens.*"],
          after: ["encoder.final_layer_norm.*"], vocabulary: ["encoder.embed_tokens.weight"]),
        Part(
          "shared", layers: "", count: "", before: ["shared.*"], after: ["lm_head.*"],
          vocabulary: ["shared.weight", "lm_head.weight"]),
      ]),
    ModelFamily(
      ["whisper"],
      [
        Part(
          "decoder", layers: "model.decoder.layers.#.", count: "decoder_layers",
          before: ["model.decoder.embed_tokens.*", "model.decoder.embed_positions.*"],
          after: ["model.decoder.layer_norm.*", "proj_out.*"],
          vocabulary: ["model.decoder.embed_tokens.weight", "proj_out.weight"]),
        Part(
          "encoder", layers: "model.encoder.layers.#.", count: "encoder_layers",
          before: ["model.encoder.embed_positions.*", "model.encoder.conv?.*"], after: ["model.encoder.layer_norm.*"]),
      ]),
  ]
}
