import Diagnostics
import Formats
import Operations
import Tensors
import Testing

@Suite("Attached adapters")
struct AttachTests {
  private func tensor(_ entries: [Float], _ shape: Shape) -> Tensor { Tensor(entries, shape: shape) }

  private let model = Content(
    .checkpoint,
    tensors: [
      TensorEntry("m.q.weight", Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])),
      TensorEntry("m.q.bias", Tensor([1, -1] as [Float], shape: [2])),
      TensorEntry("m.embed.weight", Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])),
      TensorEntry("m.norm.weight", Tensor([7] as [Float], shape: [1])),
    ], label: "base")

  private func attach(
    _ tensors: [(String, Tensor)], _ config: JSON = .object([]), weight: Double = 1
  ) throws -> [String: [Float]] {
    let members = (config.object ?? []) + (config["peft_type"] == nil ? [JSON.Member("peft_type", "LORA")] : [])
    let adapter = Content(
      .adapter, facts: .object(members),
      tensors: tensors.map { TensorEntry("base_model.model." + $0.0, $0.1) }, label: "adapter")
    let bindings: [String: Binding] = [
      "base": .contents([model]), "adapter": .contents([adapter]), "weight": .value(.number(weight)),
    ]
    _ = try operation("attach", bindings).outline()
    let made = try run("attach", bindings)
    return Dictionary(uniqueKeysWithValues: try made.tensors.map { ($0.name, try $0.load().floats) })
  }

  private var factors: [(String, Tensor)] {
    [
      ("m.q.lora_A.weight", tensor([1, 0, 2, 0, 1, 0], [2, 3])), ("m.q.lora_B.weight", tensor([1, 0, 0, 2], [2, 2])),
    ]
  }

  @Test("A weight becomes W + s B A, s from the configuration") func plain() throws {
    // B A = [[1, 0, 2], [0, 2, 0]].
    let made = try attach(factors, ["lora_alpha": 4])
    #expect(made["m.q.weight"] == [3, 2, 7, 4, 9, 6])
    #expect(made["m.q.bias"] == [1, -1] && made["m.norm.weight"] == [7])
    #expect(try attach(factors, ["lora_alpha": 4], weight: 0.5)["m.q.weight"] == [2, 2, 5, 4, 7, 6])
    #expect(try attach(factors)["m.q.weight"] == [5, 2, 11, 4, 13, 6])
    let root = Float(4 / 2.0.squareRoot())
    let stabilised = try #require(try attach(factors, ["lora_alpha": 4, "use_rslora": true])["m.q.weight"])
    #expect(abs(stabilised[0] - (1 + root)) < 1e-6)
  }

  @Test("The first pattern that ends the path decides alpha") func patterns() throws {
    let config: JSON = ["lora_alpha": 2, "alpha_pattern": ["x": 100, "q": 6, "m.q": 8]]
    #expect(try attach(factors, config)["m.q.weight"] == [4, 2, 9, 4, 11, 6])
    let regex: JSON = ["lora_alpha": 2, "alpha_pattern": ["[a-q]": 4]]
    #expect(try attach(factors, regex)["m.q.weight"] == [3, 2, 7, 4, 9, 6])
  }

  @Test("Embeddings are transposed, biases are added to, whole modules take the place") func others() throws {
    let made = try attach(
      [
        ("m.embed.lora_embedding_A", tensor([1, 0, 2], [1, 3])), ("m.embed.lora_embedding_B", tensor([1, 3], [2, 1])),
        ("m.norm.weight", tensor([9], [1])),
      ], ["lora_alpha": 1])
    // (B A)ᵀ = [[1, 3], [0, 0], [2, 6]].
    #expect(made["m.embed.weight"] == [2, 5, 3, 4, 7, 12])
    #expect(made["m.norm.weight"] == [9])
    let shifted = try attach(factors + [("m.q.lora_B.bias", tensor([1, 2], [2]))], ["lora_alpha": 4])
    #expect(shifted["m.q.bias"] == [3, 3])
  }

  @Test("DoRA's magnitudes are the lengths of the outputs") func magnitudes() throws {
    let made = try #require(
      try attach(factors + [("m.q.lora_magnitude_vector", tensor([2, 5], [2]))], ["lora_alpha": 4])["m.q.weight"])
    for (row, length) in [(0, Float(2)), (1, 5)] {
      let entries = made[row * 3..<row * 3 + 3]
      #expect(abs(entries.reduce(0) { $0 + $1 * $1 }.squareRoot() - length) < 1e-5)
    }
    #expect(abs(made[0] / made[2] - 3 / 7) < 1e-6)
  }

  @Test(
    "What does not fit is refused before anything is computed",
    arguments: [
      ("m.q.lora_A.weight", "has no second factor that fits it"), ("m.k.weight", "has no such tensor"),
      ("m.q.lora_C.weight", "not called as PEFT calls"), ("m.norm.weight", "in `base` it is"),
    ])
  func misfits(name: String, message: String) throws {
    let error = #expect(throws: OperationError.self) { try attach([(name, tensor([1, 2], [1, 2]))]) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    #expect(throws: OperationError.self) { try attach(factors, ["peft_type": "IA3"]) }
  }
}
