import Catalog
import Formats
import Foundation
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

  private func fusionBench() throws -> JSON {
    let url = try #require(Bundle.module.url(forResource: "Golden/fusionbench", withExtension: "json"))
    return try JSON(parsing: [UInt8](Data(contentsOf: url)))
  }

  /// The tensors `b` and `w` of an input, in the order in which FusionBench strings them together; added to a base's.
  private func content(_ golden: JSON, _ name: String, to base: String? = nil) throws -> Content {
    let tensors = try ["b", "w"].map { key in
      let tensor = try #require(golden["inputs"]?[name]?[key].flatMap(Tensor.init(nested:)))
      guard let base else { return TensorEntry(key, tensor) }
      return TensorEntry(key, tensor + (try #require(golden["inputs"]?[base]?[key].flatMap(Tensor.init(nested:)))))
    }
    return Content(.checkpoint, tensors: tensors, label: name)
  }

  /// A base of zeros, so that models are their task vectors.
  private func zeros(like content: Content) throws -> Content {
    var zeros = content
    zeros.tensors = try content.tensors.map { TensorEntry($0.name, 0 * (try $0.load())) }
    return zeros
  }

  private func expect(_ made: Content, _ expected: [Double], _ what: String) throws {
    let found = try made.tensors.flatMap { try $0.load().doubles }
    #expect(found.count == expected.count)
    let scale = expected.map(abs).max() ?? 1
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-6 * scale, "\(what): \(a), not \(b)") }
  }

  @Test("of FusionBench's TIES, trimmed over the whole model")
  func ties() throws {
    let golden = try fusionBench()
    let models = try ["tv0", "tv1", "tv2"].map { try content(golden, $0) }
    let cases = (golden["cases"]?.array ?? []).filter { $0["method"]?.string == "ties" }
    #expect(cases.count == 9)
    for one in cases {
      let threshold = try #require(one["params"]?["threshold"]?.number)
      let function = try #require(one["params"]?["merge_func"]?.string)
      let made = try run(
        "ties",
        [
          "base": .contents([zeros(like: models[0])]), "models": .contents(models),
          "density": .value(.number(threshold > 1 ? threshold / 100 : threshold)), "trim": .value(.choice("model")),
          "consensus": .value(.choice("unweighted")), "normalize": .value(.flag(function == "mean")),
          "aggregation": .value(.choice(function == "max" ? "max" : "sum")),
        ])
      let expected = one["merged_task_vector"]?["flat"]?.array?.compactMap(\.number) ?? []
      try expect(made, expected, "\(function) at \(threshold)")
    }
  }

  @Test("of FusionBench's MagMax and Model Stock")
  func magMaxAndModelStock() throws {
    let golden = try fusionBench()
    func expected(_ method: String) throws -> [Double] {
      let one = try #require(golden["cases"]?.array?.first { $0["method"]?.string?.hasPrefix(method) ?? false })
      return try ["b", "w"].flatMap { key in
        try #require(one["merged_task_vector"]?[key].flatMap(Tensor.init(nested:))).doubles
      }
    }
    let vectors = try ["tv0", "tv1", "tv2"].map { try content(golden, $0) }
    let largest = try run(
      "magmax",
      ["base": .contents([zeros(like: vectors[0])]), "models": .contents(vectors), "scale": .value(.number(1))])
    try expect(largest, expected("magmax"), "MagMax")
    let models = try ["tv0", "tv1", "tv2"].map { try content(golden, $0, to: "base") }
    let stock = try run(
      "model_stock",
      [
        "base": .contents([content(golden, "base")]), "models": .contents(models), "mean": .value(.choice("angles")),
      ])
    try expect(stock, expected("model_stock"), "Model Stock")
  }
}
