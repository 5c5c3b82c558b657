import Catalog
import Diagnostics
import Foundation
import Networks
import Operations
import Tensors
import Testing

/// A small story on real data: two models, each of which knows half of the digits well, and what becomes of them
/// together.
@Suite("Handwritten digits")
struct DigitsTests {
  private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Recipes/data/digits.csv").standardizedFileURL.path

  private func digits(_ settings: [String: Value] = [:]) throws -> Content {
    let settings = settings.merging(["path": .text(Self.path), "label": .text("digit"), "scale": .number(16)]) {
      _, new in new
    }
    var content = try run("dataset", settings.mapValues { .value($0) })
    content.label = "data"
    return content
  }

  private func classifier(seed: Double) throws -> Content {
    var content = try run(
      "classifier",
      ["sizes": .value(.list([.number(64), .number(64), .number(10)])), "seed": .value(.number(seed))])
    content.label = "base"
    return content
  }

  private func finetune(_ base: Content, _ data: Content, _ settings: [String: Value]) throws -> Content {
    try run(
      "finetune",
      ["base": .contents([base]), "data": .contents([data])].merging(settings.mapValues { .value($0) }) { _, new in new
      })
  }

  private func evaluate(_ model: Content, _ data: Content) throws -> Content {
    try run("evaluate", ["model": .contents([model]), "data": .contents([data]), "resamples": .value(.number(200))])
  }

  private func accuracy(_ model: Content, _ data: Content) throws -> Double {
    let facts = try evaluate(model, data).facts
    return try #require(facts["accuracy"]?.number)
  }

  @Test("are learnt by both optimizers and all schedules, the same each time")
  func training() throws {
    let (data, heldOut) = (try digits(), try digits(["split": .choice("validation")]))
    let base = try classifier(seed: 1)
    #expect(try accuracy(base, heldOut) < 0.4)
    let settings: [[String: Value]] = [
      ["epochs": .number(12)],
      ["steps": .number(600), "optimizer": .choice("sgd"), "rate": .number(0.1), "schedule": .choice("linear")],
      [
        "steps": .number(600), "batch": .number(16), "rate": .number(0.003), "warmup": .number(0.1),
        "schedule": .choice("cosine"),
      ],
    ]
    for settings in settings {
      let model = try finetune(base, data, settings)
      #expect(try accuracy(model, heldOut) > 0.93, "\(settings)")
      let again = try finetune(base, data, settings)
      for tensor in model.tensors {
        let isSame = try again.tensor(tensor.name).hasSameBytes(as: tensor.load())
        #expect(isSame)
      }
    }
  }

  @Test("are told apart better by a Fisher merge of two halves than by the plain average")
  func fisherMerge() throws {
    let base = try finetune(classifier(seed: 1), digits(), ["epochs": .number(1)])
    let halves = [[0, 1, 2, 3, 4, 5], [4, 5, 6, 7, 8, 9]].map { $0.map { Value.number($0) } }
    let data = try halves.map { try digits(["filter": .text("digit"), "among": .list($0)]) }
    let models = try data.map { try finetune(base, $0, ["epochs": .number(10)]) }
    let fishers = try zip(models, data).map { try run("fisher", ["model": .contents([$0]), "data": .contents([$1])]) }
    let (validation, test) = (try digits(["split": .choice("validation")]), try digits(["split": .choice("test")]))

    let plain = try run(
      "fisher_search", ["models": .contents(models), "data": .contents([validation])])
    let found = try run(
      "fisher_search", ["models": .contents(models), "fishers": .contents(fishers), "data": .contents([validation])])
    #expect(try found.tensor("candidates").shape == [51, 2])
    #expect(try found.tensor("candidates").doubles.prefix(4) == [1, 0, 0.98, 0.02])
    let best = try #require(found.facts["accuracy"]?.number)
    let plainBest = try #require(plain.facts["accuracy"]?.number)
    #expect(best >= plainBest)

    let weights = try #require(found.facts["weights"]?.array).map { Value.number($0.number ?? 0) }
    let merged = try run(
      "fisher_merge",
      ["models": .contents(models), "fishers": .contents(fishers), "weights": .value(.list(weights))])
    #expect(try accuracy(merged, validation) == best)
    for model in models { #expect(try accuracy(merged, test) > accuracy(model, test) + 0.1) }
  }

  @Test("are measured with intervals, and only as asked")
  func measuring() throws {
    let data = try digits(["split": .choice("test")])
    let base = try classifier(seed: 3)
    let all = try evaluate(base, data).facts
    #expect(
      all.object?.map(\.name) == [
        "accuracy", "accuracy_interval", "f1", "matthews", "loss", "loss_interval", "calibration_error", "examples",
      ])
    let interval = try #require(all["accuracy_interval"]?.array)
    let accuracy = try #require(all["accuracy"]?.number)
    #expect(interval.count == 2)
    #expect(try #require(interval.first?.number) < accuracy)
    #expect(try #require(interval.last?.number) > accuracy)
    let one = try run(
      "evaluate",
      [
        "model": .contents([base]), "data": .contents([data]), "report": .value(.list([.choice("loss")])),
        "resamples": .value(.number(200)),
      ]
    ).facts
    #expect(one.object?.map(\.name) == ["loss", "loss_interval", "examples"])
    #expect(one["loss_interval"] == all["loss_interval"])
  }

  @Test("of another size are refused when the step is planned")
  func misfits() throws {
    let base = try run("classifier", ["sizes": .value(.list([.number(63), .number(10)]))])
    var data = try digits()
    data.label = "data"
    func message(_ base: Content, _ data: Content) throws -> String? {
      var base = base
      base.label = "base"
      let step = try operation("finetune", ["base": .contents([base]), "data": .contents([data])])
      return #expect(throws: OperationError.self) { try step.outline() }?.message
    }
    #expect(try message(base, data) == "`data` has 64 features, and `base` takes 63")
    let nine = try run("classifier", ["sizes": .value(.list([.number(64), .number(9)]))])
    #expect(try message(nine, data) == "`data` has 10 classes, and `base` tells 9 apart")
    var other = base
    other.facts = ["model_type": "mamba"]
    #expect(try message(other, data) == "`base` is a `mamba`, and networks like that cannot be run")
    other.facts = MultilayerPerceptron.config(sizes: [63, 12, 10])
    #expect(try message(other, data) == "`layers.0.weight` of `base` is 10×63, and its configuration asks for 12×63")
    let unlabelled = try run("dataset", ["path": .value(.text(Self.path))])
    var renamed = unlabelled
    renamed.label = "data"
    #expect(try message(nine, renamed) == "`data` has no labels")
  }
}
