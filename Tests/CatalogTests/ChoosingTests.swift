import Formats
import Foundation
import GoldenNumbers
import Operations
import Tensors
import Testing

/// Merges that choose among entries, beside arcee's mergekit where it chooses by our random numbers, and of equal entries takes
/// the one of lower index for the larger (`Golden/choosing.py`).
@Suite("Merges that choose among entries have mergekit's numbers for the same choices")
struct ChoosingTests {
  /// mergekit's methods, with the operation and the choices that are the same.
  private static let methods: [String: (operation: String, settings: [String: Value])] = [
    "dare_linear": ("dare", ["consensus": .choice("none")]),
    "dare_ties": ("dare", ["consensus": .choice("mass")]),
    "della": ("della", [:]),
    "della_linear": ("della", ["consensus": .choice("none"), "normalize": .flag(false)]),
    "breadcrumbs": ("breadcrumbs", [:]),
    "breadcrumbs_ties": ("breadcrumbs", ["consensus": .choice("mass")]),
    "ties": ("ties", [:]),
    "sce": ("sce", [:]),
  ]

  private struct Case {
    let json: JSON
    let shapes: [(name: String, shape: Shape)]

    init(_ json: JSON, shapes: JSON) throws {
      self.json = json
      self.shapes = try #require(shapes.object).map { member in
        (member.name, Shape(member.value.array?.compactMap { $0.number.map { Int($0) } } ?? []))
      }
    }

    var method: String { json["method"]?.string ?? "" }
    var dtype: DType { json["dtype"]?.string == "f16" ? .f16 : json["dtype"]?.string == "bf16" ? .bf16 : .f32 }
    var modelCount: Int { json["models"]?.number.map { Int($0) } ?? json["weight"]?.array?.count ?? 0 }

    func numbers(_ key: String) -> [Double]? { json[key]?.array?.compactMap(\.number) }

    /// The base, or what a fine-tuning made of it.
    func model(_ number: Int?) -> Content {
      Content(
        .checkpoint, tensors: shapes.map { TensorEntry($0.name, tensor($0.name, $0.shape, of: number)) },
        label: number.map { "m\($0)" } ?? "base")
    }

    func tensor(_ name: String, _ shape: Shape, of number: Int?) -> Tensor {
      func hashed(_ text: String, size: Double) -> [Float] {
        GoldenNumbers.hashed(text, shape.count).map { number in
          guard let steps = json["steps"]?.number else { return Float(number * size) }
          return Float((number * size * steps).rounded(.toNearestOrEven) / steps)
        }
      }
      var entries = hashed("\(name) base", size: 2)
      if let number { entries = zip(entries, hashed("\(name) \(number)", size: 0.5)).map(+) }
      return Tensor(entries, shape: shape).converted(to: dtype)
    }

    func bindings() throws -> (operation: String, bindings: [String: Binding]) {
      let (operation, settings) = try #require(ChoosingTests.methods[method])
      var bindings = settings.mapValues { Binding.value($0) }
      bindings["base"] = .contents([model(nil)])
      bindings["models"] = .contents((0..<modelCount).map(model))
      for (key, ours) in [("weight", "weights"), ("density", "density"), ("gamma", "gamma")] {
        if let values = numbers(key) { bindings[ours] = .value(.list(values.map(Value.number))) }
      }
      for setting in json["shared"]?.object ?? [] where setting.name != "int8_mask" {
        if setting.name == "rescale", operation != "breadcrumbs" {
          bindings["rescale"] = .value(.choice(setting.value.bool == true ? "l1" : "none"))
          continue
        }
        let value = try setting.value.bool.map(Value.flag) ?? .number(#require(setting.value.number))
        bindings[["lambda": "scale", "select_topk": "density"][setting.name] ?? setting.name] = .value(value)
      }
      return (operation, bindings)
    }
  }

  /// The cases of the file, or of another one that is named in the environment.
  private static func cases() throws -> [Case] {
    let own = try #require(Bundle.module.url(forResource: "Golden/choosing", withExtension: "json"))
    let url = ProcessInfo.processInfo.environment["CHOOSING_GOLDEN"].map { URL(fileURLWithPath: $0) } ?? own
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    return try #require(json["cases"]?.array).map { try Case($0, shapes: json["shapes"] ?? .null) }
  }

  @Test("of float32 within 10⁻⁶, of sixteen bits to the last one")
  func results() throws {
    let cases = try Self.cases()
    #expect(Set(cases.map(\.method)) == Set(Self.methods.keys))
    for golden in cases {
      let (operation, bindings) = try golden.bindings()
      let made = try run(operation, bindings)
      for (name, shape) in golden.shapes {
        let expected = try #require(golden.json["tensors"]?[name]?.array).compactMap(\.number).map(Float.init)
        let base = golden.tensor(name, shape, of: nil).floats
        let found = try made.tensor(name)
        #expect(found.dtype == golden.dtype && found.count == expected.count)
        for (index, (a, b)) in zip(found.floats, expected).enumerated() {
          let bound = golden.dtype == .f32 ? 1e-6 * max(abs(b), abs(base[index])) : 0
          #expect(abs(a - b) <= bound, "\(golden.method), \(golden.dtype) \(name) at \(index): \(a), not \(b)")
        }
      }
    }
  }

  @Test("of DELLA's probabilities, to float32's last bit but one")
  func probabilities() throws {
    let cases = try Self.cases().filter { $0.method.hasPrefix("della") }
    #expect(cases.count >= 4)
    for golden in cases {
      let density = try #require(golden.numbers("density")?.first)
      let epsilon = golden.json["shared"]?["epsilon"]?.number ?? 0.15
      for (name, shape) in golden.shapes {
        let expected = try #require(golden.json["probabilities"]?[name]?.array).compactMap(\.number).map(Float.init)
        let magnitudes = Magnitudes(golden.tensor(name, shape, of: 0), minus: golden.tensor(name, shape, of: nil))
        let found = magnitudes.keepProbabilities(lowest: density - epsilon, highest: density + epsilon)
        #expect(found.count == expected.count)
        for (a, b) in zip(found.floats, expected) { #expect(abs(a - b) <= 2 * b.ulp, "\(a), not \(b)") }
      }
    }
  }
}
