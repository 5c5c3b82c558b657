import Formats
import Foundation
import Operations
import Tensors
import Testing

/// Numbers of the paper's formulas in float64 (numpy, 2026-11), for three task vectors: the authors' own functions give the same
/// to 10⁻⁹ where they have the case. Their λ is left out.
@Suite("Parameter competition balancing")
struct PcbTests {
  @Test("has the numbers of the authors' three formulas")
  func golden() throws {
    let url = try #require(Bundle.module.url(forResource: "Golden/pcb", withExtension: "json"))
    let json = try JSON(parsing: [UInt8](Data(contentsOf: url)))
    func model(_ values: JSON, label: String) throws -> Content {
      Content(
        .checkpoint,
        tensors: try ["b", "w"].map { TensorEntry($0, try #require(values[$0].flatMap(Tensor.init(nested:)))) },
        label: label)
    }
    let models = try #require(json["vectors"]?.array).enumerated().map { try model($1, label: "models[\($0)]") }
    var base = models[0]
    base.tensors = base.tensors.map { TensorEntry($0.name, Tensor($0.shape.zeros, shape: $0.shape)) }
    let cases = try #require(json["cases"]?.array)
    #expect(cases.count == 5)
    for golden in cases {
      let made = try run(
        "pcb",
        [
          "base": .contents([base]), "models": .contents(models), "scale": .value(.number(1)),
          "rivalry": .value(.choice(try #require(golden["rivalry"]?.string))),
          "density": .value(.number(try #require(golden["density"]?.number))),
          "outliers": .value(.number(try #require(golden["outliers"]?.number))),
        ])
      let expected = try model(golden, label: "expected")
      for name in ["b", "w"] {
        let entries = try expected.tensor(name).doubles
        let largest = entries.map(abs).max() ?? 0
        for (a, b) in zip(try made.tensor(name).doubles, entries) {
          #expect(abs(a - b) <= 1e-6 * largest, "\(golden["rivalry"]?.string ?? "") \(name): \(a), not \(b)")
        }
      }
    }
  }
}

extension Shape {
  fileprivate var zeros: [Float] { [Float](repeating: 0, count: count) }
}
