import Formats
import Foundation
import Operations
import Tensors
import Testing

/// What a reference implementation gave for some inputs.
struct GoldenCase: CustomStringConvertible {
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
    let is1D = json["rank"]?.string == "1d"
    let stored = is1D ? (name == "base" ? "vbase" : name.replacing("m", with: "v")) : name
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

  /// The cases of a method in the file of arcee's mergekit.
  static func all(_ method: String) throws -> [GoldenCase] {
    let url = try #require(Bundle.module.url(forResource: "Golden/mergekit", withExtension: "json"))
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    let cases = try #require(json["cases"]?.array).map { GoldenCase(json: $0, inputs: json["inputs"] ?? .null) }
    return cases.filter { $0.method == method }
  }
}

extension Tensor {
  /// Of lists of numbers, or of lists of those, to any depth.
  init?(nested json: JSON) {
    var axes: [Int] = []
    var level: JSON? = json
    while let list = level?.array {
      axes.append(list.count)
      level = list.first
    }
    let entries = Self.numbers(json)
    guard !axes.isEmpty, entries.count == axes.reduce(1, *) else { return nil }
    self.init(entries.map { Float($0) }, shape: Shape(axes))
  }

  private static func numbers(_ json: JSON) -> [Double] {
    json.array?.flatMap(numbers) ?? json.number.map { [$0] } ?? []
  }
}
