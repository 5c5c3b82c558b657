import Diagnostics
import Operations
import Recipes
import Testing

@Suite struct GraphTests {
  static func graph(
    _ text: String, settings: [Recipe.Setting] = [], libraries: [String: String] = [:]
  ) throws -> Graph {
    try Recipe(Source(name: "r.rcp", text: text), path: "/w/r.rcp").graph(.test, settings: settings) { path in
      guard let text = libraries[path] else { throw OperationError(.missing, "there is no such file") }
      return text
    }.graph
  }

  @Test func equalStepsAreOne() throws {
    let graph = try Self.graph(
      """
      recipe "R"
      let a = checkpoint("m/a")
      let again = checkpoint("m/a")
      let merged = average([a, again])
      let same = average(models: [checkpoint("m/a"), a])
      export merged to "x"
      export same to "y"
      """)
    #expect(graph.steps.map(\.operation) == ["checkpoint", "average"])
    #expect(graph.origins.map(\.label) == ["a", "merged"])
    #expect(graph.steps[0].arguments[0] == .value(.text("/w/m/a")))
    #expect(graph.steps[1].arguments[0] == .steps([StepID(0), StepID(0)]))
  }

  @Test func comprehensionsFunctionsAndLibraries() throws {
    let graph = try Self.graph(
      """
      recipe "R"
      use "lib/depth.rcp" as depth
      param strength: number = 0.5
      fn model(name: text) -> checkpoint = checkpoint("models/{name}")
      let base = model("base")
      let names = ["math", "code"]
      let models = [for name in names if name != "chat": model(name)]
      let merged = ties(base:, models:, weights: [for (m, w) in zip(names, [1, 2]): w * strength], scale: depth.rising)
      export [for m in models: m] to "all"
      export merged to "m" as safetensors(precision: .bf16, shard: 2 GiB)
      """, settings: [.init(name: "strength", text: "25%", flag: "--strength")],
      libraries: ["/w/lib/depth.rcp": "let rising = gradient([0, 1])\n"])
    #expect(graph.origins.map(\.label) == ["base", "models[0]", "models[1]", "merged"])
    let ties = graph.steps[3]
    #expect(ties.arguments[2] == .value(.list([.number(0.25), .number(0.5)])))
    #expect(ties.arguments[3] == .value(.number(0.2)))
    #expect(ties.arguments[5] == .value(.gradient([.number(0), .number(1)])))
    guard case .export(let all) = graph.goals[0], case .export(let merged) = graph.goals[1] else {
      return #expect(Bool(false), "two exports")
    }
    #expect(all.isList && all.steps == [StepID(1), StepID(2)])
    #expect(merged.format?.settings == ["precision": .choice("bf16"), "shard": .number(0x1p31)])
  }

  @Test func arithmeticOnModels() throws {
    let graph = try Self.graph(
      """
      recipe "R"
      let base = checkpoint("b")
      let math = checkpoint("m")
      let sum = base + 0.4 * (math - base) - (math - base) / 2
      export sum to "s"
      """)
    #expect(
      graph.steps.map(\.operation) == ["checkpoint", "checkpoint", "subtract", "scale", "add", "scale", "scale", "add"])
    #expect(graph.steps[5].arguments == [.steps([StepID(2)]), .value(.number(0.5))])
    #expect(graph.origins[7].label == "sum")
  }

  @Test func metricsAreFormulas() throws {
    let graph = try Self.graph(
      """
      recipe "R"
      let data = dataset("d.csv")
      let model = checkpoint("m")
      let scores = [for name in ["a", "b"]: evaluate(checkpoint(name), data:)]
      let merged = fisher_merge([model, model], fishers: [fisher(model:, data:)], weights: [for s in scores: 1 - s.loss])
      require mean([for s in scores: s.accuracy]) >= 90% * 1 else "too bad"
      export merged to "m"
      """)
    let a = try #require(graph.origins.firstIndex { $0.label == "scores[0]" })
    guard case .require(let requirement) = graph.goals[0] else { return #expect(Bool(false), "a requirement") }
    #expect(requirement.formula.dependencies.first == StepID(a))
    #expect(try requirement.formula.value { _, _ in .number(0.9) } == .flag(true))
    #expect(try requirement.formula.value { _, _ in .number(0.8) } == .flag(false))
    let merge = try #require(graph.steps.first { $0.operation == "fisher_merge" })
    guard case .formula(let weights) = merge.arguments[2] else { return #expect(Bool(false), "a formula") }
    #expect(
      try weights.value { _, name in .number(name == "loss" ? 0.25 : 0) } == .list([.number(0.75), .number(0.75)]))
  }

  @Test func matchKeepsItsArms() throws {
    let graph = try Self.graph(
      """
      recipe "R"
      let base = checkpoint("b")
      let merged = ties(base:, models: [base], density: match layer {
          0..<8 => 100%,
          8...9 => gradient([70%, 10%]),
          _ => 10%,
      }, weights: [match tensor { "*.mlp.*" => 0.5, _ => 0 }])
      export merged to "m"
      """)
    let ties = graph.steps[1]
    #expect(
      ties.arguments[3]
        == .value(
          .matchLayer([
            .init(0..<8, .number(1)), .init(8..<10, .gradient([.number(0.7), .number(0.1)])), .init(nil, .number(0.1)),
          ])))
    #expect(graph.origins[1].patterns[Pattern("*.mlp.*")]?.text == "\"*.mlp.*\"")
  }

  /// No input, however garbled, stops the program.
  @Test func garbledRecipesAreReported() {
    let sound = Array(
      """
      recipe "R"
      param n: count in 1...9 = 3 # remark
      fn f(x: number, y: [checkpoint]?) -> delta = 0.4 * (checkpoint("b") - checkpoint("{n}"))
      let m = [for (a, b) in zip([1, 2], [3, 4]) if a < b: match tensor { "*.w" => -a, _ => gradient([b, 2e-3]) }]
      require not (1 == 2) and true else "no"
      export f(1) to "out" as safetensors(shard: 2 GiB)
      """.utf8)
    var state: UInt64 = 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let pool = Array("()[]{}\"#\n.,:=+-*/%<>! let if for 9e\u{e9}".utf8)
    for _ in 0..<4000 {
      var bytes = sound
      for _ in 0...next(4) {
        let place = next(bytes.count)
        switch next(3) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(pool[next(pool.count)], at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + next(20)))
        }
        if bytes.isEmpty { bytes = [10] }
      }
      let source = Source(name: "r.rcp", text: String(decoding: bytes, as: UTF8.self))
      let elaboration = Recipe(source, path: "/w/r.rcp").elaborated(.test) { _ in "" }
      _ = Renderer().text(elaboration.diagnostics)
      if let once = try? Recipe.formatted(source) {
        #expect((try? Recipe.formatted(Source(name: "r.rcp", text: once))) == once, "from \(source.text)")
      }
    }
  }

  @Test func deepNestingIsReported() {
    let source = Source(name: "r.rcp", text: "let x = " + String(repeating: "(", count: 100_000))
    let messages = Recipe(source, path: "/r.rcp").elaborated(.test, isChecked: true) { _ in "" }.diagnostics.map(
      \.message)
    #expect(messages == ["brackets are nested more than 200 deep"])
  }
}
