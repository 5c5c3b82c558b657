import Diagnostics
import Formats
import Foundation
import Operations
import Tensors
import Testing

@Suite("Transplanted vocabularies")
struct TransplantTests {
  /// A model with a table of embeddings, a tokenizer and configurations.
  private func model(
    _ label: String, _ tokenizer: JSON, rows: Tensor, config: [JSON.Member] = [], generation: JSON? = nil,
    tokenizerConfig: JSON = .object([])
  ) -> Content {
    var files = [
      SideFile("tokenizer.json", Array(tokenizer.compact.utf8)),
      SideFile("tokenizer_config.json", Array(tokenizerConfig.compact.utf8)),
    ]
    if let generation { files.append(SideFile("generation_config.json", Array(generation.compact.utf8))) }
    return Content(
      .checkpoint, facts: .object([JSON.Member("model_type", "llama"), JSON.Member("vocab_size", 0)] + config),
      tensors: [
        TensorEntry("model.embed_tokens.weight", rows),
        TensorEntry("model.norm.weight", Tensor([1] as [Float], shape: [1])),
      ], files: files, label: label)
  }

  private func tokenizer(_ tokens: [String], added: [(String, Int)] = [], decoder: JSON = .null) -> JSON {
    [
      "added_tokens": .array(added.map { ["id": .integer($0.1), "content": .string($0.0), "special": true] }),
      "decoder": decoder,
      "model": ["type": "BPE", "vocab": .object(tokens.enumerated().map { JSON.Member($1, .integer($0)) })],
    ]
  }

  /// A table whose row r is r and r².
  private func squares(_ count: Int) -> Tensor {
    Tensor((0..<count).flatMap { [Float($0), Float($0 * $0)] }, shape: [count, 2])
  }

  private func transplant(_ model: Content, _ donor: Content, _ settings: [String: Value] = [:]) throws -> Content {
    var bindings: [String: Binding] = ["model": .contents([model]), "donor": .contents([donor])]
    for (name, value) in settings { bindings[name] = .value(value) }
    let outline = try #require(try operation("transplant", bindings).outline())
    let made = try run("transplant", bindings)
    #expect(outline.shapes.map(\.shape) == made.shapes.map(\.shape) && outline.facts == made.facts)
    return made
  }

  private func rows(_ made: Content) throws -> [[Float]] {
    let entries = try made.tensor("model.embed_tokens.weight").floats
    return stride(from: 0, to: entries.count, by: 2).map { Array(entries[$0..<$0 + 2]) }
  }

  @Test("make new rows as mergekit's `batch_omp` and `common_interp_approximate` do")
  func golden() throws {
    let url = try #require(Bundle.module.url(forResource: "Golden/transplant", withExtension: "json"))
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    func table(_ name: String) throws -> Tensor { try #require(json[name].flatMap(Tensor.init(nested:))) }
    let one = model("model", tokenizer((0..<9).map { "t\($0)" }), rows: try table("model"))
    let other = model("donor", tokenizer((3..<14).map { "t\($0)" }), rows: try table("donor"))
    let cases = try #require(json["cases"]?.array)
    #expect(cases.count == 6)
    for golden in cases {
      let made = try transplant(
        one, other,
        [
          "method": .choice(try #require(golden["method"]?.string)),
          "k": .number(try #require(golden["k"]?.number)), "cosine": .flag(golden["cosine"] == true),
        ]
      ).tensor("model.embed_tokens.weight")
      #expect(made.shape == [11, 5])
      let expected =
        try table("model").doubles[15...] + (try #require(golden["rows"].flatMap(Tensor.init(nested:)))).doubles
      let largest = expected.map(abs).max() ?? 0
      for (a, b) in zip(made.doubles, expected) {
        #expect(abs(a - b) <= 1e-6 * largest, "\(golden.compact.prefix(40)): \(a), not \(b)")
      }
    }
  }

  @Test("find tokens that mean the same under other names")
  func meanings() throws {
    let one = model(
      "model",
      tokenizer(
        ["<s>", "</s>", "<0x0A>", "<0x41>", "\u{2581}the", "A", "é", "\u{2581}"], added: [("<s>", 0), ("</s>", 1)],
        decoder: ["type": "Sequence", "decoders": [["type": "Replace"], ["type": "ByteFallback"]]]),
      rows: squares(8), tokenizerConfig: ["bos_token": "<s>", "eos_token": ["content": "</s>"]])
    let other = model(
      "donor",
      tokenizer(
        ["Ġthe", "A", "Ċ", "Ã©", "Ġ", "new"], added: [("<|begin|>", 6), ("<|end|>", 7), ("<s>", 8)],
        decoder: ["type": "ByteLevel"]),
      rows: squares(9), tokenizerConfig: ["bos_token": "<|begin|>", "eos_token": "<|end|>"])
    let made = try rows(transplant(one, other, ["method": .choice("zero")]))
    #expect(made == [4, 5, 2, 6, 7, 0, 0, 1, 0].map { [$0, $0 * $0] })
    // A byte's token of the same kind of tokenizer is found under its name, and not taken for the letter's.
    let back = try rows(transplant(other, one, ["method": .choice("zero")]))
    #expect(back == [6, 7, 2, 1, 0, 1, 3, 4].map { [$0, $0 * $0] })
    let same = try rows(transplant(one, one, ["method": .choice("zero")]))
    #expect(same == (0..<8).map { [Float($0), Float($0 * $0)] })
  }

  @Test("carry tokenizer, size and special tokens over")
  func configuration() throws {
    let one = model(
      "model", tokenizer(["a", "b"]), rows: squares(4),
      config: [.init("bos_token_id", 1), .init("pad_token_id", 0), .init("tie_word_embeddings", true)],
      generation: ["bos_token_id": 1, "pad_token_id": 0, "temperature": 0.5])
    let other = model(
      "donor", tokenizer(["x", "a", "y"], added: [("<pad>", 3)]), rows: squares(6),
      config: [.init("eos_token_id", [1, 2])], tokenizerConfig: ["pad_token": "<pad>"])
    let made = try transplant(one, other, ["method": .choice("mean"), "scale": .number(2), "multiple": .number(4)])
    // Rows 0, 1, 2, 3 and their squares average 1.5 and 3.5; what is only there for padding is their mean.
    #expect(try rows(made) == [[3, 7], [0, 0], [3, 7], [3, 7]])
    #expect(made.facts["vocab_size"] == 4 && made.facts["bos_token_id"] == .null && made.facts["pad_token_id"] == 3)
    #expect(made.facts["eos_token_id"] == [1, 2] && made.facts["tie_word_embeddings"] == true)
    let files = Dictionary(uniqueKeysWithValues: made.files.map { ($0.name, $0.bytes) })
    #expect(files["tokenizer.json"] == other.files[0].bytes && files["tokenizer_config.json"] == other.files[1].bytes)
    let generation = try JSON(parsing: try #require(files["generation_config.json"]))
    #expect(generation["pad_token_id"] == 3 && generation["bos_token_id"] == .null && generation["temperature"] == 0.5)
  }

  @Test("refuse models without a tokenizer, and those that share no token")
  func refusals() throws {
    let one = model("model", tokenizer(["a", "b"]), rows: squares(2))
    let other = model("donor", tokenizer(["c"]), rows: squares(1))
    var bare = other
    bare.files = []
    for (donor, message) in [
      (bare, "`donor` has no `tokenizer.json`, so its vocabulary is not known"),
      (
        other,
        "`model` and `donor` share no token, so no row of `model.embed_tokens.weight` can be made of shared ones"
      ),
    ] {
      let step = try operation("transplant", ["model": .contents([one]), "donor": .contents([donor])])
      let error = #expect(throws: OperationError.self) { try step.outline() }
      #expect(error?.message == message)
    }
    #expect(try rows(transplant(one, other, ["method": .choice("mean")])) == [[0.5, 0.5]])
  }
}
