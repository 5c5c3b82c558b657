import Diagnostics
import Formats
import Operations
import Tensors
import Testing

@Suite("Aligned vocabularies")
struct AlignTests {
  /// A model whose embedding's row r is (10 · value + r, value), with a head like it and a norm.
  private func model(_ label: String, _ value: Float, tokens: [String], rows: Int? = nil, added: [String] = [])
    -> Content
  {
    let rows = rows ?? tokens.count + added.count
    let vocabulary = tokens.enumerated().map { JSON.Member($1, .integer($0)) }
    let declared = added.enumerated().map { index, token -> JSON in
      ["id": .integer(tokens.count + index), "content": .string(token), "special": true]
    }
    let tokenizer: JSON = [
      "added_tokens": .array(declared), "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []],
    ]
    let table = Tensor((0..<rows).flatMap { [10 * value + Float($0), value] }, shape: [rows, 2])
    return Content(
      .checkpoint, facts: ["model_type": "llama", "vocab_size": .integer(rows)],
      tensors: [
        TensorEntry("model.embed_tokens.weight", table), TensorEntry("model.norm.weight", Tensor([value], shape: [1])),
        TensorEntry("lm_head.weight", table),
      ],
      files: [
        SideFile("tokenizer.json", Array(tokenizer.compact.utf8)),
        SideFile("generation_config.json", Array(label.utf8)),
        SideFile("chat_template.jinja", Array("template of \(label)".utf8)),
      ], label: label)
  }

  private func align(
    _ model: Content, among: [Content], _ settings: [String: Value] = [:], _ inputs: [String: [Content]] = [:]
  ) throws -> Content {
    var bindings: [String: Binding] = ["model": .contents([model]), "among": .contents(among)]
    for (name, models) in inputs { bindings[name] = .contents(models) }
    for (name, value) in settings { bindings[name] = .value(value) }
    let outline = try #require(try operation("align", bindings).outline())
    let made = try run("align", bindings)
    #expect(outline.shapes.map(\.shape) == made.shapes.map(\.shape))
    return made
  }

  private func rows(_ content: Content, _ name: String = "model.embed_tokens.weight") throws -> [[Float]] {
    let entries = try content.tensor(name).floats
    return stride(from: 0, to: entries.count, by: 2).map { Array(entries[$0..<$0 + 2]) }
  }

  @Test("A union has the first's tokens and then the others' own, with the rows of those that have them")
  func union() throws {
    let a = model("a", 1, tokens: ["x", "y", "z"])
    let b = model("b", 2, tokens: ["z", "w", "x"], added: ["<end>"])
    let first = try align(a, among: [a, b])
    #expect(try rows(first) == [[10, 1], [11, 1], [12, 1], [21, 2], [23, 2]])
    #expect(try rows(first, "lm_head.weight") == rows(first))
    let second = try align(b, among: [a, b])
    #expect(try rows(second) == [[22, 2], [11, 1], [20, 2], [21, 2], [23, 2]])
    #expect(try second.tensor("model.norm.weight").floats == [2])
    for made in [first, second] {
      #expect(made.facts["vocab_size"] == 5)
      let file = try #require(made.files.first { $0.name == "tokenizer.json" })
      let vocabulary = try TokenizerVocabulary(file.bytes, name: "it")
      #expect(vocabulary.tokens.map(\.text) == ["x", "y", "z", "w", "<end>"])
      #expect(try JSON(parsing: file.bytes)["added_tokens"]?.array?.last?["special"] == true)
      #expect(made.files.first { $0.name == "chat_template.jinja" }?.bytes == Array("template of a".utf8))
    }
    #expect(second.files.first { $0.name == "generation_config.json" }?.bytes == Array("b".utf8))
  }

  @Test(
    "A token of several others gets their mean, or the row of the model that is preferred; a token of none gets zeros")
  func fill() throws {
    let (a, b, c) = (
      model("a", 1, tokens: ["x"]), model("b", 2, tokens: ["x", "new"]), model("c", 4, tokens: ["x", "new", "first"])
    )
    #expect(try rows(align(a, among: [a, b, c])) == [[10, 1], [31, 3], [42, 4]])
    #expect(try rows(align(a, among: [c, a, b], [:], ["prefer": [c]])) == [[10, 1], [41, 4], [42, 4]])
    #expect(try rows(align(a, among: [b, a, c], [:], ["prefer": [a]])) == [[10, 1], [31, 3], [42, 4]])
    #expect(try rows(align(c, among: [a, b, c], ["vocabulary": .choice("first")])) == [[40, 4]])
    let led = try align(a, among: [a, b], ["vocabulary": .choice("first")], ["tokenizer": [c]])
    #expect(try rows(led) == [[10, 1], [21, 2], [0, 0]])
    #expect(led.facts["vocab_size"] == 3)
    #expect(led.files.first { $0.name == "chat_template.jinja" }?.bytes == Array("template of c".utf8))
  }

  @Test("A model that has the vocabulary stays as it is, and padding is the mean of all other rows")
  func padding() throws {
    let (a, b) = (model("a", 1, tokens: ["x", "y"]), model("b", 2, tokens: ["x", "y"], rows: 4))
    #expect(try rows(align(b, among: [a, b])) == rows(b))
    #expect(try rows(align(a, among: [a, b])) == [[10, 1], [11, 1], [10.5, 1], [10.5, 1]])
    #expect(try rows(align(a, among: [a, b], ["multiple": .number(8)])).count == 8)
    #expect(try rows(align(b, among: [a, b], ["multiple": .number(1)])) == [[20, 2], [21, 2]])
    #expect(try align(a, among: [a]).files == a.files)
    let c = model("c", 4, tokens: ["new"])
    #expect(try rows(align(a, among: [a, c], ["multiple": .number(4)])).last == [61.0 / 3, 2])
  }

  @Test("Rules say where the rows of particular tokens come from")
  func rules() throws {
    let (a, b, c) = (
      model("a", 1, tokens: ["x", "y"]), model("b", 2, tokens: ["x", "new"]), model("c", 3, tokens: ["y", "new"])
    )
    func list(_ texts: String...) -> Value { .list(texts.map(Value.text)) }
    let take = list("new", "y")
    #expect(try rows(align(a, among: [a, b], ["take": take], ["donors": [c]])) == [[10, 1], [11, 1], [31, 3]])
    #expect(
      try rows(align(a, among: [a, b], ["take": take, "force": list("y")], ["donors": [b, c]])) == [
        [10, 1], [30, 3], [21, 2],
      ])
    #expect(
      try rows(align(a, among: [a, b], ["take": list("new", "more"), "called": list("x", "y")], ["donors": [b, c]]))
        == [[10, 1], [11, 1], [20, 2], [30, 3]])
    #expect(try rows(align(a, among: [a, b], ["zero": list("new")])) == [[10, 1], [11, 1], [0, 0]])
    #expect(
      try rows(align(a, among: [a, b], ["zero": list("x"), "force": list("x")])) == [[0, 0], [11, 1], [21, 2]])
    for settings in [
      ["take": take], ["take": take, "called": list("x")], ["force": list("x")], ["take": list("none")],
    ] {
      let donors = settings["called"] != nil || settings["take"] == list("none") ? [c] : []
      #expect(throws: OperationError.self) { try align(a, among: [a, b], settings, ["donors": donors]) }
    }
  }

  @Test("Numbers of special tokens and lists of added tokens go with the tokenizer")
  func specialTokens() throws {
    func file(_ name: String, _ json: JSON) -> SideFile { SideFile(name, Array(json.compact.utf8)) }
    var a = model("a", 1, tokens: ["x", "</s>"])
    a.facts = a.facts.setting("eos_token_id", to: 1)
    a.files.removeAll { $0.name == "generation_config.json" }
    a.files.append(file("generation_config.json", ["eos_token_id": [1], "top_p": 0.9]))
    var b = model("b", 2, tokens: ["</s>", "x", "w"], added: ["<end>"])
    b.facts = b.facts.setting("eos_token_id", to: 0)
    b.files += [
      file("tokenizer_config.json", ["eos_token": "</s>", "added_tokens_decoder": [:]]),
      file("added_tokens.json", ["<end>": 3]),
    ]
    let made = try align(a, among: [b, a, model("c", 3, tokens: ["v"], added: ["<more>"])])
    #expect(made.facts["eos_token_id"] == 0)
    func written(_ name: String) throws -> JSON {
      try JSON(parsing: try #require(made.files.first { $0.name == name }?.bytes))
    }
    #expect(try written("generation_config.json") == ["eos_token_id": 0, "top_p": 0.9])
    #expect(try written("added_tokens.json") == ["<end>": 3, "v": 4, "<more>": 5])
    let decoder = try #require(try written("tokenizer_config.json")["added_tokens_decoder"])
    #expect(decoder["5"] == ["content": "<more>", "special": true])
    #expect(decoder["4"]?["normalized"] == true)
  }

  @Test("A list of pieces is a vocabulary too; what is none is refused")
  func formats() throws {
    let pieces = #"{"model":{"type":"Unigram","vocab":[["<unk>",0],["▁a",-1.5]]},"added_tokens":[]}"#
    let unigram = try TokenizerVocabulary(Array(pieces.utf8), name: "u")
    #expect(unigram["▁a"] == 1 && unigram.count == 2)
    let more = try TokenizerVocabulary(Array(#"{"model":{"vocab":{"b":0}}}"#.utf8), name: "m")
    #expect(try #require(unigram.extended(with: [(more, 8)])).vocabulary["b"] == 2)
    for text in ["", "[]", "{}", #"{"model":{"vocab":{"a":-1}}}"#, #"{"model":{"vocab":[[1]]}}"#] {
      #expect(throws: OperationError.self) { try TokenizerVocabulary(Array(text.utf8), name: "broken") }
    }
  }
}
