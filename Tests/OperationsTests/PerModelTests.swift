import Diagnostics
import Testing

@testable import Operations

@Suite("Settings that may differ from model to model")
struct PerModelTests {
  private let tensor = TensorName("x")
  private let models = [Checkpoint(Content(.checkpoint)), Checkpoint(Content(.checkpoint))]

  @Test("One value is every model's")
  func one() throws {
    let density: PerModel<Layered<Fraction>> = 0.2
    #expect(density.values(for: 3).map { $0(tensor).share } == [0.2, 0.2, 0.2])
    try density.checkCount(as: models, "density", of: "ties")
  }

  @Test("A list has one for each, each of which may change with depth")
  func each() throws {
    let density = PerModel<Layered<Fraction>>(.list([.number(0.5), .gradient([.number(0), .number(1)])]))
    let last = TensorName("layers.3.weight", role: .layer(3), depth: 1)
    #expect(density.values(for: 2).map { $0(last).share } == [0.5, 1])
    try density.checkCount(as: models, "density", of: "ties")
    let error = #expect(throws: OperationError.self) {
      try density.checkCount(as: models + models, "density", of: "ties")
    }
    #expect(error?.message == "`ties` has 4 models and 2 of `density`")
  }

  @Test("Its type says that it takes both")
  func type() {
    #expect(PerModel<Layered<Fraction>>.type == .perModel(.layered(.fraction)))
    #expect(PerModel<Layered<Fraction>>.type.name == "fraction or [fraction]")
  }
}
