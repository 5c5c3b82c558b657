import Catalog
import Diagnostics
import Operations
import Tensors
import Testing

/// What merges of task vectors do at their edges, by hand.
@Suite("Merges of task vectors")
struct TaskVectorTests {
  private func model(_ label: String, _ tensors: [(String, Tensor)]) -> Content {
    Content(.checkpoint, tensors: tensors.map { TensorEntry($0, $1) }, label: label)
  }

  private func merge(
    _ name: String, base: [Float], _ models: [[Float]], _ settings: [String: Value] = [:], shape: Shape? = nil
  ) throws -> [Float] {
    func content(_ label: String, _ entries: [Float]) -> Content {
      model(label, [("x", Tensor(entries, shape: shape ?? [entries.count]))])
    }
    var bindings = settings.mapValues { Binding.value($0) }
    bindings["base"] = .contents([content("base", base)])
    let contents = models.enumerated().map { content("models[\($0)]", $1) }
    let takesOne = try #require(Operations.Catalog.standard[name]).signature.slot("model") != nil
    bindings[takesOne ? "model" : "models"] = .contents(contents)
    let step = try operation(name, bindings)
    _ = try step.outline()
    return try step.run(quiet).content.tensor("x").floats
  }

  private func numbers(_ values: Double...) -> Value { .list(values.map(Value.number)) }

  // MARK: Trimming

  @Test("Of equal magnitudes, TIES keeps those of lower index")
  func ties() throws {
    #expect(try merge("ties", base: [0, 0, 0, 0], [[1, -1, 1, 1]], ["density": .number(0.5)]) == [1, -1, 0, 0])
    #expect(try merge("ties", base: [5, 5, 5], [[6, 4, 7]], ["density": .number(0.2)]) == [5, 5, 7])
    #expect(try merge("ties", base: [5, 5, 5], [[6, 4, 7]], ["density": .number(0)]) == [5, 5, 5])
  }

  @Test("Signs are elected by mass, by count or without weights, and + wins a draw")
  func elections() throws {
    let models: [[Float]] = [[3, 1], [-1, -1], [-1, 0]]
    func merged(_ consensus: String, _ more: [String: Value] = [:]) throws -> [Float] {
      try merge(
        "ties", base: [0, 0], models, ["consensus": .choice(consensus)].merging(more) { $1 })
    }
    #expect(try merged("none") == [1 / 3, 0])
    #expect(try merged("mass") == [3, 1])
    #expect(try merged("count") == [-1, 1])
    // Entry 0 elects +, so + is the majority that decides entry 1.
    #expect(try merged("unweighted") == [3, 1])
    #expect(try merged("mass", ["weights": numbers(1, 4, 1)]) == [-1, -1])
    #expect(try merged("unweighted", ["weights": numbers(1, 4, 1)]) == [3, 1])
    #expect(try merged("count", ["normalize": .flag(false)]) == [-2, 1])
    #expect(try merged("mass", ["aggregation": .choice("max"), "scale": .number(2)]) == [6, 2])
    // A lone negative weight is cancelled by the division.
    #expect(try merge("ties", base: [0], [[1]], ["weights": numbers(-1)]) == [1])
    #expect(try merge("ties", base: [0], [[1]], ["weights": numbers(-1), "normalize": .flag(false)]) == [-1])
  }

  @Test("TIES over the whole model keeps all that is as large as the first that was too much")
  func wholeModel() throws {
    let ids = Tensor([7], shape: [1])
    let (a, b): ([Float], [Float]) = ([4, -1, 2], [3])
    let base = model("base", [("a", zero(3)), ("b", zero(1)), ("ids", ids)])
    let tuned = model("models[0]", [("a", Tensor(a, shape: [3])), ("b", Tensor(b, shape: [1])), ("ids", ids)])
    func merged(_ density: Double) throws -> [Float] {
      let made = try run(
        "ties",
        [
          "base": .contents([base]), "models": .contents([tuned]), "density": .value(.number(density)),
          "trim": .value(.choice("model")),
        ])
      #expect(try made.tensor("ids").integers == [7])
      return try made.tensor("a").floats + made.tensor("b").floats
    }
    #expect(try merged(0) == [4, 0, 0, 0])
    #expect(try merged(0.25) == [4, 0, 0, 3])
    #expect(try merged(0.5) == [4, 0, 2, 3])
    #expect(try merged(1) == [4, -1, 2, 3])
    let uneven = try operation(
      "ties",
      [
        "base": .contents([base]), "models": .contents([tuned]), "trim": .value(.choice("model")),
        "density": .value(.matchTensor([.init(Pattern("a"), .number(0.5)), .init(Pattern("*"), .number(0.1))])),
      ])
    let error = #expect(throws: OperationError.self) { try uneven.outline() }
    #expect(
      error?.message == "`density` of `ties` changes from tensor to tensor, but `trim: .model` ranks them all together")
  }

  private func zero(_ count: Int) -> Tensor { Tensor([Float](repeating: 0, count: count), shape: [count]) }

  @Test("Breadcrumbs drop no outlier where their share is less than an entry")
  func breadcrumbs() throws {
    let settings: [String: Value] = ["density": .number(0.5)]
    #expect(try merge("breadcrumbs", base: [0, 0, 0, 0], [[4, -1, 2, 3]], settings) == [4, 0, 0, 3])
    let without = settings.merging(["gamma": .number(0.25)]) { $1 }
    #expect(try merge("breadcrumbs", base: [0, 0, 0, 0], [[4, -1, 2, 3]], without) == [0, 0, 2, 3])
    let all: [String: Value] = ["density": .number(1), "gamma": .number(0.5)]
    #expect(try merge("breadcrumbs", base: [0, 0], [[4, -1]], all) == [4, -1])
    let rescaled = without.merging(["rescale": .flag(true)]) { $1 }
    #expect(try merge("breadcrumbs", base: [0, 0, 0, 0], [[4, -1, 2, 3]], rescaled) == [0, 0, 4, 6])
  }

  // MARK: Dropping at random

  @Test("DARE and DELLA keep their share and their sum, and other seeds, models and tensors other entries")
  func dropping() throws {
    let count = 100_000
    let ones = [Float](repeating: 1, count: count)
    let zeros = [Float](repeating: 0, count: count)
    for (name, more) in [("dare", [:]), ("della", ["epsilon": Value.number(0.2)])] {
      func merged(_ rescale: String, _ seed: Double = 0) throws -> [Float] {
        let settings: [String: Value] = [
          "density": .number(0.3), "rescale": .choice(rescale), "seed": .number(seed), "consensus": .choice("none"),
          "normalize": .flag(false),
        ]
        return try merge(name, base: zeros, [ones], settings.merging(more) { $1 }, shape: [100, 1000])
      }
      let plain = try merged("none")
      #expect(Set(plain) == [0, 1])
      let kept = plain.reduce(0, +)
      #expect(abs(kept - 30_000) < 700, "`\(name)` keeps \(kept)")
      #expect(try merged("none") == plain)
      #expect(try merged("none", 1) != plain)
      #expect(abs(try merged("l1").reduce(0.0) { $0 + Double($1) } - 100_000) < 1)
      let paper = try merged("inverse_density").reduce(0.0) { $0 + Double($1) }
      #expect(abs(paper - 100_000) < 3000, "`\(name)` sums to \(paper)")
      // The same model twice is dropped twice, each time other entries.
      let twice = try merge(
        name, base: zeros, [ones, ones],
        ["density": .number(0.5), "rescale": .choice("none"), "normalize": .flag(false)].merging(more) { $1 })
      #expect(Set(twice) == [0, 1, 2])
    }
    let inTwo = model("base", [("a", zero(1000)), ("b", zero(1000))])
    let tuned = model(
      "models[0]", inTwo.tensors.map { ($0.name, Tensor([Float](repeating: 1, count: 1000), shape: [1000])) })
    let made = try run(
      "dare", ["base": .contents([inTwo]), "models": .contents([tuned]), "density": .value(.number(0.5))])
    #expect(try made.tensor("a").floats != made.tensor("b").floats)
  }

  @Test("DELLA keeps large entries sooner than small ones, row by row")
  func della() throws {
    let (rows, width) = (400, 101)
    let ascending = (0..<rows * width).map { Float($0 % width + 1) }
    let kept = try merge(
      "della", base: ascending.map { _ in 0 }, [ascending],
      ["density": .number(0.5), "epsilon": .number(0.4), "rescale": .choice("none")], shape: [rows, width])
    func share(_ column: Int) -> Double {
      Double((0..<rows).filter { kept[$0 * width + column] != 0 }.count) / Double(rows)
    }
    for (column, wanted) in [(0, 0.1), (25, 0.3), (50, 0.5), (100, 0.9)] {
      #expect(abs(share(column) - wanted) < 0.125, "column \(column): \(share(column))")
    }
    // Rows of one entry have the density itself.
    let columns = try merge(
      "della", base: ascending.map { _ in 0 }, [ascending], ["density": .number(0.5), "rescale": .choice("none")],
      shape: [rows * width, 1])
    #expect(abs(Double(columns.filter { $0 != 0 }.count) / Double(rows * width) - 0.5) < 0.02)
    let error = #expect(throws: OperationError.self) {
      try merge("della", base: [0], [[1]], ["density": .number(0.9)])
    }
    #expect(
      error?.message
        == "`density` 0.9 of `della` with `epsilon` 0.15 makes probabilities outside of 0 to 1, at `x`")
    #expect(try merge("della", base: [1, 1], [[2, 3]], ["density": .number(1)]) == [2, 3])
    #expect(try merge("della", base: [1, 1], [[2, 3]], ["density": .number(0)]) == [1, 1])
    #expect(
      try merge("dare", base: [1, 1], [[2, 3]], ["density": .number(0), "rescale": .choice("inverse_density")]) == [
        1, 1,
      ])
  }

  // MARK: The others

  @Test("Model Stock leaves the base where models cancel each other or do not move")
  func modelStock() throws {
    for mean in ["cosines", "angles"] {
      let settings: [String: Value] = ["mean": .choice(mean)]
      #expect(try merge("model_stock", base: [1, 1], [[2, 3], [0, -1]], settings) == [1, 1])
      #expect(try merge("model_stock", base: [1, 1], [[1, 1], [1, 1]], settings) == [1, 1])
      // Models that agree are their mean; at right angles they are none.
      let same = try merge("model_stock", base: [1, 1], [[2, 3], [2, 3]], settings)
      #expect(abs(same[0] - 2) < 1e-5 && abs(same[1] - 3) < 1e-5)
      let across = try merge("model_stock", base: [0, 0], [[1, 0], [0, 1]], settings)
      #expect(abs(across[0]) < 1e-7 && abs(across[1]) < 1e-7)
    }
    let rows = try merge(
      "model_stock", base: [0, 0, 0, 0], [[1, 0, 1, 1], [0, 1, 1, 1]], ["filter_wise": .flag(true)], shape: [2, 2])
    #expect(rows == [0, 0, 1, 1])
  }

  @Test("SCE keeps nothing where no model differs from another")
  func sce() throws {
    #expect(try merge("sce", base: [0, 0], [[1, 2], [1, 2]], ["density": .number(0.5)]) == [0, 0])
    #expect(try merge("sce", base: [0, 0], [[1, 2], [1, 2]]) == [1, 2])
    #expect(try merge("sce", base: [0, 0, 0], [[1, 3, 1], [1, 0, 2]], ["density": .number(0.5)]) == [0, 3, 0])
  }

  @Test("RAM keeps whole what one model alone changed, and strengthens it by what it shares")
  func ram() throws {
    let models: [[Float]] = [[2, 4, 0], [4, 0, 0]]
    #expect(try merge("ram", base: [0, 0, 0], models) == [3, 4, 0])
    let stronger = try merge("ram", base: [0, 0, 0], models, ["r": .number(0.5), "alpha": .number(2)])
    #expect(stronger == [3, 6, 0])
    let held = try merge("ram", base: [0, 0, 0], models, ["r": .number(0.5), "alpha": .number(0.5)])
    #expect(held == [3, 5, 0])
    #expect(try merge("ram", base: [0, 0, 0], models, ["epsilon": .number(3)]) == [4, 4, 0])
  }

  @Test("Swaps take what lies near, and fusion what stands out")
  func swaps() throws {
    #expect(try merge("nearswap", base: [1, 1, 1], [[1.25, 2, 1]], ["within": .number(0.5)]) == [1.25, 1.5, 1])
    #expect(try merge("nearswap", base: [1, 1], [[2, 0]], ["within": .number(0)]) == [1, 1])
    let base: [Float] = [0, 0, 0, 0, 0, 0, 0, 0]
    #expect(try merge("arcee_fusion", base: base, [[0, 0, 0, 1, 0, 0, 0, 0]]) == [0, 0, 0, 1, 0, 0, 0, 0])
    let near: [Float] = [0.1, 0.2, 0.1, 5, 0.1, 0.2, 0.1, 0.1]
    #expect(try merge("arcee_fusion", base: base, [near]) == [0, 0, 0, 5, 0, 0, 0, 0])
  }

  @Test("One setting for each model, or one for all")
  func counts() throws {
    let error = #expect(throws: OperationError.self) {
      try merge("ties", base: [0], [[1], [2]], ["density": numbers(0.1, 0.2, 0.3)])
    }
    #expect(error?.message == "`ties` has 2 models and 3 of `density`")
    #expect(try merge("ties", base: [0, 0], [[1, 2], [3, 5]], ["density": numbers(0.5, 1)]) == [3, 3.5])
  }
}
