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

  @Test("An adapted module that was saved whole is taken first, and then changed") func wrapped() throws {
    let made = try attach(
      [
        ("m.embed.base_layer.weight", tensor([0, 0, 1, 1, 2, 2], [3, 2])),
        ("m.embed.lora_embedding_A", tensor([1, 0, 2], [1, 3])), ("m.embed.lora_embedding_B", tensor([1, 3], [2, 1])),
        ("m.q.base_layer.bias", tensor([5, 6], [2])),
      ] + factors, ["lora_alpha": 1])
    #expect(made["m.embed.weight"] == [1, 3, 1, 1, 4, 8])
    #expect(made["m.q.bias"] == [5, 6])
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
      ("m.q.lora_A.weight", "but no `lora_B.weight` for `m.q`"), ("m.k.weight", "has no such tensor"),
      ("m.q.lora_C.weight", "not called as PEFT calls"), ("m.norm.weight", "in `base` it is"),
    ])
  func misfits(name: String, message: String) throws {
    let error = #expect(throws: OperationError.self) { try attach([(name, tensor([1, 2], [1, 2]))]) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    #expect(throws: OperationError.self) { try attach(factors, ["peft_type": "IA3"]) }
  }

  @Test("Factors that do not fit each other are named with their shapes") func unequalFactors() throws {
    let error = #expect(throws: OperationError.self) {
      try attach([factors[0], ("m.q.lora_B.weight", tensor([1, 0, 0], [1, 3]))])
    }
    #expect(error?.message == "the tensors of `adapter` for `m.q` do not fit one another")
    #expect(error?.notes.first?.contains("`base_model.model.m.q.lora_B.weight` is 1×3") == true)
  }

  @Test(
    "A field of the configuration that would change what tensors mean is refused by name",
    arguments: [
      ("use_qalora", JSON.bool(true)), ("layer_replication", [[0, 2]]), ("alora_invocation_tokens", [1]),
      ("a_field_of_tomorrow", "on"),
    ] as [(String, JSON)])
  func unsupported(field: String, value: JSON) throws {
    let error = #expect(throws: OperationError.self) { try attach(factors, .object([.init(field, value)])) }
    #expect(error?.message == "`adapter` is set up with `\(field)`, which is not supported")
    // What is off, or only says how it was trained, is harmless.
    let off: JSON = .object([.init(field, .null), .init("lora_dropout", 0.1), .init("layers_to_transform", [3])])
    #expect(throws: Never.self) { try attach(factors, off) }
  }

  @Test("An adapter that belongs to what a start left of a model is not folded into the model") func mutatingStart() {
    let error = #expect(throws: OperationError.self) { try attach(factors, ["init_lora_weights": "pissa_niter_4"]) }
    #expect(error?.message.hasPrefix("`adapter` was begun by `pissa_niter_4`") == true)
  }
}
