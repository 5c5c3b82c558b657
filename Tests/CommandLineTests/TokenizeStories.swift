import Formats
import Testing

/// Tokens of texts on the command line.
@Suite struct TokenizeStories {
  private static let tokenizer = """
    {"version": "1.0", "added_tokens": [{"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
     "normalized": false, "special": true}],
     "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "WhitespaceSplit"},
     "model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "a": 1, "é": 2, "aé": 3}, "merges": ["a é"]}}
    """

  private func session() throws -> Session {
    let session = try Session()
    try session.writeModel("base", tokenizer: Self.tokenizer)
    try session.write("a\n\nÉ a\n", to: "lines.txt")
    return session
  }

  @Test func tokensAreListedWithTheirPlaces() throws {
    let session = try session()
    let result = session.run(["tokenize", "base", "AÉ b<s>"])
    #expect(result.output == "3\taé\t0..<2\n0\t?\t3..<4\n4\t<s>\t4..<7\n")
    #expect(result.status == 0)
    #expect(session.run("tokenize base/tokenizer.json --lines lines.txt --count").output == "3\n")
    let json = try JSON(parsing: Array(session.run("tokenize base a --json").output.utf8))
    #expect(json.array?.first?["places"] == [[0, 1]])
  }

  @Test func showNamesTheTokenizer() throws {
    let session = try session()
    #expect(session.run("show base").output.contains("BPE, 5 tokens"))
    try session.write("{\"model\": {\"type\": \"Foo\", \"vocab\": {}}}", to: "base/tokenizer.json")
    #expect(session.run("show base").output.contains("`model.type` is `Foo`, a model that is not known"))
    let result = session.run("tokenize base a")
    #expect(result.status == 65)
    #expect(result.errors.contains("`model.type` is `Foo`, a model that is not known"))
    #expect(session.run("tokenize nowhere a").status == 66)
  }
}
