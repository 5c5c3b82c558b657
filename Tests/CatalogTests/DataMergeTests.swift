import Diagnostics
import Formats
import Foundation
import GoldenNumbers
import Operations
import Tensors
import Testing

/// Merges that need data, of transformers with heads of their own, beside float64 computations by definition (`Golden/merges.py`).
@Suite("Merges by data")
struct DataMergeTests {
  private static let golden: JSON = {
    guard let file = Bundle.module.url(forResource: "merges", withExtension: "json", subdirectory: "Golden"),
      let data = try? Data(contentsOf: file), let json = try? JSON(parsing: Array(data))
    else { return .null }
    return json
  }()

  private static let classes = [3, 3, 2]

  /// Model 1 or 2, or 0, the base of both.
  private func model(_ number: Int) -> Content {
    let (width, classes) = (24, Self.classes[number])
    let body = ExaminationTests.bert(vocabulary: 63, positions: 40, classes: classes)
    let shapes = body + [("bert.pooler.dense.weight", [width, width]), ("bert.pooler.dense.bias", [width])]
    let names = (0..<classes).map { JSON.Member(String($0), .string("LABEL_\($0)")) }
    let config = (Self.golden["config"] ?? .null)
      .setting("architectures", to: ["BertForSequenceClassification"]).setting("id2label", to: .object(names))
    let tensors = shapes.map { name, shape -> TensorEntry in
      let own = number == 0 ? nil : GoldenNumbers.hashed("\(number) \(name)", shape.count).map { Float($0) * 0.5 }
      let entries = GoldenNumbers.hashed(name, shape.count).enumerated().map { index, number -> Float in
        let number = Float(number)
        let entry =
          name.hasSuffix("weight") && shape.rank == 1 ? 1 + 0.5 * number : shape.rank >= 2 ? number * 0.6 : number
        return entry + (own?[index] ?? 0)
      }
      return TensorEntry(name, Tensor(entries, shape: shape))
    }
    let tokenizer = SideFile("tokenizer.json", Array((Self.golden["tokenizer"]?.string ?? "").utf8))
    return Content(.checkpoint, facts: config, tensors: tensors, files: [tokenizer], label: "model \(number)")
  }

  /// Texts without labels, as many as are asked for.
  private func data(_ task: Int, _ count: Int = 4) throws -> Content {
    let texts = (Self.golden["texts"]?.array?[task].array ?? []).compactMap(\.string).prefix(count)
    var content = Content(.dataset, facts: ["rows": .integer(texts.count)], label: "data \(task)")
    content.tensors = TextColumn(Array(texts)).tensors("text.text").map { TensorEntry($0.name, $0.tensor) }
    return content
  }

  private func check(
    _ made: Content, _ name: String, _ tolerance: Double = 2e-5, ignored: (String) -> Bool = { _ in false }
  ) throws {
    let expected = try #require(Self.golden[name]?.object)
    #expect(Set(expected.map(\.name)) == Set(made.tensors.map(\.name)))
    for member in expected where !ignored(member.name) {
      let (norm, product) = (member.value.array?[0].number ?? .nan, member.value.array?[1].number ?? .nan)
      let entries = try made.tensor(member.name).doubles
      let probe = GoldenNumbers.hashed("probe \(member.name)", entries.count)
      let found = entries.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let along = zip(entries, probe).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(found - norm) < tolerance * (1 + norm), "`\(member.name)`: \(found), not \(norm)")
      #expect(abs(along - product) < tolerance * (1 + norm), "`\(member.name)`: \(along), not \(product)")
    }
  }

  private let heads = Binding.value(.list([.text("classifier.*")]))

  @Test("RegMean")
  func regmean() throws {
    let models = [model(1), model(2)]
    let grams = try models.enumerated().map { task, model in
      try run("gram", ["model": .contents([model]), "data": .contents([data(task)])])
    }
    let made = try run("regmean", ["models": .contents(models), "grams": .contents(grams), "keep": heads])
    try check(made, "regmean")
  }

  @Test("RegMean++, through layers that are merged already")
  func regMeanPlusPlus() throws {
    let made = try run(
      "regmean_plus_plus",
      ["models": .contents([model(1), model(2)]), "data": .contents([data(0), data(1)]), "keep": heads])
    try check(made, "regmean_plus_plus")
  }

  @Test("Fisher merging of bodies, with heads of their own")
  func fisherMerge() throws {
    let models = [model(1), model(2)]
    let fishers = try models.enumerated().map { task, model in
      var data = try data(task)
      // Labels are not looked at, but for being there.
      data.facts = data.facts.setting("classes", to: 2).setting("label", to: "label")
      data.tensors.append(TensorEntry("labels", Tensor([0, 1, 0, 1], shape: [4])))
      return try run("fisher", ["model": .contents([model]), "data": .contents([data])])
    }
    let made = try run("fisher_merge", ["models": .contents(models), "fishers": .contents(fishers), "keep": heads])
    // Float32 Fishers near the floor of 10⁻⁶ decide some entries.
    try check(made, "fisher_merge", 5e-4)
  }

  @Test("AdaMerging", arguments: ["task", "tensor"])
  func adaMerging(coefficients: String) throws {
    let made = try run(
      "adamerging",
      [
        "base": .contents([model(0)]), "models": .contents([model(1), model(2)]),
        "data": .contents([data(0, 1), data(1, 1)]), "keep": heads, "steps": .value(.number(6)),
        "batch": .value(.number(1)), "rate": .value(.number(0.05)), "coefficients": .value(.choice(coefficients)),
      ])
    // Attention takes no notice of its keys' biases, so only rounding says where Adam takes their coefficients.
    try check(made, "adamerging_\(coefficients)", 5e-4) { $0.hasSuffix("key.bias") }
  }

  @Test("is never singular, however few the examples")
  func fewExamples() throws {
    let models = [model(1), model(2)]
    for operation in ["regmean", "regmean_plus_plus"] {
      var bindings: [String: Binding] = ["models": .contents(models), "keep": heads]
      if operation == "regmean" {
        bindings["grams"] = .contents(
          try models.enumerated().map { task, model in
            try run("gram", ["model": .contents([model]), "data": .contents([data(task, 1)])])
          })
      } else {
        bindings["data"] = .contents([try data(0, 1), try data(1, 1)])
      }
      for entry in try run(operation, bindings).tensors {
        let largest = try entry.load().doubles.map(abs).max() ?? 0
        #expect(largest < 10, "`\(entry.name)` of `\(operation)` goes up to \(largest)")
      }
    }
  }
}
