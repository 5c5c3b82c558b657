import Catalog
import Formats
import Foundation
import Operations
import Tensors
import Testing

/// Numbers that arcee's mergekit (commit a6e4028, float32) gives for the same inputs.
@Suite("mergekit's own numbers")
struct GoldenTests {
  struct Case: CustomStringConvertible {
    let json: JSON
    let inputs: JSON

    var method: String { json["method"]?.string ?? "" }
    var description: String { "\(method) \(json["rank"]?.string ?? "") \(json["global"]?.compact ?? "")" }

    func setting(_ name: String) -> JSON? { json["global"]?[name] }

    func weights() throws -> [Value] {
      try models().map { name in
        guard let weight = json["per_model"]?[name]?["weight"]?.number else { throw BrokenTest(reason: "no weight") }
        return .number(weight)
      }
    }

    func models() throws -> [String] { json["models"]?.array?.compactMap(\.string) ?? [] }

    /// An input as a model with one tensor.
    func model(_ name: String) throws -> Content {
      let stored =
        json["rank"]?.string == "1d" ? (name == "base" ? "vbase" : name.replacingOccurrences(of: "m", with: "v")) : name
      guard let tensor = inputs[stored].flatMap(Tensor.init(nested:)) else {
        throw BrokenTest(reason: "no `\(stored)`")
      }
      return Content(
        .checkpoint, tensors: [TensorEntry("x", dtype: .f32, shape: tensor.shape) { tensor }], label: name)
    }

    func check(_ made: Content) throws {
      guard let expected = json["output"].flatMap(Tensor.init(nested:)) else { throw BrokenTest(reason: "no output") }
      let found = try made.tensor("x")
      #expect(found.shape == expected.shape)
      let scale = expected.doubles.map(abs).max() ?? 1
      for (a, b) in zip(found.doubles, expected.doubles) {
        #expect(abs(a - b) <= 1e-6 * scale, "\(self): \(a), not \(b)")
      }
    }
  }

  func cases(_ method: String) throws -> [Case] {
    let url = try #require(Bundle.module.url(forResource: "Golden/mergekit", withExtension: "json"))
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    let cases = try #require(json["cases"]?.array).map { Case(json: $0, inputs: json["inputs"] ?? .null) }
    return cases.filter { $0.method == method }
  }

  @Test("of `linear` are those of `average`")
  func linear() throws {
    let cases = try cases("linear")
    #expect(cases.count == 4)
    for golden in cases {
      let made = try run(
        "average",
        [
          "models": .contents(golden.models().map(golden.model)), "weights": .value(.list(golden.weights())),
          "normalize": .value(.flag(golden.setting("normalize")?.bool ?? true)),
        ])
      try golden.check(made)
    }
  }

  @Test("of `slerp` are those of `slerp`")
  func slerp() throws {
    let cases = try cases("slerp")
    #expect(cases.count == 4)
    for golden in cases {
      let base = try #require(golden.json["base_model"]?.string)
      let other = try #require(golden.models().first { $0 != base })
      let made = try run(
        "slerp",
        [
          "a": .contents([golden.model(base)]), "b": .contents([golden.model(other)]),
          "at": .value(.number(try #require(golden.setting("t")?.number))),
        ])
      try golden.check(made)
    }
  }
}

extension Tensor {
  /// Of lists of numbers, or of lists of those.
  init?(nested json: JSON) {
    guard let rows = json.array else { return nil }
    let numbers = rows.compactMap(\.number)
    if numbers.count == rows.count {
      self.init(numbers.map { Float($0) }, shape: [rows.count])
      return
    }
    let entries = rows.compactMap { $0.array?.compactMap(\.number) }
    guard entries.count == rows.count, let width = entries.first?.count else { return nil }
    self.init(entries.joined().map { Float($0) }, shape: [rows.count, width])
  }
}
