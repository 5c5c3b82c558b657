import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// Any adapter of low rank as a LoRA, which everything reads.
struct AsLora: RecipeOperation {
  static let about = About(
    "as_lora",
    "Turn an adapter of another kind into a LoRA that does the same.",
    discussion: """
      LDU becomes B = L diag(z), A = U; Tucker B = U_out Gᵀ, A = U_inᵀ; Poly its mixed factors; Hydra's sequential branch \
      needs the model, B = [Bₚ, Bₛ], A = [Aₚ; Aₛ W], and its biases become that of B. The scale lies in B. Kinds that \
      scale weights or have full rank are refused: `extract_lora` makes the nearest one of those.
      """,
    papers: [.init("Kim et al. 2023, Hydra", arXiv: "2309.06922")],
    cost: "O(rank × (inputs + outputs)) for each layer, and O(rank × entries) where the model is needed",
    examples: [
      Example("An LDU adapter", "as_lora(ldu(base, rank: 4))"),
      Example("With its model", "as_lora(tucker(base, rank: 3), base:)"),
    ])

  @Input("The adapter.")
  var adapter: Adapter
  @Input("The model, for kinds that look at a layer's output.")
  var base: Checkpoint?

  func memory() -> Int {
    let largest = base?.content.tensors.map(\.shape.count).max() ?? 0
    return (16 << 20) + adapter.content.byteCount * 4 + largest * 24
  }

  func outline() throws -> Content? {
    try check(AdapterReading(adapter.content))
    return nil
  }

  func run(_ context: Context) throws -> Adapter {
    let reading = try AdapterReading(adapter.content)
    try check(reading)
    let made = try context.map(reading.layers.map { $0 }) { path, layer in
      (path, try factors(layer, at: path, reading), try bias(layer, at: path, reading))
    }
    let biased = made.contains { $0.2 != nil }
    let fields = LoRA.fields(
      ranks: made.map { ($0.0, $0.1.a.rows) }, isTransposed: reading.isTransposed
    ) { Double($0) }
    var result = NewAdapter(
      LoRA.self, for: base?.content, fields: fields + (biased ? [.init("lora_bias", true)] : []))
    for (path, factors, bias) in made {
      result.add(factors: factors, of: path, isEmbedding: reading.isEmbedding(path))
      guard biased else { continue }
      let zeros = DoubleMatrix(zeros: factors.b.rows, 1)
      result.add("lora_B.bias", of: path, TensorEntry("b", Tensor(bias ?? zeros).reshaped([factors.b.rows])))
    }
    return Adapter(result.content)
  }

  private func check(_ reading: AdapterReading) throws {
    for (path, layer) in reading.layers {
      let isScaled =
        layer.inputFactors != nil || layer.outputFactors != nil || layer.lengths != nil || !layer.keepsWeight
        || layer.onInput == nil && layer.onOutput == nil
      guard !isScaled, reading.whole.isEmpty else { return try reading.checkAdds("as_lora") }
      guard layer.onOutput == nil || base != nil else {
        throw OperationError(
          .step, "`\(adapter.label)` looks at the output of `\(path)`, so `as_lora` needs the model",
          helps: ["`as_lora(adapter, base:)` gives it"])
      }
    }
  }

  private func factors(
    _ layer: AdaptedLayer, at path: String, _ reading: AdapterReading
  ) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    var found: [(b: DoubleMatrix, a: DoubleMatrix)] = []
    for map in [layer.onInput, layer.onOutput].compactMap({ $0 }) {
      guard let factors = try map.factors(reading.read) else {
        throw OperationError(
          .step, "`\(adapter.label)` is of no lower rank at `\(path)` than the layer itself, so it is no LoRA",
          helps: ["`extract_lora(attach(base:, adapter:) - base, rank: …)` makes the nearest one"])
      }
      found.append(factors)
    }
    if layer.onOutput != nil, let base {
      let last = found.removeLast()
      let weight = DoubleMatrix(try base.content.finiteTensor(path + ".weight"))
      found.append((last.b, last.a * (layer.isTransposed ? weight.transposed : weight)))
    }
    return (.beside(found.map(\.b)), .stacked(found.map(\.a)))
  }

  /// What the layer's bias changes by.
  private func bias(_ layer: AdaptedLayer, at path: String, _ reading: AdapterReading) throws -> DoubleMatrix? {
    var sum = try layer.offset?.matrix(reading.read)
    let name = path + ".bias"
    if let onOutput = layer.onOutput, let base, base.content.entry(name) != nil {
      let old = try base.content.finiteTensor(name)
      let moved = try onOutput.matrix(reading.read) * DoubleMatrix(rows: old.count, columns: 1, old.doubles)
      sum = sum.map { $0 + moved } ?? moved
    }
    return sum
  }
}
