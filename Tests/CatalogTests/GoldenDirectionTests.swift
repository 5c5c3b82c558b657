import Formats
import Operations
import Tensors
import Testing

extension GoldenCase {
  /// The models that are merged: all but the base.
  func merged() throws -> [Content] { try models().filter { $0 != base }.map(model) }

  var base: String? { json["base_model"]?.string }

  func weightsOfMerged() throws -> Value {
    .list(
      try models().filter { $0 != base }.map { name in
        guard let weight = json["per_model"]?[name]?["weight"]?.number else { throw BrokenTest(reason: "no weight") }
        return .number(weight)
      })
  }

  func baseBinding() throws -> [String: Binding] { try base.map { ["base": .contents([try model($0)])] } ?? [:] }
}

/// Methods that look at directions, against arcee's mergekit.
@Suite("mergekit's own numbers, by direction")
struct GoldenDirectionTests {
  @Test("of `nuslerp` are those of `nuslerp`") func nuslerp() throws {
    let cases = try GoldenCase.all("nuslerp")
    #expect(cases.count == 8)
    for golden in cases {
      let models = try golden.merged()
      let isWhole = golden.setting("nuslerp_flatten")?.bool ?? true
      let vectors = isWhole ? "tensors" : golden.setting("nuslerp_row_wise")?.bool == true ? "columns" : "rows"
      var bindings: [String: Binding] = [
        "a": .contents([models[0]]), "b": .contents([models[1]]), "weights": .value(try golden.weightsOfMerged()),
        "vectors": .value(.choice(vectors)),
      ]
      bindings.merge(try golden.baseBinding()) { _, new in new }
      try golden.check(run("nuslerp", bindings))
    }
  }

  @Test("of `multislerp` are those of `multislerp`") func multislerp() throws {
    let cases = try GoldenCase.all("multislerp")
    #expect(cases.count == 6)
    for golden in cases {
      var bindings: [String: Binding] = [
        "models": .contents(try golden.merged()), "weights": .value(try golden.weightsOfMerged()),
        "normalize": .value(.flag(golden.setting("normalize_weights")?.bool ?? true)),
      ]
      bindings.merge(try golden.baseBinding()) { _, new in new }
      try golden.check(run("multislerp", bindings))
    }
  }

  @Test("of `karcher` are those of `karcher`") func karcher() throws {
    let cases = try GoldenCase.all("karcher")
    #expect(cases.count == 4)
    for golden in cases {
      var bindings: [String: Binding] = ["models": .contents(try golden.merged())]
      if let iterations = golden.setting("max_iter")?.number { bindings["iterations"] = .value(.number(iterations)) }
      if let tolerance = golden.setting("tol")?.number { bindings["tolerance"] = .value(.number(tolerance)) }
      try golden.check(run("karcher", bindings))
    }
  }

  @Test("of `passthrough` are those of `passthrough`") func passthrough() throws {
    let cases = try GoldenCase.all("passthrough")
    #expect(cases.count == 2)
    for golden in cases {
      let scale = try #require(golden.json["per_model"]?["m0"]?["scale"]?.number)
      try golden.check(
        run("passthrough", ["model": .contents(golden.merged()), "scale": .value(.number(scale))]))
    }
  }
}
