import Testing

/// What `precision` of an operation makes of narrow models is what wide copies of them make, with no rounding between.
@Suite struct PrecisionStories {
  static let merges = [
    "average([a, b], weights: [0.3, 0.9]", "slerp(a: a, b: b, at: 0.3", "karcher([a, b]",
    "nearswap(base:, model: a, within: 0.1",
    "ties(base:, models: [a, b], density: 40%", "task_arithmetic(base:, models: [a, b], weights: [0.3, 0.4]",
    "breadcrumbs(base:, models: [a, b], density: 50%", "dare(base:, models: [a, b], density: 50%",
    "ram(base:, models: [a, b]",
    "della(base:, models: [a, b], density: 50%", "model_stock(base:, models: [a, b]",
    "sce(base:, models: [a, b], density: 50%",
    "passthrough(a, scale: 0.3", "arcee_fusion(base:, model: a",
  ]

  @Test func wideResultsOfNarrowModels() throws {
    let session = try Session()
    for name in ["base", "a", "b"] { try session.writeModel(name, dtype: .bf16) }
    func models(_ suffix: String) -> String {
      ["base", "a", "b"].map { "let \($0) = checkpoint(\"\($0)\(suffix)\")\n" }.joined()
    }
    func exports(_ end: String, to folder: String) -> String {
      Self.merges.enumerated().map { "export \($1)\(end) to \"\(folder)/\($0)\"\n" }.joined()
    }
    let wide = ["base", "a", "b"].map { "export \($0) to \"\($0)-wide\" as safetensors(precision: .f32)\n" }.joined()
    try session.write("recipe \"Wide copies\"\n\(models(""))\(wide)", to: "wide.rcp")
    try session.write(
      "recipe \"Narrow\"\n\(models(""))\(exports(", precision: .f32)", to: "narrow"))", to: "narrow.rcp")
    try session.write("recipe \"Wide\"\n\(models("-wide"))\(exports(")", to: "wide"))", to: "of-wide.rcp")
    for recipe in ["wide.rcp", "narrow.rcp", "of-wide.rcp"] {
      let applied = session.run("apply \(recipe)")
      #expect(applied.status == 0, "\(applied)")
    }
    for (number, merge) in Self.merges.enumerated() {
      #expect(try session.tensors(in: "narrow/\(number)") == session.tensors(in: "wide/\(number)"), "\(merge)")
      #expect(!(try session.read("narrow/\(number)/config.json")).contains("bfloat16"))
    }
  }
}
