import Adapters
import Formats
import Models
import Networks
import Operations
import Tensors
import Testing

/// Adapters in running networks beside the same adapters folded into the weights.
struct RunningAdapterTests {
  private static func base() throws -> Content {
    var model = try run(
      "classifier", ["sizes": .value(.list([.number(6), .number(8), .number(5)])), "seed": .value(.number(3))])
    model.label = "base"
    return model
  }

  /// An adapter of a kind for both layers, its entries drawn.
  private static func adapter(_ config: JSON, _ parts: (Shape) -> [(String, Shape)]) throws -> Content {
    let base = try base()
    var generator = Generator(seed: 5, stream: "adapter")
    let tensors = base.tensors.filter { $0.shape.rank == 2 }.flatMap { entry in
      parts(entry.shape).map { part, shape in
        let name = "base_model.model." + entry.name.replacing(".weight", with: "") + "." + part
        return TensorEntry(name, Tensor((0..<shape.count).map { _ in Float(generator.gaussian() * 0.5) }, shape: shape))
      }
    }
    return Content(.adapter, facts: config, tensors: tensors, label: "adapter")
  }

  /// One of each kind; a kind that is added and not drawn here fails the test.
  static let configs: [(JSON, @Sendable (Shape) -> [(String, Shape)])] = [
    (
      ["peft_type": "LORA", "r": 2, "lora_alpha": 6],
      { [("lora_A.weight", [2, $0[1]]), ("lora_B.weight", [$0[0], 2])] }
    ),
    (
      ["peft_type": "LORA", "r": 2, "lora_alpha": 6, "use_dora": true, "lora_bias": true],
      {
        [
          ("lora_A.weight", [2, $0[1]]), ("lora_B.weight", [$0[0], 2]), ("lora_B.bias", [$0[0]]),
          ("lora_magnitude_vector", [$0[0]]),
        ]
      }
    ),
    (["peft_type": "IA3", "feedforward_modules": []], { [("ia3_l", [$0[0], 1])] }),
    (["peft_type": "IA3", "feedforward_modules": ["0"]], { [("ia3_l", [1, $0[1]])] }),
    (
      ["peft_type": "LOKR", "r": 2, "alpha": 3],
      { [("lokr_w1", [1, 2]), ("lokr_w2_a", [$0[0], 2]), ("lokr_w2_b", [2, $0[1] / 2])] }
    ),
    (
      ["peft_type": "LOHA", "r": 2, "alpha": 3],
      { shape in
        (1...2).flatMap { [("hada_w\($0)_a", [shape[0], 2]), ("hada_w\($0)_b", [2, shape[1]])] as [(String, Shape)] }
      }
    ),
    (["peft_type": "SOKA", "scale": 0.5], { [("soka_u", [3, 1, 2]), ("soka_v", [3, $0[0], $0[1] / 2])] }),
    (
      ["peft_type": "FLORA", "r": 2, "scale": 0.5],
      { [("flora_core", [2, 3]), ("flora_factor_0", [$0[1], 2]), ("flora_factor_1", [$0[0], 3])] }
    ),
    (
      ["peft_type": "HYDRA", "r": 2, "scale": 0.5],
      { shape in
        ["parallel", "sequential"].flatMap { branch -> [(String, Shape)] in
          [
            ("hydra_\(branch)_A.weight", [2, branch == "parallel" ? shape[1] : shape[0]]),
            ("hydra_\(branch)_B.weight", [shape[0], 2]), ("hydra_\(branch)_A.bias", [2]),
            ("hydra_\(branch)_B.bias", [shape[0]]),
          ]
        }
      }
    ),
    (
      ["peft_type": "LDU"],
      { [("ldu_lower", [$0[0], 3]), ("ldu_diagonal", [3]), ("ldu_upper", [3, $0[1]])] }
    ),
    (
      ["peft_type": "POLY", "r": 2, "n_tasks": 1, "n_skills": 3, "n_splits": 1],
      {
        [
          ("poly_lora_A", [1, 3, $0[1], 2]), ("poly_lora_B", [1, 3, 2, $0[0]]),
          ("poly_router.module_logits", [1, 3]),
        ]
      }
    ),
    (["peft_type": "TRAINABLE_TOKENS", "token_indices": [1, 3, 4]], { [("trainable_tokens_delta", [3, $0[1]])] }),
    (["peft_type": "FACTORS"], { [("factor_out", [$0[0], 2]), ("factor_in", [2, $0[1]])] }),
  ]

  @Test(arguments: configs.indices) func `an adapter that runs gives what it gives folded in`(_ number: Int) throws {
    let (config, parts) = Self.configs[number]
    let features = Batch.numbers(Tensor((0..<24).map { Float($0 % 7) - 3 }, shape: [4, 6]))
    let (base, adapter) = (try Self.base(), try Self.adapter(config, parts))
    let adapted = try AdaptedModel(adapter, for: base)
    let folded = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])])
    let network = try RunnableModel(Checkpoint(base)).network()
    try adapted.install(on: network, isTrainable: true)
    let running = network.output(features).entries
    let expected = try RunnableModel(Checkpoint(folded)).network().output(features).entries
    for (a, b) in zip(running, expected) { #expect(abs(a - b) < 1e-5 * max(1, abs(b)), "\(config)") }
    let trained = network.weights.all.filter(\.isTrainable)
    let frozen = type(of: adapted.reading.kind).parts.filter { !$0.isTrained }.map(\.name)
    let expectedNames = adapter.tensors.map(\.name).filter { name in !frozen.contains { name.hasSuffix("." + $0) } }
    #expect(trained.map(\.name).sorted() == expectedNames.sorted())
    #expect(trained.reduce(0) { $0 + $1.count } == adapted.reading.trainedCount)
  }

  @Test func `every kind of adapter runs`() throws {
    #expect(Set(Self.configs.compactMap { $0.0["peft_type"]?.string }) == Set(AdapterKinds.all.map { $0.type }))
  }

  @Test(arguments: configs.indices) func `every kind of adapter learns`(_ number: Int) throws {
    let (config, parts) = Self.configs[number]
    let (base, data, start) = (try Self.base(), Self.data(), try Self.adapter(config, parts))
    let trained = try run(
      "finetune",
      [
        "base": .contents([base]), "adapter": .contents([start]), "data": .contents([data]),
        "epochs": .value(.number(40)), "rate": .value(.number(0.05)),
      ])
    #expect(trained.tensors.map(\.name) == start.tensors.map(\.name))
    func loss(_ adapter: Content) throws -> Double {
      let model = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])])
      let made = try run("evaluate", ["model": .contents([model]), "data": .contents([data])])
      return try #require(made.facts["loss"]?.number)
    }
    let (before, after) = (try loss(start), try loss(trained))
    #expect(after < 0.8 * before, "\(config): from \(before) to \(after)")
  }

  @Test func `tensors that an adapter has whole are trained with it`() throws {
    var adapter = try Self.adapter(["peft_type": "LORA", "r": 2], Self.configs[0].1)
    let base = try Self.base()
    let last = try #require(base.tensors.last { $0.shape.rank == 1 })
    adapter.tensors.append(TensorEntry("base_model.model." + last.name, try base.tensor(last.name)))
    let trained = try run(
      "finetune",
      [
        "base": .contents([base]), "adapter": .contents([adapter]), "data": .contents([Self.data()]),
        "epochs": .value(.number(2)), "rate": .value(.number(0.02)),
      ])
    let after = try #require(trained.tensors.last)
    #expect(after.name == "base_model.model." + last.name)
    #expect(try trained.tensor(after.name).doubles != base.tensor(last.name).doubles)
  }

  private static func data() -> Content {
    var generator = Generator(seed: 1, stream: "data")
    let rows = (0..<60 * 6).map { _ in Float(generator.gaussian()) }
    let labels = (0..<60).map { rows[$0 * 6] > 0 ? 1 : 3 }
    return Content(
      .dataset, facts: ["rows": 60, "features": 6, "classes": 5],
      tensors: [
        TensorEntry("features", Tensor(rows, shape: [60, 6])), TensorEntry("labels", Tensor(labels, shape: [60])),
      ], label: "data")
  }

  @Test func `training an adapter changes it and lowers the loss, and leaves the model alone`() throws {
    let base = try Self.base()
    let data = Self.data()
    let start = try run("lora_init", ["base": .contents([base]), "rank": .value(.number(2))])
    let trained = try run(
      "finetune",
      [
        "base": .contents([base]), "adapter": .contents([start]), "data": .contents([data]),
        "epochs": .value(.number(20)), "rate": .value(.number(0.02)),
      ])
    #expect(trained.kind == .adapter)
    #expect(trained.tensors.map(\.name) == start.tensors.map(\.name))
    let model = try run("attach", ["base": .contents([base]), "adapter": .contents([trained])])
    func loss(_ model: Content) throws -> Double {
      let made = try run("evaluate", ["model": .contents([model]), "data": .contents([data])])
      return try #require(made.facts["loss"]?.number)
    }
    #expect(try loss(model) < 0.6 * loss(base))
  }

  /// Rows of inputs whose directions have unequal strengths.
  private func inputs(_ count: Int, seed: Int) -> DoubleMatrix {
    var generator = Generator(seed: seed, stream: "inputs")
    return DoubleMatrix(
      rows: count, columns: 6, (0..<count * 6).map { Double(Float(generator.gaussian() * Double(1 + $0 % 6))) })
  }

  @Test func `no other directions explain more than principal components`() throws {
    let x = inputs(200, seed: 2)
    var exact = PrincipalComponents(3, width: 6, .covariance)
    for start in stride(from: 0, to: 200, by: 50) {
      let part = DoubleMatrix(rows: 50, columns: 6, Array(x.entries[start * 6..<(start + 50) * 6]))
      let isAdded = exact.add(RowSummary(part))
      #expect(isAdded)
    }
    let isFinished = exact.finish()
    #expect(isFinished)
    let means = (0..<6).map { column in (0..<200).reduce(0) { $0 + x[$1, column] } / 200 }
    func explained(_ directions: DoubleMatrix) -> Double {
      (0..<200).reduce(0) { sum, row in
        sum
          + (0..<directions.rows).reduce(0) { sum, k in
            let along = (0..<6).reduce(0) { $0 + (x[row, $1] - means[$1]) * directions[k, $1] }
            return sum + along * along
          }
      }
    }
    let best = explained(exact.components)
    #expect(abs(best - exact.singularValues.reduce(0) { $0 + $1 * $1 }) < 1e-8 * best)
    for seed in 0..<50 {
      let other = OrthogonalTriangular(inputs(6, seed: 100 + seed)).orthonormal.firstColumns(3).transposed
      #expect(explained(other) <= best * (1 + 1e-12))
    }
    // In one batch, the incremental way is exact too.
    var whole = PrincipalComponents(3, width: 6, .incremental)
    let isAdded = whole.add(RowSummary(x))
    #expect(isAdded)
    for (a, b) in zip(whole.components.entries, exact.components.entries) { #expect(abs(a - b) < 1e-8) }
  }
}

/// Skills that tasks mix, while they are trained and afterwards.
struct RoutedTrainingTests {
  private func task(_ feature: Int, seed: Int) -> Content {
    var generator = Generator(seed: seed, stream: "task", "\(feature)")
    let rows = (0..<80 * 4).map { _ in Float(generator.gaussian()) }
    let labels = (0..<80).map { rows[$0 * 4 + feature] > 0 ? 1 : 2 }
    return Content(
      .dataset, facts: ["rows": 80, "features": 4, "classes": 3],
      tensors: [
        TensorEntry("features", Tensor(rows, shape: [80, 4])), TensorEntry("labels", Tensor(labels, shape: [80])),
      ], label: "task \(feature)")
  }

  private func loss(_ base: Content, _ adapter: Content, _ data: Content) throws -> Double {
    let model = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])])
    let made = try run("evaluate", ["model": .contents([model]), "data": .contents([data])])
    return try #require(made.facts["loss"]?.number)
  }

  @Test func `tasks of one inventory learn each its own`() throws {
    let base = try run(
      "classifier", ["sizes": .value(.list([.number(4), .number(8), .number(3)])), "seed": .value(.number(2))])
    let tasks = [task(0, seed: 1), task(1, seed: 1)]
    let inventory = try run(
      "mhr_train",
      [
        "base": .contents([base]), "tasks": .contents(tasks), "skills": .value(.number(4)), "rank": .value(.number(2)),
        "steps": .value(.number(300)), "rate": .value(.number(0.02)), "relaxed": .value(.flag(false)),
      ])
    #expect(inventory.kind == .inventory)
    let adapters = try (0..<2).map {
      try run("route", ["inventory": .contents([inventory]), "task": .value(.number(Double($0)))])
    }
    for (number, data) in tasks.enumerated() {
      // Folded to a LoRA, each task's mixture serves its own task better than the other's.
      #expect(try loss(base, adapters[number], data) < 0.7 * loss(base, adapters[1 - number], data))
    }
    // A new task like the first, from few examples: routing alone already helps, and training all helps more.
    let new = task(0, seed: 2)
    func adapted(_ tune: String) throws -> Content {
      try run(
        "mhr_adapt",
        [
          "inventory": .contents([inventory]), "base": .contents([base]), "data": .contents([new]),
          "tune": .value(.choice(tune)), "steps": .value(.number(60)), "rate": .value(.number(0.01)),
        ])
    }
    let before = try loss(base, try run("route", ["inventory": .contents([inventory])]), new)
    let (routing, all, average) = (
      try loss(base, adapted("routing"), new), try loss(base, adapted("all"), new),
      try loss(base, adapted("average"), new)
    )
    #expect(routing < before && all < routing && average < before)
  }
}
