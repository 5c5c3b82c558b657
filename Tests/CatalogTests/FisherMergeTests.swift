import Catalog
import Diagnostics
import Operations
import Tensors
import Testing

@Suite("Fisher merges")
struct FisherMergeTests {
  private func content(_ kind: ArtifactKind, _ label: String, _ tensors: [(String, [Float])]) -> Content {
    Content(
      kind,
      tensors: tensors.map { name, entries in
        let tensor = Tensor(entries, shape: [entries.count])
        return TensorEntry(name, dtype: .f32, shape: tensor.shape) { tensor }
      }, label: label)
  }

  private func merge(
    _ models: [[(String, [Float])]], _ fishers: [[(String, [Float])]], _ settings: [String: Value] = [:]
  ) throws -> Content {
    let models = models.enumerated().map { content(.checkpoint, "models[\($0.offset)]", $0.element) }
    let fishers = fishers.enumerated().map { content(.fisher, "fishers[\($0.offset)]", $0.element) }
    let step = try operation(
      "fisher_merge",
      ["models": .contents(models), "fishers": .contents(fishers)].merging(settings.mapValues { .value($0) }) { $1 })
    _ = try step.outline()
    return try step.run(quiet).content
  }

  private let weights = Value.list([.number(0.25), .number(0.75)])

  @Test("are what they are by hand, for each minimum")
  func byHand() throws {
    let models: [[(String, [Float])]] = [[("x", [1, 1])], [("x", [3, 3])]]
    let fishers: [[(String, [Float])]] = [[("x", [3, 0])], [("x", [0, 8])]]
    func merged(_ minimum: String, normalize: Bool = true) throws -> [Float] {
      try merge(
        models, fishers,
        [
          "weights": weights, "minimum": .choice(minimum), "epsilon": .number(1), "normalize": .flag(normalize),
        ]
      ).tensor("x").floats
    }
    // ‖F₁‖ = 3, ‖F₂‖ = 8, so λ = (1/12, 3/32).
    let (l1, l2) = (1.0 / 12, 3.0 / 32)
    #expect(try merged("target_floor") == [1, Float((l1 * 1 + l2 * 8 * 3) / (l1 * 1 + l2 * 8))])
    #expect(try merged("floor")[0] == Float((l1 * 3 + l2 * 1 * 3) / (l1 * 3 + l2 * 1)))
    // λ = (0.25/(3 + 1), 0.75/(8 + 1)), f = (3 + 1, 0 + 1).
    let (m1, m2) = (0.25 / 4, 0.75 / 9)
    #expect(try merged("add")[0] == Float((m1 * 4 + m2 * 1 * 3) / (m1 * 4 + m2 * 1)))
    #expect(try merged("floor", normalize: false)[0] == Float((0.25 * 3 + 0.75 * 1 * 3) / (0.25 * 3 + 0.75 * 1)))
  }

  @Test("keep the first model's entry where no model counts")
  func nothingCounts() throws {
    let made = try merge(
      [[("x", [1, 2])], [("x", [3, 4])]], [[("x", [1, 1])], [("x", [0, 2])]],
      ["weights": .list([.number(0), .number(1)])])
    #expect(try made.tensor("x").floats == [1, 4])
  }

  @Test("leave tensors without a Fisher to the first model, whatever shape others have")
  func heads() throws {
    let models: [[(String, [Float])]] = [
      [("body", [1, 1]), ("head", [7, 8, 9])], [("body", [3, 3]), ("head", [0])],
    ]
    let made = try merge(models, [[("body", [1, 1]), ("head", [1, 1, 1])], [("body", [1, 1])]])
    #expect(try made.tensor("body").floats == [2, 2])
    #expect(try made.tensor("head").floats == [7, 8, 9])
  }

  @Test("say what does not fit")
  func misfits() throws {
    let models: [[(String, [Float])]] = [[("x", [1, 2])], [("x", [3, 4])]]
    func message(_ fishers: [[(String, [Float])]], _ settings: [String: Value] = [:]) -> String? {
      #expect(throws: OperationError.self) { try merge(models, fishers, settings).tensor("x") }?.message
    }
    #expect(message([[("x", [1, 2])]]) == "`fisher_merge` has 2 models and 1 Fisher")
    #expect(message([[("x", [1, 2])], [("x", [1])]]) == "`x` is 2 in `models[0]`, 1 in `fishers[1]`")
    #expect(
      message([[("x", [1, 2])], [("y", [1, 2])]])
        == "no tensor of `models[0]` has an estimate in every one of `fishers`")
    let fishers: [[(String, [Float])]] = [[("x", [1, 2])], [("x", [0, 0])]]
    #expect(message(fishers) == "`fishers[1]` is zero everywhere, so it cannot be divided by its norm")
    #expect(message(fishers, ["weights": .list([.number(1)])]) == "`fisher_merge` has 2 models and 1 weight")
    #expect(
      message(fishers, ["weights": .list([.number(0), .number(0)])])
        == "the weights of `fisher_merge` are all 0, so no model would count")
  }
}
