import Diagnostics
import Formats
import Operations
import Tensors
import Testing

/// Paired comparisons beside what is known of them.
@Suite("Comparing measurements")
struct CompareTests {
  /// A classifier's measurement of `count` examples.
  private func metrics(_ hits: [Bool], losses: [Double]? = nil, label: String) -> Content {
    let count = hits.count
    let losses = losses ?? hits.map { $0 ? 0.5 : 1 }
    return Content(
      .metrics,
      tensors: [
        TensorEntry("prediction", Tensor(hits.map { $0 ? 1 : 0 }, shape: [count])),
        TensorEntry("label", Tensor([Int](repeating: 1, count: count), shape: [count])),
        TensorEntry("correct", Tensor(bytes: hits.map { $0 ? 1 : 0 }, dtype: .u8, shape: [count])),
        TensorEntry("loss", Tensor(losses.map { Float($0) }, shape: [count])),
        TensorEntry("confidence", Tensor([Float](repeating: 0.75, count: count), shape: [count])),
      ], label: label)
  }

  private func compare(_ a: Content, _ b: Content, _ settings: [String: Value] = [:]) throws -> JSON {
    let bindings = settings.mapValues { Binding.value($0) }
    return try run("compare", bindings.merging(["of": .contents([a]), "against": .contents([b])]) { $1 }).facts
  }

  private func interval(_ facts: JSON, _ name: String) throws -> (lower: Double, upper: Double) {
    let ends = try #require(facts[name + "_difference_interval"]?.array).compactMap(\.number)
    return (ends[0], ends[1])
  }

  @Test("pairs examples, so that what both get wrong does not matter")
  func pairs() throws {
    // 400 examples; one model is right where the other is, and on 12 more.
    let (less, more) = ((0..<400).map { $0 % 2 == 0 }, (0..<400).map { $0 % 2 == 0 || $0 < 24 })
    let facts = try compare(metrics(more, label: "a"), metrics(less, label: "b"))
    #expect(facts["accuracy_difference"]?.number.map { abs($0 - 0.03) < 1e-12 } == true)
    // The standard error of the mean of 400 differences, 12 of which are 1: √(0.03 · 0.97 / 400) = 0.0085.
    let found = try interval(facts, "accuracy")
    #expect(abs(found.lower - (0.03 - 1.96 * 0.0085)) < 0.004 && abs(found.upper - (0.03 + 1.96 * 0.0085)) < 0.004)
    #expect(facts["accuracy_difference_verdict"] == "better")
    #expect(facts["loss_difference_verdict"] == "better")
    let other = try compare(metrics(less, label: "b"), metrics(more, label: "a"))
    #expect(other["accuracy_difference_verdict"] == "worse" && other["loss_difference_verdict"] == "worse")
    #expect(facts["examples"] == 400)
  }

  @Test("says that a difference is within noise where its interval holds zero")
  func noise() throws {
    // Each is right on ten examples that the other gets wrong, and one more.
    let (a, b) = ((0..<200).map { $0 < 111 }, (0..<200).map { $0 >= 10 && $0 < 120 })
    let facts = try compare(metrics(a, label: "a"), metrics(b, label: "b"), ["report": .list([.choice("accuracy")])])
    #expect(facts["accuracy_difference_verdict"] == "within noise")
    #expect(facts["loss_difference"] == nil)
    let same = try compare(metrics(a, label: "a"), metrics(a, label: "b"))
    #expect(try interval(same, "f1") == (0, 0))
    #expect(same["matthews_difference_verdict"] == "within noise")
  }

  @Test("refuses measurements of other examples, and of other things")
  func refuses() throws {
    func message(_ a: Content, _ b: Content) throws -> String {
      do {
        _ = try compare(a, b)
        return ""
      } catch let error as OperationError { return error.message }
    }
    let (some, fewer) = (metrics([true, false], label: "a"), metrics([true], label: "b"))
    #expect(try message(some, fewer) == "`a` was measured on 2 examples, and `b` on 1")
    var others = some
    others.label = "b"
    others.tensors[1] = TensorEntry("label", Tensor([0, 1], shape: [2]))
    #expect(try message(some, others) == "`a` and `b` were measured on different examples: their `label` differ")
    #expect(
      try message(some, Content(.metrics, facts: ["mean": 1], label: "s")) == "`s` has no scores of single examples")
    let windows = Content(
      .metrics,
      tensors: ["loss", "tokens", "bytes"].map { TensorEntry($0, Tensor([Float(1), 2], shape: [2])) }, label: "w")
    #expect(try message(some, windows) == "`w` has scores of next tokens, and these are of classes")
  }

  @Test("is what evaluate says with `against`")
  func against() throws {
    let samples = Samples(seed: 5)
    let (a, b) = (try samples.content(.checkpoint, label: "a"), try samples.content(.checkpoint, label: "b"))
    let data = try samples.content(.dataset, label: "data")
    func evaluate(_ model: Content, against: Content? = nil) throws -> Content {
      var bindings: [String: Binding] = ["model": .contents([model]), "data": .contents([data])]
      if let against { bindings["against"] = .contents([against]) }
      return try run("evaluate", bindings)
    }
    let (alone, other) = (try evaluate(a), try evaluate(b))
    let both = try evaluate(a, against: other)
    let facts = try compare(alone, other)
    for member in facts.object ?? [] {
      guard let found = both.facts[member.name] else {
        Issue.record("`\(member.name)` is missing")
        continue
      }
      if let number = member.value.number {
        #expect(abs(number - (found.number ?? .nan)) < 1e-6, "`\(member.name)`")
      } else if member.value.string != nil {
        #expect(found == member.value, "`\(member.name)`")
      }
    }
  }
}
