import Formats
import Foundation
import Operations
import Tensors
import Testing

/// Numbers that FusionBench (commit 54c9e8c, float32) gives for the same task vectors.
struct FusionBenchCase {
  let json: JSON
  private let inputs: JSON

  /// The cases of a method.
  static func all(_ method: String) throws -> [FusionBenchCase] {
    let url = try #require(Bundle.module.url(forResource: "Golden/fusionbench", withExtension: "json"))
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    let cases = try #require(json["cases"]?.array).map { FusionBenchCase(json: $0, inputs: json["inputs"] ?? .null) }
    // Some names say more behind the method's.
    return cases.filter { $0.json["method"]?.string?.split(separator: "(").first.map(String.init) == method }
  }

  /// An input as a model with the tensors `w` and `b`; a task vector is a model beside a base of zeros.
  func model(_ name: String) throws -> Content {
    Content(
      .checkpoint,
      tensors: try ["b", "w"].map { tensor in
        let values = try #require(inputs[name]?[tensor].flatMap(Tensor.init(nested:)))
        return TensorEntry(tensor, values)
      }, label: name)
  }

  func models() throws -> [Content] { try (0..<3).map { try model("tv\($0)") } }

  /// The models that the task vectors make of a base.
  func models(addedTo base: String) throws -> [Content] {
    let base = try model(base)
    return try models().map { vector in
      var model = vector
      model.tensors = try vector.tensors.map { entry in
        TensorEntry(entry.name, try entry.load() + base.tensor(entry.name))
      }
      return model
    }
  }

  /// The entries that came out, `b` before `w`.
  func merged() throws -> [Double] {
    try ["b", "w"].flatMap { key in
      try #require(json["merged_task_vector"]?[key].flatMap(Tensor.init(nested:))).doubles
    }
  }

  /// A base of zeros, beside which task vectors are models.
  func zeros() throws -> Content {
    var base = try model("base")
    base.tensors = base.tensors.map { entry in
      TensorEntry(entry.name, Tensor([Float](repeating: 0, count: entry.shape.count), shape: entry.shape))
    }
    return base
  }

  /// Compares what was made with the merged task vector, or the merged model.
  func check(_ made: Content, within tolerance: Double = 1e-6) throws {
    for name in ["b", "w"] {
      guard let expected = json["merged_task_vector"]?[name].flatMap(Tensor.init(nested:)) else { continue }
      let found = try made.tensor(name)
      let scale = expected.doubles.map(abs).max() ?? 1
      for (a, b) in zip(found.doubles, expected.doubles) {
        #expect(abs(a - b) <= tolerance * scale, "\(json["method"]?.string ?? ""): `\(name)` is \(a), not \(b)")
      }
    }
  }
}

@Suite("FusionBench's own numbers")
struct GoldenFusionBenchTests {
  @Test("of EMR's vector and factors are those of `emr`") func emr() throws {
    let unified = try #require(try FusionBenchCase.all("emr_unified").first)
    let factors = try #require(
      try FusionBenchCase.all("emr_rescalers").first?.json["merged_task_vector"]?["r"]?.array?.compactMap(\.number))
    for (task, factor) in factors.enumerated() {
      let models = try unified.models()
      let made = try run(
        "emr",
        [
          "models": .contents(models), "base": .contents([unified.zeros()]), "task": .value(.number(Double(task + 1))),
        ])
      for name in ["b", "w"] {
        let shared = try #require(unified.json["merged_task_vector"]?[name].flatMap(Tensor.init(nested:))).doubles
        let own = try models[task].tensor(name).doubles
        let expected = zip(own, shared).map { $0 * $1 > 0 ? factor * $1 : 0 }
        for (a, b) in zip(try made.tensor(name).doubles, expected) { #expect(abs(a - b) <= 2e-6) }
      }
    }
  }

  @Test(
    "of Iso-C, TSV-M and WUDI are those of `iso_c`, `tsv_m` and `wudi`",
    arguments: [
      ("iso_c", "iso_c", 1), ("tsvm", "tsv_m", 1), ("iso_cts", "iso_cts", 2), ("wudi", "wudi", 1),
    ]) func spectral(method: String, name: String, count: Int) throws
  {
    let cases = try FusionBenchCase.all(method)
    #expect(cases.count == count)
    for golden in cases {
      var bindings: [String: Binding] = [
        "models": .contents(try golden.models()), "base": .contents([try golden.zeros()]),
      ]
      let parameters = golden.json["params"]
      if let common = parameters?["common_space_fraction"]?.number { bindings["common"] = .value(.number(common)) }
      if let steps = parameters?["iter_num"]?.number { bindings["steps"] = .value(.number(steps)) }
      // FusionBench works in float32. Two cases show it: WUDI's Adam, which in float32 gives its numbers to 10⁻⁹, and Iso-CTS
      // at 0.4, whose singular values are equal by definition and differ by 9 · 10⁻⁷ in what it gives. In float64 they come
      // out 1.05 and 1.14 · 10⁻⁶ away.
      let isFloat32 = method == "wudi" || parameters?["common_space_fraction"]?.number == 0.4
      try golden.check(run(name, bindings), within: isFloat32 ? 1.2e-6 : 1e-6)
    }
  }

  @Test(
    "of TIES are those of the step of `knots` that merges blocks", arguments: [(20.0, 0.2), (50, 0.5), (0.3, 0.3)])
  func ties(threshold: Double, density: Double) throws {
    let golden = try #require(
      try FusionBenchCase.all("ties").first {
        $0.json["params"]?["threshold"]?.number == threshold && $0.json["params"]?["merge_func"]?.string == "mean"
      })
    let blocks = try golden.models().map { model in
      DoubleMatrix(rows: 1, columns: 37, try model.tensor("b").doubles + model.tensor("w").doubles)
    }
    let expected = try #require(golden.json["merged_task_vector"]?["flat"].flatMap(Tensor.init(nested:))).doubles
    let found = DoubleMatrix.ties(blocks, keeping: density).entries
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-7) }
  }
}
