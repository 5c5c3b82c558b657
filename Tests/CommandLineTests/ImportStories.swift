import Testing

/// The command that turns files of arcee's mergekit into recipes.
@Suite struct ImportStories {
  private let linear = """
    models:
      - model: models/math
        parameters:
          weight: 0.3
      - model: ./org/../org/Code-7B
        parameters:
          weight: 0.7
    merge_method: linear
    dtype: bfloat16

    """

  /// Paths are seen from the working directory in the file, and from the recipe in the recipe.
  @Test func writesARecipe() throws {
    let session = try Session.withModels()
    try session.write(linear, to: "files/merge.yml")
    #expect(
      session.run("import files/merge.yml -o recipes/deep/merge.rcp")
        == .init(output: "recipes/deep/merge.rcp  written\n", errors: "Next: mergekit plan recipes/deep/merge.rcp\n"))
    #expect(
      try session.read("recipes/deep/merge.rcp") == """
        ## What `merge.yml` says, a file of arcee's mergekit.
        recipe "merge"

        let math = checkpoint("../../models/math")
        let code_7b = checkpoint("../../org/Code-7B")

        # mergekit would calculate in bfloat16; here numbers are rounded once, at the end.
        # The first model gives configuration and tokenizer; without `base_model`, mergekit takes
        # those of any model.
        let merged = average(models: [math, code_7b], weights: [0.3, 0.7], precision: .bf16)

        export merged to "merged"

        """)
    #expect(session.run("check recipes/deep/merge.rcp").output == "recipes/deep/merge.rcp: 3 steps, 1 export\n")
    #expect(
      session.run("import files/merge.yml -o recipes/deep/merge.rcp --quiet")
        == .init(output: "recipes/deep/merge.rcp  up to date\n"))
  }

  @Test func replacesNothingUnlessTold() throws {
    let session = try Session.withModels()
    try session.write(linear, to: "merge.yml")
    try session.write("mine", to: "merge.rcp")
    #expect(
      session.run("import merge.yml -o merge.rcp")
        == .init(
          status: 73,
          errors: """
            error: `merge.rcp` is there already, with other content
              = help: `--force` replaces it, `--output` writes elsewhere

            """))
    #expect(try session.read("merge.rcp") == "mine")
    #expect(session.run("import merge.yml -o merge.rcp --force").status == 0)
    #expect(try session.read("merge.rcp").hasPrefix("## What `merge.yml` says"))
    #expect(session.run("import merge.yml --output models").status == 73)
  }

  @Test func endsAsOthersDo() throws {
    let session = try Session.withModels()
    #expect(session.run("import").status == 64)
    #expect(session.run("import merge.yml").status == 66)
    try session.write("models: [\n", to: "merge.yml")
    #expect(
      session.run("import merge.yml")
        == .init(
          status: 65,
          errors: """
            error: `[` is never closed
             ——▶ merge.yml:1:9
              │
            1 │ models: [
              │         ^

            """))
  }

  /// What the file says of tokenizers is so already where all models have the same.
  @Test func oneTokenizer() throws {
    let session = try Session()
    try session.writeModel("a", dtype: .bf16, tokenizer: "{}")
    try session.writeModel("b", dtype: .bf16, tokenizer: "{}")
    try session.write(
      "models: [{model: a}, {model: b}]\nmerge_method: linear\nparameters: {weight: 1, int8_mask: true}\n"
        + "dtype: float32\ntokenizer_source: union\nbase_model: b\n", to: "merge.yml")
    #expect(
      session.run("import merge.yml")
        == .init(
          output: """
            ## What `merge.yml` says, a file of arcee's mergekit.
            recipe "merge"

            let b = checkpoint("b")
            let a = checkpoint("a")

            # All models have the same tokenizer, file by file, so `union` is that one. Embeddings
            # keep the rows that they have; mergekit would cut padded ones to the tokenizer's length.
            # `int8_mask` changes nothing in mergekit's result, and is left out.
            let merged = average(models: [b, a], weights: [1, 1], precision: .f32)

            export merged to "merged"

            """))
  }

  /// Models of unequal vocabularies are brought to one before they are merged, by the rules that the file has.
  @Test func severalTokenizers() throws {
    let session = try Session()
    let tokenizer = { (tokens: [String]) in
      let vocabulary = tokens.enumerated().map { "\"\($0.element)\": \($0.offset)" }.joined(separator: ", ")
      return "{\"model\": {\"type\": \"BPE\", \"vocab\": {\(vocabulary)}, \"merges\": []}, \"added_tokens\": []}"
    }
    try session.writeModel("a", tokenizer: tokenizer(["u", "v", "w", "x", "y", "z"]))
    try session.writeModel("b", tokenizer: tokenizer(["z", "v", "w", "x", "y", "new"]))
    try session.write(
      """
      models: [{model: a}, {model: b}]
      merge_method: linear
      parameters: {weight: 1}
      tokenizer:
        source: union
        pad_to_multiple_of: 8
        tokens:
          new: {source: b, force: yes}
          u: {source: {kind: zero}}
      """, to: "merge.yml")
    let result = session.run("import merge.yml -o merge.rcp --quiet")
    #expect(result == .init(output: "merge.rcp  written\n"))
    #expect(
      try session.read("merge.rcp").contains(
        """
        let sharing = [a, b]

        let a_aligned = align(
            a,
            among: sharing,
            donors: [b],
            take: ["new"],
            zero: ["u"],
            force: ["new"],
            multiple: 8,
        )
        """))
    let applied = session.run("apply merge.rcp")
    #expect(applied.status == 0, "\(applied)")
    let (a, b, merged) = (try session.tensors(in: "a"), try session.tensors(in: "b"), try session.tensors(in: "merged"))
    let name = "model.embed_tokens.weight"
    func row(_ tensors: [String: [Double]], _ number: Int) -> [Double] {
      Array((tensors[name] ?? [])[number * 4..<number * 4 + 4])
    }
    func mean(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { Double(Float(($0 + $1) / 2)) } }
    #expect(row(merged, 0) == row(a, 0).map { $0 / 2 }, "`u` is zero in `b`")
    #expect(row(merged, 1) == mean(row(a, 1), row(b, 1)))
    #expect(row(merged, 5) == mean(row(a, 5), row(b, 0)), "`z`")
    #expect(row(merged, 6) == row(b, 5), "`new`")
    #expect(merged[name]?.count == 8 * 4)
    try session.write(
      "models: [{model: a}, {model: b}]\nmerge_method: linear\nparameters: {weight: 1}\ntokenizer_source: b\n",
      to: "merge.yml")
    #expect(
      session.run("import merge.yml").output.contains(
        "let b_aligned = align(b, among: sharing, tokenizer: b, vocabulary: .first, multiple: 1)\n"))
  }

  /// A template is found by what most models have, by its name, or is said in the file.
  @Test func chatTemplates() throws {
    let session = try Session()
    let templates = ["a": "{{ messages[0] }}", "b": "{{ messages[1] }}", "c": "{{ messages[1] }}\n"]
    for (model, template) in templates {
      try session.writeModel(model, tokenizer: "{}")
      try session.write(template, to: model + "/chat_template.jinja")
    }
    func imported(_ template: String) throws -> (recipe: String, result: String) {
      try session.write(
        "models: [{model: a}, {model: b}, {model: c}]\nmerge_method: linear\nparameters: {weight: 1}\n"
          + "chat_template: \(template)\n", to: "merge.yml")
      let result = session.run("import merge.yml -o merge.rcp --force --quiet")
      #expect(result.status == 0, "\(result)")
      let applied = session.run("apply merge.rcp --force")
      #expect(applied.status == 0, "\(applied)")
      return (try session.read("merge.rcp"), try session.read("merged/chat_template.jinja"))
    }
    let most = try imported("auto")
    #expect(most.recipe.contains("let a_chat = chat_template(a, like: b)\n"))
    #expect(most.recipe.contains("average(models: [a_chat, b, c], weights: [1, 1, 1])"))
    #expect(most.result == templates["b"])
    let named = try imported("chatml")
    #expect(named.recipe.contains("chat_template(a, named: .chatml)"))
    #expect(named.result.contains("<|im_start|>"))
    let literal = "{% for message in messages %}{{ message.content }}{% endfor %}"
    #expect(try imported("'\(literal)'").result == literal)
  }

  /// Anchors, merge keys and flow style are only other ways to write the same.
  @Test func yamlIsYAML() throws {
    let session = try Session.withModels()
    try session.write(
      """
      half: &half {weight: 0.5}
      """, to: "merge.yml")
    #expect(session.run("import merge.yml").errors.contains("a merge has no `half`"))
    try session.write(
      """
      %YAML 1.2
      """, to: "merge.yml")
    #expect(session.run("import merge.yml").errors.hasPrefix("error: directives are not read"))
    let plain =
      "models:\n  - model: models/math\n    parameters:\n      weight: 0.5\n      density: 0.5\n  - model: models/chat\n"
      + "    parameters:\n      weight: 1\n      density: 0.5\nmerge_method: linear\n"
    try session.write(plain.replacing("      density: 0.5\n", with: ""), to: "merge.yml")
    let expected = session.run("import merge.yml")
    try session.write(
      "\"models\": [{model: 'models/math', parameters: &half {\"weight\": 5.0e-1}},\n"
        + "  {model: models/chat, parameters: {<<: *half, weight: '1'}}]\n# a remark\nmerge_method: >-\n  linear\n",
      to: "merge.yml")
    #expect(expected.status == 0 && session.run("import merge.yml") == expected)
  }
}
