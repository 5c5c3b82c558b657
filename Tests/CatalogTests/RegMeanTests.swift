import Formats
import Networks
import Operations
import Tensors
import Testing

/// RegMean beside its definition: least squares over the inputs themselves.
struct RegMeanTests {
  private func classifier(seed: Int) throws -> Content {
    try run(
      "classifier",
      ["sizes": .value(.list([.number(6), .number(5), .number(3)])), "seed": .value(.number(Double(seed)))])
  }

  private func data(seed: Int) -> (content: Content, rows: [[Double]]) {
    var generator = Generator(seed: seed, stream: "regmean")
    let entries = (0..<240).map { _ in Float(generator.gaussian() * (1 + Double(seed))) }
    let features = Tensor(entries, shape: [40, 6])
    let labels = Tensor((0..<40).map { $0 % 3 }, shape: [40])
    let content = Content(
      .dataset, facts: ["rows": 40, "features": 6, "classes": 3],
      tensors: [TensorEntry("features", features), TensorEntry("labels", labels)], label: "data")
    return (content, (0..<40).map { row in (0..<6).map { Double(entries[row * 6 + $0]) } })
  }

  @Test("makes the outputs of each model on its own inputs change least")
  func leastSquares() throws {
    let models = [try classifier(seed: 1), try classifier(seed: 2)]
    let (first, second) = (data(seed: 0), data(seed: 1))
    let grams = try zip(models, [first, second]).map { model, data in
      try run("gram", ["model": .contents([model]), "data": .contents([data.content])])
    }
    let merged = try run(
      "regmean",
      [
        "models": .contents(models), "grams": .contents(grams), "diagonal": .value(.number(1)),
        "ridge": .value(.number(0)),
      ])
    let name = "layers.0.weight"
    let weights = try models.map { DoubleMatrix(try $0.tensor(name)) }
    // At the least, the gradient Σ (W − Wₖ) Xₖᵀ Xₖ is zero.
    let found = DoubleMatrix(try merged.tensor(name))
    var slope = DoubleMatrix(zeros: 5, 6)
    for (weight, rows) in zip(weights, [first.rows, second.rows]) {
      let x = DoubleMatrix(rows: 40, columns: 6, rows.flatMap { $0 })
      slope = slope + (found - weight) * DoubleMatrix.product(transposed: x, x)
    }
    #expect(slope.entries.allSatisfy { abs($0) < 1e-3 })
    let average = try run("average", ["models": .contents(models)])
    #expect(try merged.tensor("layers.0.bias").floats == average.tensor("layers.0.bias").floats)
    #expect(try merged.tensor(name).floats != average.tensor(name).floats)
  }

  @Test("without anything off the diagonal weighs each input by how strong it is")
  func diagonal() throws {
    let models = [try classifier(seed: 1), try classifier(seed: 2)]
    let grams = try [data(seed: 0), data(seed: 1)].enumerated().map { index, data in
      try run("gram", ["model": .contents([models[index]]), "data": .contents([data.content])])
    }
    let merged = try run(
      "regmean", ["models": .contents(models), "grams": .contents(grams), "diagonal": .value(.number(0))])
    let (a, b) = (try grams[0].tensor("layers.0.weight").floats, try grams[1].tensor("layers.0.weight").floats)
    let (u, v) = (try models[0].tensor("layers.0.weight").floats, try models[1].tensor("layers.0.weight").floats)
    let found = try merged.tensor("layers.0.weight").floats
    for row in 0..<5 {
      for column in 0..<6 {
        let (p, q) = (a[column * 7], b[column * 7])
        let wanted = (p * u[row * 6 + column] + q * v[row * 6 + column]) / (p + q)
        #expect(abs(found[row * 6 + column] - wanted) < 1e-5)
      }
    }
  }
}
