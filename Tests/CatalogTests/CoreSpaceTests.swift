import Diagnostics
import Formats
import Foundation
import Operations
import Tensors
import Testing

/// Numbers that the authors' functions (apanariello4/core-space-merging 85176fa, float64) give for three adapters.
@Suite("Core space")
struct CoreSpaceTests {
  private let path = "base_model.model.m.q"

  private func adapter(_ label: String, a: Tensor, b: Tensor, alpha: Double, path: String = "base_model.model.m.q")
    -> Content
  {
    Content(
      .adapter,
      facts: [
        "peft_type": "LORA", "r": .integer(a.shape[0]), "lora_alpha": .number(alpha), "target_modules": ["q"],
        "use_rslora": false,
      ],
      tensors: [TensorEntry(path + ".lora_A.weight", a), TensorEntry(path + ".lora_B.weight", b)], label: label)
  }

  private func golden() throws -> (adapters: [Content], cases: [JSON]) {
    let url = try #require(Bundle.module.url(forResource: "Golden/core_space", withExtension: "json"))
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    let adapters = try #require(json["adapters"]?.array).enumerated().map { index, entry in
      adapter(
        "adapters[\(index)]", a: try #require(entry["A"].flatMap(Tensor.init(nested:))),
        b: try #require(entry["B"].flatMap(Tensor.init(nested:))), alpha: try #require(entry["alpha"]?.number))
    }
    return (adapters, try #require(json["cases"]?.array))
  }

  /// What the merged adapter adds to the weight, folded in by `attach`.
  private func change(_ merged: Content, _ shape: Shape) throws -> [Double] {
    let zeros = Tensor([Float](repeating: 0, count: shape.count), shape: shape)
    let base = Content(.checkpoint, tensors: [TensorEntry("m.q.weight", zeros)], label: "base")
    return try run("attach", ["base": .contents([base]), "adapter": .contents([merged])]).tensor("m.q.weight").doubles
  }

  @Test("has the authors' numbers, as an adapter whose rank is the sum of the ranks")
  func numbers() throws {
    let (adapters, cases) = try golden()
    #expect(cases.count == 6)
    for golden in cases {
      var bindings: [String: Binding] = [
        "adapters": .contents(adapters), "method": .value(.choice(try #require(golden["method"]?.string))),
        "isotropic": .value(.flag(golden["isotropic"] == true)),
      ]
      if let density = golden["density"]?.number { bindings["density"] = .value(.number(density)) }
      let merged = try run("core_space", bindings)
      #expect(merged.facts["r"] == 6 && merged.facts["lora_alpha"] == 6 && merged.facts["target_modules"] == ["q"])
      let expected = try #require(golden["change"].flatMap(Tensor.init(nested:)))
      let largest = expected.doubles.map(abs).max() ?? 0
      for (a, b) in zip(try change(merged, expected.shape), expected.doubles) {
        #expect(abs(a - b) <= 1e-6 * largest, "\(golden["method"]?.string ?? ""): \(a), not \(b)")
      }
    }
  }

  @Test("takes zeros for an adapter that leaves a module alone, and says its rank where it is another")
  func oneSide() throws {
    let (adapters, _) = try golden()
    var other = adapters[1]
    other.tensors +=
      adapter(
        "", a: try adapters[0].tensor(path + ".lora_A.weight"), b: try adapters[0].tensor(path + ".lora_B.weight"),
        alpha: 2, path: "base_model.model.m.k"
      ).tensors
    let merged = try run(
      "core_space", ["adapters": .contents([adapters[0], other]), "method": .value(.choice("average"))])
    #expect(merged.tensors.map(\.name).filter { $0.contains(".k.") }.count == 2)
    #expect(merged.facts["rank_pattern"] == ["m.k": 2] && merged.facts["alpha_pattern"] == ["m.k": 2])
    #expect(merged.facts["r"] == 5)
    let a = DoubleMatrix(try merged.tensor("base_model.model.m.k.lora_A.weight"))
    let b = DoubleMatrix(try merged.tensor("base_model.model.m.k.lora_B.weight"))
    // s is 1.5 / 2, and the other adapter counts as zeros.
    let half =
      0.375
      * (DoubleMatrix(try adapters[0].tensor(path + ".lora_B.weight"))
        * DoubleMatrix(try adapters[0].tensor(path + ".lora_A.weight")))
    for (one, two) in zip((b * a).entries, half.entries) { #expect(abs(one - two) < 1e-6) }
  }

  @Test("refuses what is more than a product, and adapters of other models")
  func refusals() throws {
    let (adapters, _) = try golden()
    var dora = adapters[1]
    dora.tensors.append(TensorEntry(path + ".lora_magnitude_vector", Tensor([1, 1, 1, 1, 1] as [Float], shape: [5])))
    let other = adapter(
      "adapters[1]", a: Tensor([1, 2] as [Float], shape: [1, 2]), b: Tensor([1] as [Float], shape: [1, 1]), alpha: 1)
    for (second, message) in [
      (dora, "`adapters[1]` changes `m.q.weight` by more than a product of two factors"),
      (other, "`m.q.weight` is changed by 5×7 in `adapters[0]`, by 1×2 in `adapters[1]`"),
    ] {
      let step = try operation("core_space", ["adapters": .contents([adapters[0], second])])
      #expect(throws: OperationError.self) { try step.outline() }
      do { _ = try step.outline() } catch let error as OperationError { #expect(error.message == message) }
    }
  }
}
