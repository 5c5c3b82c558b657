import Tensors
import Testing

/// Files of arcee's mergekit are imported and run, and give what recipes give that say each tensor's settings one by one.
@Suite struct ImportRunStories {
  /// Imports a file and applies the recipe, applies another one that is written by hand, and compares what they export.
  static func expectSame(_ yaml: String, as expression: String) throws {
    let session = try Session.withModels()
    try session.write(yaml, to: "merge.yml")
    let imported = session.run("import merge.yml -o imported/merge.rcp")
    #expect(imported.status == 0, "\(imported)")
    let check = session.run("check imported/merge.rcp")
    #expect(check.status == 0 && check.errors == "", "\(check)")
    #expect(session.run("fmt --check imported/merge.rcp").status == 0)
    let applied = session.run("apply imported/merge.rcp")
    #expect(applied.status == 0, "\(applied)")
    try session.write(
      """
      recipe "By hand"
      let base = checkpoint("models/base")
      let math = checkpoint("models/math")
      let chat = checkpoint("models/chat")
      let code = checkpoint("org/Code-7B")
      let value = \(expression)
      export value to "by-hand"

      """, to: "by-hand.rcp")
    let byHand = session.run("apply by-hand.rcp")
    #expect(byHand.status == 0, "\(byHand)")
    let (found, expected) = (try session.tensors(in: "merged"), try session.tensors(in: "by-hand"))
    let recipe = try session.read("imported/merge.rcp")
    #expect(found == expected, "\(recipe)")
  }

  /// A setting with a value for each tensor by its whole name.
  private func settings(
    embeddings: Double, attention: [Double], mlp: [Double], norm: Double, head: Double
  ) -> String {
    let inside = zip(attention, mlp).enumerated().map { layer, values in
      "\"model.layers.\(layer).self_attn.q_proj.weight\" => \(values.0), \"model.layers.\(layer).mlp.up_proj.weight\" => \(values.1)"
    }
    let arms = ["\"model.embed_tokens.weight\" => \(embeddings)", "\"model.norm.weight\" => \(norm)"] + inside
    return "match tensor { \(arms.joined(separator: ", ")), _ => \(head) }"
  }

  @Test func linear() throws {
    let weights = settings(embeddings: 0.2, attention: [0.2, 0.6, 1], mlp: [0.2, 0.6, 1], norm: 0.2, head: 0.2)
    try Self.expectSame(
      """
      models:
        - model: models/math
          parameters: {weight: 0.3}
        - model: org/Code-7B
          parameters: {weight: [0.2, 0.6, 1]}
      merge_method: linear
      """, as: "average([math, code], weights: [0.3, \(weights)])")
  }

  /// The base leads, where `base_model` is one of the models; and its weight goes with it.
  @Test func linearWithBase() throws {
    try Self.expectSame(
      """
      models:
        - model: models/math
          parameters: {weight: 0.3}
        - model: models/base
          parameters: {weight: 0.9}
      base_model: models/base
      merge_method: linear
      parameters: {normalize: false}
      dtype: float32
      """, as: "average([base, math], weights: [0.9, 0.3], normalize: false)")
  }

  /// Five points over three layers, by filters, in slices that are whole models, as the best known of all files has it.
  @Test func slerp() throws {
    let at = settings(embeddings: 0.5, attention: [0, 0.3, 1], mlp: [1, 0.7, 0], norm: 0.5, head: 0.5)
    try Self.expectSame(
      """
      slices:
        - sources:
            - model: models/base
              layer_range: [0, 3]
            - model: models/math
              layer_range: [0, 3]
      merge_method: slerp
      base_model: models/base
      parameters:
        t:
          - filter: self_attn
            value: [0, 0.5, 0.3, 0.7, 1]
          - filter: mlp
            value: [1, 0.5, 0.7, 0.3, 0]
          - value: 0.5 # fallback for rest of tensors
      """, as: "slerp(a: base, b: math, at: \(at))")
  }

  /// A filter that knows no tensor hands over to the next level; the head is where gradients begin.
  @Test func levels() throws {
    let first = settings(embeddings: 3, attention: [5, 5, 5], mlp: [3, 4, 5], norm: 3, head: 7)
    let second = settings(embeddings: 3, attention: [3, 4, 5], mlp: [3, 4, 5], norm: 3, head: 3)
    try Self.expectSame(
      """
      models:
        - model: models/math
          parameters:
            weight:
              - {filter: self_attn, value: 5}
              - {filter: lm_head, value: 7}
        - model: models/chat
      merge_method: linear
      parameters:
        weight: [3, 4, 5]
        normalize: no
      """, as: "average([math, chat], weights: [\(first), \(second)], normalize: false)")
  }

  @Test func multislerpAndKarcher() throws {
    try Self.expectSame(
      """
      models:
        - {model: models/math, parameters: {weight: 1}}
        - {model: models/chat, parameters: {weight: 3}}
        - {model: org/Code-7B, parameters: {weight: 2}}
      base_model: models/base
      merge_method: multislerp
      parameters: {normalize_weights: true, eps: 1e-6}
      """, as: "multislerp([math, chat, code], base:, weights: [1, 3, 2], epsilon: 1e-6)")
    try Self.expectSame(
      """
      models: [{model: models/math}, {model: models/chat}]
      merge_method: karcher
      parameters: {max_iter: 3, tol: 1e-7}
      """, as: "karcher([math, chat], iterations: 3, tolerance: 1e-7)")
  }

  @Test func nuslerp() throws {
    try Self.expectSame(
      """
      models:
        - {model: models/math, parameters: {weight: 1}}
        - {model: models/chat, parameters: {weight: 3}}
      base_model: models/base
      merge_method: nuslerp
      parameters: {nuslerp_flatten: false, nuslerp_row_wise: true}
      """, as: "nuslerp(a: math, b: chat, base:, weights: [1, 3], vectors: .columns)")
  }

  /// Every stage is a value; the last is exported.
  @Test func documents() throws {
    try Self.expectSame(
      """
      name: last-but-one
      merge_method: linear
      models:
        - {model: stage, parameters: {weight: 1}}
        - {model: models/math, parameters: {weight: 1}}
      ---
      name: stage
      merge_method: linear
      models:
        - {model: models/base, parameters: {weight: 3}}
        - {model: models/chat, parameters: {weight: 1}}
      ---
      merge_method: slerp
      base_model: last-but-one
      models: [{model: org/Code-7B}]
      parameters: {t: 0.25}
      """,
      as: "slerp(a: average([average([base, chat], weights: [3, 1]), math]), b: code, at: 25%)")
  }

  @Test func frankenmerge() throws {
    let session = try Session.withModels()
    try session.write(
      """
      slices:
        - sources: [{model: models/base, layer_range: [0, 2]}]
        - sources:
            - model: models/math
              layer_range: [1, 3]
              parameters:
                scale:
                  - {filter: layers.2.mlp, value: 0.5}
                  - {filter: lm_head, value: 2}
                  - {value: 1}
      merge_method: passthrough
      dtype: float32
      """, to: "merge.yml")
    #expect(session.run("import merge.yml -o merge.rcp").status == 0)
    #expect(session.run("apply merge.rcp").status == 0)
    let (base, math) = (try session.tensors(in: "models/base"), try session.tensors(in: "models/math"))
    var expected: [String: [Double]] = [:]
    for kind in ["self_attn.q_proj.weight", "mlp.up_proj.weight"] {
      expected["model.layers.0.\(kind)"] = base["model.layers.0.\(kind)"]
      expected["model.layers.1.\(kind)"] = base["model.layers.1.\(kind)"]
      expected["model.layers.2.\(kind)"] = math["model.layers.1.\(kind)"]
      expected["model.layers.3.\(kind)"] = math["model.layers.2.\(kind)"]
    }
    // A model's own settings are held against its own names: its layer 2 is the result's layer 3.
    expected["model.layers.3.mlp.up_proj.weight"] = math["model.layers.2.mlp.up_proj.weight"]?.map { $0 * 0.5 }
    expected["model.embed_tokens.weight"] = base["model.embed_tokens.weight"]
    expected["model.norm.weight"] = math["model.norm.weight"]
    expected["lm_head.weight"] = math["lm_head.weight"]?.map { $0 * 2 }
    #expect(try session.tensors(in: "merged") == expected)
    #expect(try session.read("merged/config.json").contains("\"num_hidden_layers\": 4"))
  }

  /// Every slice begins its gradient again, and a slice of one layer has the last point of it; global filters are held
  /// against the result's names.
  @Test func slicesOfMerges() throws {
    let session = try Session.withModels()
    let sources = { (range: String) in
      "[{model: models/base, layer_range: \(range)}, {model: models/math, layer_range: \(range)}]"
    }
    try session.write(
      """
      slices:
        - sources: \(sources("[0, 2]"))
        - sources: \(sources("[1, 3]"))
          parameters: {t: [{filter: layers.3, value: 0}, {value: [0.1, 0.9]}]}
        - sources: \(sources("[2, 3]"))
      merge_method: slerp
      base_model: models/base
      parameters: {t: [0, 1]}
      """, to: "merge.yml")
    let imported = session.run("import merge.yml -o merge.rcp")
    #expect(imported.status == 0, "\(imported)")
    #expect(session.run("apply merge.rcp").status == 0)
    let (base, math) = (try session.tensors(in: "models/base"), try session.tensors(in: "models/math"))
    let merged = try session.tensors(in: "merged")
    func layer(_ model: [String: [Double]], _ number: Int) -> [Double]? {
      model["model.layers.\(number).mlp.up_proj.weight"]
    }
    #expect(layer(merged, 0) == layer(base, 0))
    #expect(layer(merged, 1) == layer(math, 1))
    #expect(layer(merged, 3) == layer(base, 2))
    #expect(layer(merged, 4) == layer(math, 2))
    for name in ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"] {
      #expect(merged[name] == base[name], "\(name) has the first point of the gradient")
    }
    try session.write(
      """
      recipe "By hand"
      let base = layers(checkpoint("models/base"), start: 1, end: 2)
      let math = layers(checkpoint("models/math"), start: 1, end: 2)
      export slerp(a: base, b: math, at: 0.1) to "by-hand"

      """, to: "by-hand.rcp")
    #expect(session.run("apply by-hand.rcp").status == 0)
    let byHand = try session.tensors(in: "by-hand")
    #expect(layer(merged, 2) == layer(byHand, 0))
  }

  /// A model with two stacks of layers has the whole gradient over each of them.
  @Test func stacksOfLayers() throws {
    let session = try Session()
    let names =
      ["decoder.blocks.0.w", "decoder.blocks.1.w", "decoder.blocks.2.w"]
      + ["encoder.blocks.0.w", "encoder.blocks.1.w", "head.w"]
    for model in ["a", "b"] { try session.writeModel(model, shapes: names.map { ($0, [2, 2]) }) }
    try session.write(
      """
      models: [{model: a}, {model: b, parameters: {weight: [0, 2]}}]
      merge_method: linear
      parameters: {weight: 1, normalize: false}
      """, to: "merge.yml")
    #expect(session.run("import merge.yml -o merge.rcp").status == 0)
    let applied = session.run("apply merge.rcp")
    #expect(applied.status == 0, "\(applied)")
    let (a, b, merged) = (try session.tensors(in: "a"), try session.tensors(in: "b"), try session.tensors(in: "merged"))
    for (name, weight) in zip(names, [0.0, 1, 2, 0, 2, 0]) {
      let expected = zip(a[name] ?? [], b[name] ?? []).map { Double(Float($0 + weight * $1)) }
      #expect(merged[name] == expected, "\(name)")
    }
  }

  /// Each module is merged by itself, with its own models, layers and settings; what none speaks of is the leading model's.
  @Test func modules() throws {
    let session = try Session()
    let names =
      [
        "decoder.blocks.0.w", "decoder.blocks.1.w", "encoder.blocks.0.w", "encoder.blocks.1.w", "encoder.blocks.2.w",
        "head.w",
      ]
    for model in ["a", "b", "c"] { try session.writeModel(model, shapes: names.map { ($0, [2, 2]) }) }
    try session.write(
      """
      modules:
        encoder.blocks:
          models: [{model: a}, {model: b, parameters: {weight: [0, 2]}}]
          parameters: {weight: 3}
        decoder.blocks:
          slices:
            - sources: [{model: a, layer_range: [0, 2]}]
            - sources: [{model: c, layer_range: [1, 2]}]
      merge_method: linear
      parameters: {weight: 1, normalize: false}
      """, to: "merge.yml")
    let imported = session.run("import merge.yml -o merge.rcp")
    #expect(imported.status == 0, "\(imported)")
    #expect(imported.errors.hasPrefix("warning: `modules` says nothing of `default`, so it is that of `a`\n"))
    let applied = session.run("apply merge.rcp")
    #expect(applied.status == 0, "\(applied)")
    let (a, b, c) = (try session.tensors(in: "a"), try session.tensors(in: "b"), try session.tensors(in: "c"))
    let merged = try session.tensors(in: "merged")
    for (layer, weight) in [0.0, 1, 2].enumerated() {
      let name = "encoder.blocks.\(layer).w"
      let sums = zip(a[name] ?? [], b[name] ?? []).map { 3 * Float($0) + Float(weight) * Float($1) }
      #expect(merged[name] == sums.map(Double.init))
    }
    #expect(merged["decoder.blocks.1.w"] == a["decoder.blocks.1.w"])
    #expect(merged["decoder.blocks.2.w"] == c["decoder.blocks.1.w"])
    #expect(merged["head.w"] == a["head.w"])
    #expect(merged.count == 7)
  }

  /// A slice may have a base of its own, and two places may say the same parameter for different tensors.
  @Test func aSliceWithABase() throws {
    try Self.expectSame(
      """
      slices:
        - base_model: models/math
          sources:
            - {model: models/chat, layer_range: [0, 3]}
            - {model: models/math, layer_range: [0, 3]}
          parameters: {t: [{filter: mlp, value: 0.25}]}
          residual_weight: 0.5
      merge_method: slerp
      base_model: models/base
      parameters: {t: 0.75}
      """, as: "slerp(a: math, b: chat, at: match tensor { \"*.mlp.*\" => 0.25, _ => 0.75 })")
  }

  /// A file of `mergekit-moe` makes what `moe` makes.
  @Test func aMixtureOfExperts() throws {
    let session = try Session()
    for name in ["models/base", "models/sums", "models/verse"] { try session.writeLanguageModel(name, tokens: 0..<6) }
    try session.write(
      """
      base_model: models/base
      gate_mode: uniform_random
      dtype: bfloat16
      experts:
        - {source_model: models/sums, positive_prompts: [What is 2 + 2?], residual_scale: 0.5}
        - {source_model: models/verse, positive_prompts: [Write a sonnet], noise_scale: 0.01}
      experts_per_token: 1
      architecture: mixtral
      """, to: "moe.yml")
    let imported = session.run("import moe.yml -o moe.rcp")
    #expect(imported.status == 0, "\(imported)")
    #expect(
      try session.read("moe.rcp") == """
        ## What `moe.yml` says, a file of arcee's mergekit.
        recipe "moe"

        let base = checkpoint("models/base")
        let sums = checkpoint("models/sums")
        let verse = checkpoint("models/verse")

        # Routers begin at random, and know nothing of the experts until they are trained.
        # As in mergekit, only routers that begin in other ways look at prompts.
        let merged = moe(
            base:,
            experts: [
                passthrough(
                    sums,
                    scale: match tensor {
                        "*.mlp.down_proj.weight" => 0.5,
                        _ => 1,
                    },
                ),
                verse,
            ],
            architecture: .mixtral,
            per_token: 1,
            gate: .uniform,
            noise: [0, 0.01],
        )

        export merged to "merged" as safetensors(precision: .bf16)

        """)
    let applied = session.run("apply moe.rcp")
    #expect(applied.status == 0, "\(applied)")
    let (merged, sums) = (try session.tensors(in: "merged"), try session.tensors(in: "models/sums"))
    let halved = (sums["model.layers.0.mlp.down_proj.weight"] ?? []).map { Float($0) * 0.5 }
    let rounded = Tensor(halved, shape: [halved.count]).converted(to: .bf16).doubles
    #expect(halved.count == 32 && merged["model.layers.0.block_sparse_moe.experts.0.w2.weight"] == rounded)
    #expect(merged["model.layers.0.block_sparse_moe.experts.1.w3.weight"]?.count == 32)
  }

  /// Its prompts become those of `moe`, and its routers begin from them.
  @Test(arguments: [
    ("gate_mode: hidden", ".hidden"), ("gate_mode: hidden_last", ".hidden"), ("", ".hidden"),
    ("gate_mode: cheap_embed", ".embedding"),
  ])
  func aMixtureOfExpertsFromPrompts(mode: String, gate: String) throws {
    let session = try Session()
    for name in ["base", "sums", "verse"] { try session.writeLanguageModel("models/\(name)", tokens: 0..<6) }
    try session.write(
      """
      base_model: models/base
      \(mode)
      experts:
        - source_model: models/sums
          positive_prompts:
            - "t1 t2"
            - |
              t3 is {"a": 1}
              and t4
        - source_model: models/verse
          positive_prompts: [t5 t3]
          negative_prompts: ["t1 t4", t4]
      """, to: "moe.yml")
    let imported = session.run("import moe.yml -o moe.rcp")
    #expect(imported.status == 0, "\(imported)")
    let remark =
      gate == ".hidden"
      ? """
      # The base runs in float32 here, and in bfloat16 in mergekit: routers differ by its
      # rounding.

      """ : ""
    let recipe = try session.read("moe.rcp")
    #expect(
      recipe.contains(
        remark + """
          let merged = moe(
              base:,
              experts: [sums, verse],
              gate: \(gate),
              prompts: [["t1 t2", "t3 is \\{\\"a\\": 1}\\nand t4\\n"], ["t5 t3"]],
              negative_prompts: [[], ["t1 t4", "t4"]],
          )
          """), "\(recipe)")
    let applied = session.run("apply moe.rcp")
    #expect(applied.status == 0, "\(applied)")
    let (merged, base) = (try session.tensors(in: "merged"), try session.tensors(in: "models/base"))
    let embeddings = try #require(base["model.embed_tokens.weight"])
    func unit(_ vector: [Double]) -> [Double] {
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return vector.map { $0 / length }
    }
    func sum(_ tokens: [Int]) -> [Double] {
      (0..<4).map { column in tokens.reduce(0) { $0 + embeddings[$1 * 4 + column] } }
    }
    // Into the first layer go embeddings, those of the last token.
    let ends = zip(sum([3]), sum([4, 4])).map { $0 - $1 / 2 }
    let all = zip(unit(sum([5, 3])), unit(sum([1, 4, 4]))).map { $0 - $1 }
    let found = try #require(merged["model.layers.0.block_sparse_moe.gate.weight"])
    for (entry, expected) in zip(found[4...], unit(gate == ".hidden" ? ends : all)) {
      #expect(abs(entry - expected) < 1e-6)
    }
  }

  /// The shared expert's prompts are its gate's; padding is said to count otherwise.
  @Test func aSharedExpertFromPrompts() throws {
    let session = try Session()
    for name in ["base", "sums", "verse"] { try session.writeLanguageModel("models/\(name)", tokens: 0..<6) }
    try session.write(
      """
      base_model: models/base
      gate_mode: hidden_avg
      experts_per_token: 1
      experts:
        - {source_model: models/sums, positive_prompts: [t1]}
        - {source_model: models/verse, positive_prompts: [t2]}
      shared_experts: [{source_model: models/base, positive_prompts: [t3], negative_prompts: [t5]}]
      """, to: "moe.yml")
    #expect(session.run("import moe.yml -o moe.rcp").status == 0)
    let recipe = try session.read("moe.rcp")
    #expect(
      recipe.contains("gate: .hidden_mean,")
        && recipe.contains("    shared_prompts: [\"t3\"],\n    shared_negative_prompts: [\"t5\"],")
        && recipe.contains("A prompt counts with its own tokens here"), "\(recipe)")
    let applied = session.run("apply moe.rcp")
    #expect(applied.status == 0, "\(applied)")
    let merged = try session.tensors(in: "merged")
    #expect(merged["model.layers.0.mlp.shared_expert_gate.weight"]?.count == 4)
  }
}
