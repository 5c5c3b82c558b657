import Diagnostics
import Formats
import Foundation
import GoldenNumbers
import Operations
import Tensors
import Testing

/// What `evaluate` says beside `transformers`, `seqeval` and PyTorch, of models that nobody trained.
@Suite("Examinations")
struct ExaminationTests {
  private static let golden: JSON = {
    guard let file = Bundle.module.url(forResource: "evaluate", withExtension: "json", subdirectory: "Golden"),
      let data = try? Data(contentsOf: file), let json = try? JSON(parsing: Array(data))
    else { return .null }
    return json
  }()

  private static func entries(_ name: String, _ shape: Shape) -> Tensor {
    let numbers = GoldenNumbers.hashed(name, shape.count).map { Float($0) }
    let scale: Float = name.hasSuffix("bias") ? 0 : name.contains("word_embeddings") ? 6 : 1
    return Tensor(
      numbers.map { number in
        name.hasSuffix("weight") && shape.rank == 1
          ? 1 + 0.5 * number : shape.rank >= 2 ? number * 0.6 * scale : number * scale
      }, shape: shape)
  }

  /// A model of the golden file.
  static func model(_ json: JSON, _ shapes: [(String, Shape)]) -> Content {
    let tokenizer = SideFile("tokenizer.json", Array((json["tokenizer"]?.string ?? "").utf8))
    return Content(
      .checkpoint, facts: json["config"] ?? .null,
      tensors: shapes.map { name, shape in TensorEntry(name, entries(name, shape)) }, files: [tokenizer],
      label: "model")
  }

  static func bert(vocabulary: Int, positions: Int, classes: Int) -> [(String, Shape)] {
    let (width, hidden) = (24, 40)
    var shapes: [(String, Shape)] = [
      ("bert.embeddings.word_embeddings.weight", [vocabulary, width]),
      ("bert.embeddings.position_embeddings.weight", [positions, width]),
      ("bert.embeddings.token_type_embeddings.weight", [2, width]),
      ("bert.embeddings.LayerNorm.weight", [width]), ("bert.embeddings.LayerNorm.bias", [width]),
    ]
    for layer in 0..<2 {
      let path = "bert.encoder.layer.\(layer)."
      let linear: [(String, Int, Int)] = [
        ("attention.self.query", width, width), ("attention.self.key", width, width),
        ("attention.self.value", width, width), ("attention.output.dense", width, width),
        ("intermediate.dense", hidden, width), ("output.dense", width, hidden),
      ]
      for (name, outputs, inputs) in linear {
        shapes += [(path + name + ".weight", [outputs, inputs]), (path + name + ".bias", [outputs])]
      }
      for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
        shapes += [(path + name + ".weight", [width]), (path + name + ".bias", [width])]
      }
    }
    return shapes + [("classifier.weight", [classes, width]), ("classifier.bias", [classes])]
  }

  private static func llama(vocabulary: Int) -> [(String, Shape)] {
    var shapes: [(String, Shape)] = [
      ("model.embed_tokens.weight", [vocabulary, 24]), ("model.norm.weight", [24]),
      ("lm_head.weight", [vocabulary, 24]),
    ]
    for layer in 0..<3 {
      let path = "model.layers.\(layer)."
      shapes += [
        (path + "self_attn.q_proj.weight", [24, 24]), (path + "self_attn.k_proj.weight", [12, 24]),
        (path + "self_attn.v_proj.weight", [12, 24]), (path + "self_attn.o_proj.weight", [24, 24]),
        (path + "mlp.gate_proj.weight", [40, 24]), (path + "mlp.up_proj.weight", [40, 24]),
        (path + "mlp.down_proj.weight", [24, 40]), (path + "input_layernorm.weight", [24]),
        (path + "post_attention_layernorm.weight", [24]),
      ]
    }
    return shapes
  }

  private func data(_ rows: [JSON], _ settings: [String: Value]) throws -> Content {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("mergekit-\(UUID().uuidString).jsonl").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try rows.map(\.compact).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let all = settings.merging(["path": .text(path), "split": .choice("all")]) { first, _ in first }
    var made = try run("dataset", all.mapValues { .value($0) })
    made.label = "data"
    return made
  }

  private func near(_ facts: JSON, _ name: String, _ expected: JSON?, _ tolerance: Double = 1e-6) throws {
    let (found, wanted) = (try #require(facts[name]?.number), try #require(expected?.number))
    #expect(abs(found - wanted) < tolerance, "`\(name)` is \(found), not \(wanted)")
  }

  @Test("of words are those of transformers and seqeval")
  func tags() throws {
    let golden = try #require(Self.golden["tags"])
    let texts = (golden["text"]?.array ?? []).compactMap(\.string)
    let tags = (golden["tags"]?.array ?? []).compactMap(\.string)
    // Lists, and texts with spaces, are the same.
    let rows = zip(texts, tags).map { text, tags -> JSON in ["text": .string(text), "tags": .string(tags)] }
    let data = try data(rows, ["tags": .text("tags")])
    let model = Self.model(golden, Self.bert(vocabulary: 63, positions: 40, classes: 5))
    let made = try run("evaluate", ["model": .contents([model]), "data": .contents([data])])
    for name in ["loss", "accuracy", "f1", "entity_f1"] { try near(made.facts, name, golden[name], 1e-5) }
    #expect(made.facts["words"] == 17)
    let lists = zip(texts, tags).map { text, tags -> JSON in
      [
        "tokens": .array(text.split(separator: " ").map { .string(String($0)) }),
        "tags": .array(tags.split(separator: " ").map { .string(String($0)) }),
      ]
    }
    let same = try self.data(lists, ["tags": .text("tags")])
    #expect(try run("evaluate", ["model": .contents([model]), "data": .contents([same])]).facts == made.facts)
  }

  @Test("of choices are those of PyTorch", arguments: ["none", "tokens", "characters", "bytes"])
  func choices(length: String) throws {
    let golden = try #require(Self.golden["language"])
    let rows = zip(golden["text"]?.array ?? [], zip(golden["choices"]?.array ?? [], golden["labels"]?.array ?? []))
      .map { text, rest -> JSON in ["question": text, "endings": rest.0, "label": rest.1] }
    let data = try data(rows, ["choices": .list([.text("endings")])])
    let made = try run(
      "evaluate",
      [
        "model": .contents([Self.model(golden, Self.llama(vocabulary: 262))]), "data": .contents([data]),
        "choice_length": .value(.choice(length)),
      ])
    try near(made.facts, "accuracy", golden["accuracy"]?[length])
    let order = try made.tensor("row").integers
    let expected = try #require(golden["predictions"]?[length]?.array).compactMap(\.integer)
    #expect(try made.tensor("prediction").integers == order.map { expected[$0] })
    let likelihoods = try #require(golden["likelihoods"]?.array).compactMap(\.number)
    for (found, row) in zip(try made.tensor("likelihood").doubles, order) {
      #expect(abs(found - likelihoods[row]) < 1e-4)
    }
  }

  @Test("of answers are generated as transformers does")
  func answers() throws {
    let golden = try #require(Self.golden["language"])
    let generated = try #require(golden["generated"]?.array).compactMap(\.string)
    let texts = try #require(golden["text"]?.array).compactMap(\.string)
    let rows = zip(texts, generated).enumerated().map { index, pair -> JSON in
      ["text": .string(pair.0), "answer": .string(index == 1 ? "something else" : " \(pair.1)\n")]
    }
    let data = try data(rows, ["answer": .text("answer")])
    let made = try run(
      "evaluate",
      [
        "model": .contents([Self.model(golden, Self.llama(vocabulary: 262))]), "data": .contents([data]),
        "new_tokens": .value(.number(8)), "stop": .value(.list([])),
      ])
    let order = try made.tensor("row").integers
    #expect(try TextColumn(made, "text.generated")?.texts == order.map { generated[$0] })
    try near(made.facts, "exact_match", .number(2.0 / 3))
  }

  @Test(
    "of pairs are those of PyTorch for each pooling of sentence-transformers",
    arguments: ["mean", "first", "last", "max"])
  func likeness(pooling: String) throws {
    let golden = try #require(Self.golden["likeness"])
    let rows = (golden["pairs"]?.array ?? []).compactMap(\.array).map { pair -> JSON in
      ["one": pair[0], "other": pair[1], "score": pair[2]]
    }
    let data = try data(rows, ["text": .text("one"), "pair": .text("other"), "score": .text("score")])
    let body = Self.bert(vocabulary: 63, positions: 40, classes: 1).compactMap { name, shape in
      name.hasPrefix("bert.") ? (String(name.dropFirst("bert.".count)), shape) : nil
    }
    let made = try run(
      "evaluate",
      [
        "model": .contents([Self.model(golden, body)]), "data": .contents([data]), "pooling": .value(.choice(pooling)),
      ])
    let cosines = try #require(golden["cosines"]?[pooling]?.array).compactMap(\.number)
    for (found, row) in zip(try made.tensor("cosine").doubles, try made.tensor("row").integers) {
      #expect(abs(found - cosines[row]) < 1e-5)
    }
    for name in ["spearman", "pearson", "loss"] { try near(made.facts, name, golden["figures"]?[pooling]?[name], 1e-5) }
  }

  /// A classifier of examples, with names for its classes.
  private func classifier(_ names: [String]) -> Content {
    let golden = Self.golden["tags"] ?? .null
    let shapes =
      Self.bert(vocabulary: 63, positions: 40, classes: names.count)
      + [("bert.pooler.dense.weight", [24, 24]), ("bert.pooler.dense.bias", [24])]
    var model = Self.model(golden, shapes)
    model.facts = model.facts.setting("architectures", to: ["BertForSequenceClassification"])
      .setting("id2label", to: .object(names.enumerated().map { .init(String($0), .string($1)) }))
    return model
  }

  @Test("know classes by their names, whatever their order, where both have names")
  func names() throws {
    let rows: [JSON] = [["text": "anna", "mood": "sad"], ["text": "the river", "mood": "Glad"]]
    let data = try data(rows, ["label": .text("mood")])
    func labels(_ names: [String]) throws -> [Int] {
      let made = try run("evaluate", ["model": .contents([classifier(names)]), "data": .contents([data])])
      let order = try made.tensor("row").integers
      return zip(order, try made.tensor("label").integers).sorted { $0.0 < $1.0 }.map(\.1)
    }
    #expect(try labels(["SAD", "calm", "glad"]) == [0, 2])
    #expect(try labels(["LABEL_0", "LABEL_1"]) == [1, 0])
    #expect(throws: OperationError.self) { try labels(["sad", "calm"]) }
    do { _ = try labels(["sad", "calm", "glade"]) } catch let error as OperationError {
      #expect(error.message == "`data` has the class `Glad`, and `model` knows none of that name")
      #expect(error.helps == ["did you mean `glade`?"])
    }
  }

  @Test("ask for no more tokens than a model reads")
  func length() throws {
    let data = try data([["text": "anna", "label": "x"], ["text": "no", "label": "y"]], [:])
    let bindings: [String: Binding] = [
      "model": .contents([classifier(["LABEL_0", "LABEL_1"])]), "data": .contents([data]),
      "length": .value(.number(41)),
    ]
    do {
      _ = try operation("evaluate", bindings).outline()
      Issue.record("41 tokens passed")
    } catch let error as OperationError { #expect(error.message == "`length` is 41 tokens, and `model` reads 40") }
  }
}
