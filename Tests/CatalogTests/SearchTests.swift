import Diagnostics
import Formats
import Operations
import Tensors
import Testing

/// `search` on models of one entry whose score is known.
@Suite struct SearchTests {
  /// The score is highest at x = 0.7, n = 3.
  static func bindings(_ settings: [String: Value]) -> [String: Binding] {
    let candidate = RecipeFunction(parameters: [
      .init("x", isWhole: false, in: 0...1), .init("n", isWhole: true, in: 0.5...5),
    ]) { terms, _ in
      let numbers = terms.map { term in if case .number(let number) = term { Float(number) } else { Float.nan } }
      return .artifact(Content(.checkpoint, tensors: [TensorEntry("w", Tensor(numbers, shape: [2]))]))
    }
    let score = RecipeFunction(parameters: []) { terms, context in
      guard context != nil, case .artifact(let model) = terms[0] else { return nil }
      let numbers = try model.tensor("w").doubles
      return .number(1 - (numbers[0] - 0.7) * (numbers[0] - 0.7) - abs(numbers[1] - 3) - 0.1 * numbers[0] * numbers[1])
    }
    var bindings = settings.mapValues { Binding.value($0) }
    bindings["candidate"] = .function(candidate)
    bindings["score"] = .function(score)
    return bindings
  }

  @Test func theGridTriesEveryPlaceOnce() throws {
    let found = try run("search", Self.bindings(["points": .number(11)]))
    #expect(found.facts["tried"] == 55)
    #expect(found.facts["n"]?.number == 3)
    #expect(abs((found.facts["x"]?.number ?? 0) - 0.5) < 1e-12 || abs((found.facts["x"]?.number ?? 0) - 0.6) < 1e-12)
    let rows = try found.tensor("candidates").doubles
    let scores = try found.tensor("scores").doubles
    #expect(rows.count == 110 && scores.count == 55)
    let best = try #require(scores.indices.max { (scores[$0], -$0) < (scores[$1], -$1) })
    #expect(found.facts["score"]?.number == scores[best])
    #expect(found.facts["x"]?.number == rows[2 * best])
  }

  @Test func greedyComesToTheSamePlaceWithFewerModels() throws {
    let whole = try run("search", Self.bindings(["points": .number(11)]))
    let greedy = try run("search", Self.bindings(["points": .number(11), "method": .choice("greedy")]))
    #expect(greedy.facts["x"] == whole.facts["x"] && greedy.facts["n"] == whole.facts["n"])
    #expect((greedy.facts["tried"]?.number ?? 99) < 40)
  }

  @Test func drawsAreTheSeedsAlone() throws {
    func draws(_ seed: Double) throws -> [Double] {
      let settings: [String: Value] = ["method": .choice("random"), "budget": .number(40), "seed": .number(seed)]
      return try run("search", Self.bindings(settings)).tensor("candidates").doubles
    }
    let first = try draws(1)
    #expect(try draws(1) == first)
    #expect(try draws(2) != first)
    let counts = stride(from: 1, to: 80, by: 2).map { first[$0] }
    #expect(Set(counts).isSubset(of: [1, 2, 3, 4, 5]) && Set(counts).count == 5)
  }

  @Test func lowScoresAreFoundToo() throws {
    let found = try run("search", Self.bindings(["aim": .choice("lowest")]))
    #expect(found.facts["x"]?.number == 1 && found.facts["n"]?.number == 5)
  }

  @Test func aGridBeyondTheBudgetIsRefusedBeforehand() throws {
    let error = #expect(throws: OperationError.self) {
      try operation("search", Self.bindings(["budget": .number(10)])).outline()
    }
    #expect(error?.message == "the grid has 55 places, and `budget` is 10 models")
  }
}
