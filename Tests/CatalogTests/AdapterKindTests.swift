import Adapters
import Catalog
import Diagnostics
import Formats
import Operations
import Tensors
import Testing

/// A layer with an adapter, by its paper's formula on an input, against the layer that the adapter was folded into.
@Suite("Folding an adapter gives its forward pass")
struct AdapterKindTests {
  private let outputs = 6
  private let inputs = 4

  private func random(_ name: String, _ shape: Shape) -> Tensor {
    var generator = Generator(seed: 7, stream: name)
    return Tensor((0..<shape.count).map { _ in Float(generator.gaussian()) }, shape: shape)
  }

  private func matrix(_ name: String, _ rows: Int, _ columns: Int) -> DoubleMatrix {
    DoubleMatrix(random(name, [rows, columns]))
  }

  private func column(_ name: String, _ count: Int) -> DoubleMatrix { matrix(name, count, 1) }

  /// Folds an adapter of these parts into one layer, and compares it with a formula of the layer's input, its output and the
  /// parts.
  private func check(
    _ facts: JSON, _ parts: [(String, Shape)],
    formula: (_ x: DoubleMatrix, _ y: DoubleMatrix, _ part: (String) -> DoubleMatrix) throws -> DoubleMatrix
  ) throws {
    let base = Content(
      .checkpoint,
      tensors: [
        TensorEntry("l.weight", random("W", [outputs, inputs])), TensorEntry("l.bias", random("b", [outputs])),
      ], label: "base")
    let tensors = parts.map { TensorEntry("base_model.model.l." + $0.0, random($0.0, $0.1)) }
    let adapter = Content(.adapter, facts: facts, tensors: tensors, label: "adapter")
    let made = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])])
    let x = column("x", inputs)
    func output(_ model: Content) throws -> DoubleMatrix {
      let bias = DoubleMatrix(rows: outputs, columns: 1, try model.tensor("l.bias").doubles)
      return DoubleMatrix(try model.tensor("l.weight")) * x + bias
    }
    let expected = try formula(x, output(base)) { name in
      let shape = parts.first { $0.0 == name }?.1 ?? []
      return DoubleMatrix(rows: shape[0], columns: shape.count / shape[0], random(name, shape).doubles)
    }
    #expect((try output(made) - expected).norm <= 1e-5 * expected.norm)
  }

  @Test("of Hydra's parallel and sequential branches, with all biases") func hydra() throws {
    let r = 2
    try check(
      ["peft_type": "HYDRA", "scale": 0.3],
      [
        ("hydra_parallel_A.weight", [r, inputs]), ("hydra_parallel_A.bias", [r]),
        ("hydra_parallel_B.weight", [outputs, r]), ("hydra_parallel_B.bias", [outputs]),
        ("hydra_sequential_A.weight", [r, outputs]), ("hydra_sequential_A.bias", [r]),
        ("hydra_sequential_B.weight", [outputs, r]), ("hydra_sequential_B.bias", [outputs]),
      ]
    ) { x, y, part in
      func branch(_ name: String, _ input: DoubleMatrix) -> DoubleMatrix {
        let down = part("hydra_\(name)_A.weight") * input + part("hydra_\(name)_A.bias")
        return part("hydra_\(name)_B.weight") * down + part("hydra_\(name)_B.bias")
      }
      return y + 0.3 * branch("parallel", x) + 0.3 * branch("sequential", y)
    }
  }

  @Test("of a diagonal between triangles") func ldu() throws {
    try check(
      ["peft_type": "LDU", "alpha": 6],
      [("ldu_lower", [outputs, 3]), ("ldu_diagonal", [3]), ("ldu_upper", [3, inputs])]
    ) { x, y, part in
      let inner = part("ldu_upper") * x
      let scaled = DoubleMatrix(rows: 3, columns: 1, zip(part("ldu_diagonal").entries, inner.entries).map { $0 * $1 })
      return y + 2 * (part("ldu_lower") * scaled)
    }
  }

  @Test("of a core between factors") func tucker() throws {
    try check(
      ["peft_type": "FLORA", "scale": 4],
      [("flora_core", [2, 3]), ("flora_factor_0", [inputs, 2]), ("flora_factor_1", [outputs, 3])]
    ) { x, y, part in
      // T[i, o] = Σ G[a, b] U₀[i, a] U₁[o, b], applied to x over i.
      var sum = DoubleMatrix(zeros: outputs, 1)
      for (o, i) in (0..<outputs).flatMap({ o in (0..<inputs).map { (o, $0) } }) {
        for (a, b) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
          sum[o, 0] += part("flora_core")[a, b] * part("flora_factor_0")[i, a] * part("flora_factor_1")[o, b] * x[i, 0]
        }
      }
      return y + 4 * sum
    }
  }

  @Test("of a sum of Kronecker products") func kronecker() throws {
    try check(["peft_type": "SOKA", "scale": 0.5], [("soka_u", [2, 3, 2]), ("soka_v", [2, 2, 2])]) { x, y, part in
      let (u, v) = (part("soka_u"), part("soka_v"))
      var sum = DoubleMatrix(zeros: outputs, 1)
      for k in 0..<2 {
        for (row, column) in (0..<outputs).flatMap({ row in (0..<inputs).map { (row, $0) } }) {
          let left = u[k, (row / 2) * 2 + column / 2]
          sum[row, 0] += left * v[k, (row % 2) * 2 + column % 2] * x[column, 0]
        }
      }
      return y + 0.5 * sum
    }
  }

  @Test("of LoHa's products, multiplied entry by entry") func loha() throws {
    let parts: [(String, Shape)] = [
      ("hada_w1_a", [outputs, 2]), ("hada_w1_b", [2, inputs]), ("hada_w2_a", [outputs, 2]), ("hada_w2_b", [2, inputs]),
    ]
    try check(["peft_type": "LOHA", "r": 2, "alpha": 5], parts) { x, y, part in
      let (one, other) = (part("hada_w1_a") * part("hada_w1_b"), part("hada_w2_a") * part("hada_w2_b"))
      let change = DoubleMatrix(rows: outputs, columns: inputs, zip(one.entries, other.entries).map { $0 * $1 })
      return y + 2.5 * (change * x)
    }
  }

  @Test("of IA3's factors, on the output and on the input") func ia3() throws {
    try check(["peft_type": "IA3"], [("ia3_l", [outputs, 1])]) { _, y, part in
      DoubleMatrix(rows: outputs, columns: 1, zip(part("ia3_l").entries, y.entries).map { $0 * $1 })
    }
    let weight = DoubleMatrix(random("W", [outputs, inputs]))
    let bias = DoubleMatrix(rows: outputs, columns: 1, random("b", [outputs]).doubles)
    try check(["peft_type": "IA3"], [("ia3_l", [1, inputs])]) { x, _, part in
      weight * DoubleMatrix(rows: inputs, columns: 1, zip(part("ia3_l").entries, x.entries).map { $0 * $1 }) + bias
    }
  }

  @Test("of factors in the weight's place") func factors() throws {
    let bias = DoubleMatrix(rows: outputs, columns: 1, random("b", [outputs]).doubles)
    try check(["peft_type": "FACTORS"], [("factor_out", [outputs, 2]), ("factor_in", [2, inputs])]) { x, _, part in
      part("factor_out") * (part("factor_in") * x) + bias
    }
  }

  @Test("of a core for a convolution's kernel") func convolution() throws {
    let kernel = Shape([3, 2, 2, 2])
    let base = Content(
      .checkpoint, tensors: [TensorEntry("c.weight", Tensor([Float](repeating: 0, count: 24), shape: kernel))],
      label: "base")
    let parts: [(String, Shape)] = [
      ("flora_core", [2, 3, 2, 1]), ("flora_factor_0", [2, 2]), ("flora_factor_1", [3, 3]), ("flora_factor_2", [2, 2]),
      ("flora_factor_3", [2, 1]),
    ]
    let adapter = Content(
      .adapter, facts: ["peft_type": "FLORA"],
      tensors: parts.map { TensorEntry("base_model.model.c." + $0.0, random($0.0, $0.1)) }, label: "adapter")
    let made = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])]).tensor("c.weight")
    let all = parts.map { random($0.0, $0.1).doubles }
    for o in 0..<3 {
      for i in 0..<2 {
        for (h, w) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          var sum = 0.0
          for a in 0..<2 {
            for b in 0..<3 {
              for c in 0..<2 {
                sum +=
                  all[0][(a * 3 + b) * 2 + c] * all[1][i * 2 + a] * all[2][o * 3 + b] * all[3][h * 2 + c] * all[4][w]
              }
            }
          }
          let found = made.doubles[((o * 2 + i) * 2 + h) * 2 + w]
          #expect(abs(found - sum) < 1e-5)
        }
      }
    }
  }

  @Test("and each kind says what it trains, and turns into a LoRA where it is one") func conversions() throws {
    let base = try Samples(seed: 3).content(.checkpoint, label: "base")
    let bindings: [String: Binding] = ["base": .contents([base]), "rank": .value(.number(2))]
    for (start, trained) in [("ldu", 2 * 2), ("tucker", 2 * 4 + 2 * 17), ("lora_init", 2 * 17)] {
      let adapter = try run(start, bindings)
      let plain = try run("as_lora", ["adapter": .contents([adapter])])
      #expect(plain.facts["peft_type"] == "LORA")
      let report = try run("inspect_lora", ["adapter": .contents([adapter]), "base": .contents([base])])
      let (one, other) = (
        try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])]),
        try run("attach", ["base": .contents([base]), "adapter": .contents([plain])])
      )
      for (mine, their) in zip(one.tensors, other.tensors) {
        let (a, b) = (try mine.load().doubles, try their.load().doubles)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }, "`\(mine.name)` by \(start)")
      }
      #expect(report.facts["parameters"]?.integer == trained)
    }
    let whole = try run("kpsvd", bindings)
    #expect(throws: OperationError.self) { try run("as_lora", ["adapter": .contents([whole])]) }
  }
}
