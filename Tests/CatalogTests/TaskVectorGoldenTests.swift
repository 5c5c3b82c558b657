import Catalog
import Formats
import Operations
import Tensors
import Testing

/// Numbers that mergekit and FusionBench give for merges of task vectors.
@Suite("Merges of task vectors have the numbers of other tools")
struct TaskVectorGoldenTests {
  /// mergekit's methods, with the operation and the choices that are the same.
  private static let methods: [(method: String, operation: String, settings: [String: Value])] = [
    ("task_arithmetic", "task_arithmetic", [:]),
    ("ties", "ties", [:]),
    ("breadcrumbs", "breadcrumbs", [:]),
    ("breadcrumbs_ties", "breadcrumbs", ["consensus": .choice("mass")]),
    ("model_stock", "model_stock", [:]),
    ("sce", "sce", [:]),
    ("ram", "ram", [:]),
    ("ramplus_tl", "ram", ["r": .number(0.1)]),
  ]

  /// mergekit's names of settings, and ours.
  private static let names = ["lambda": "scale", "select_topk": "density"]

  @Test("of mergekit, with a base and several models", arguments: methods.indices)
  func severalModels(index: Int) throws {
    let (method, name, settings) = Self.methods[index]
    let cases = try GoldenCase.all(method)
    #expect(cases.count >= 2 && cases.count % 2 == 0)
    for golden in cases {
      let models = try golden.models().filter { $0 != "base" }
      var bindings = settings.mapValues { Binding.value($0) }
      bindings["base"] = .contents([try golden.model("base")])
      bindings["models"] = .contents(try models.map(golden.model))
      for setting in golden.json["global"]?.object ?? [] {
        let value = try setting.value.bool.map(Value.flag) ?? .number(#require(setting.value.number))
        bindings[Self.names[setting.name] ?? setting.name] = .value(value)
      }
      for (key, ours) in [("weight", "weights"), ("density", "density"), ("gamma", "gamma")] {
        let values = models.compactMap { golden.json["per_model"]?[$0]?[key]?.number }
        let isThere = try #require(Operations.Catalog.standard[name]).signature.slot(ours) != nil
        if values.count == models.count, isThere { bindings[ours] = .value(.list(values.map(Value.number))) }
      }
      try golden.check(run(name, bindings))
    }
  }

  @Test("of mergekit, with a base and one model")
  func oneModel() throws {
    for (name, settings) in [("nearswap", ["within": 0.05]), ("arcee_fusion", [:])] {
      let cases = try GoldenCase.all(name)
      #expect(cases.count == 2)
      for golden in cases {
        let other = try #require(golden.models().first { $0 != "base" })
        var bindings = settings.mapValues { Binding.value(.number($0)) }
        bindings["base"] = .contents([try golden.model("base")])
        bindings["model"] = .contents([try golden.model(other)])
        try golden.check(run(name, bindings))
      }
    }
  }

  // MARK: FusionBench

  private func expect(_ made: Content, _ expected: [Double], _ what: String) throws {
    let found = try made.tensors.flatMap { try $0.load().doubles }
    #expect(found.count == expected.count)
    let scale = expected.map(abs).max() ?? 1
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-6 * scale, "\(what): \(a), not \(b)") }
  }

  @Test("of FusionBench's TIES, trimmed over the whole model")
  func ties() throws {
    let cases = try FusionBenchCase.all("ties")
    #expect(cases.count == 9)
    for golden in cases {
      let threshold = try #require(golden.json["params"]?["threshold"]?.number)
      let function = try #require(golden.json["params"]?["merge_func"]?.string)
      let made = try run(
        "ties",
        [
          "base": .contents([golden.zeros()]), "models": .contents(golden.models()),
          "density": .value(.number(threshold > 1 ? threshold / 100 : threshold)), "trim": .value(.choice("model")),
          "consensus": .value(.choice("unweighted")), "normalize": .value(.flag(function == "mean")),
          "aggregation": .value(.choice(function == "max" ? "max" : "sum")),
        ])
      let expected = golden.json["merged_task_vector"]?["flat"]?.array?.compactMap(\.number) ?? []
      try expect(made, expected, "\(function) at \(threshold)")
    }
  }

  @Test("of FusionBench's MagMax and Model Stock")
  func magMaxAndModelStock() throws {
    let vectors = try #require(try FusionBenchCase.all("magmax").first)
    let largest = try run(
      "magmax",
      [
        "base": .contents([vectors.zeros()]), "models": .contents(vectors.models()), "scale": .value(.number(1)),
      ])
    try expect(largest, vectors.merged(), "MagMax")
    let whole = try #require(try FusionBenchCase.all("model_stock").first)
    let stock = try run(
      "model_stock",
      [
        "base": .contents([whole.model("base")]), "models": .contents(whole.models(addedTo: "base")),
        "mean": .value(.choice("angles")),
      ])
    try expect(stock, whole.merged(), "Model Stock")
  }
}
