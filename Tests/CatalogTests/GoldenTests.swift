import Catalog
import Formats
import Operations
import Tensors
import Testing

/// Numbers that arcee's mergekit (commit a6e4028, float32) gives for the same inputs.
@Suite("mergekit's own numbers")
struct GoldenTests {
  @Test("of `linear` are those of `average`")
  func linear() throws {
    let cases = try GoldenCase.all("linear")
    #expect(cases.count == 4)
    for golden in cases {
      let made = try run(
        "average",
        [
          "models": .contents(golden.models().map(golden.model)), "weights": .value(.list(golden.weights())),
          "normalize": .value(.flag(golden.setting("normalize")?.bool ?? true)),
        ])
      try golden.check(made)
    }
  }

  @Test("of `slerp` are those of `slerp`")
  func slerp() throws {
    let cases = try GoldenCase.all("slerp")
    #expect(cases.count == 4)
    for golden in cases {
      let base = try #require(golden.json["base_model"]?.string)
      let other = try #require(golden.models().first { $0 != base })
      let made = try run(
        "slerp",
        [
          "a": .contents([golden.model(base)]), "b": .contents([golden.model(other)]),
          "at": .value(.number(try #require(golden.setting("t")?.number))),
        ])
      try golden.check(made)
    }
  }
}
