import Adapters
import Formats
import Operations
import Tensors

/// A start of a LoRA adapter: one B and one A for each layer.
protocol LowRankStart: AdapterStart {
  var base: Checkpoint { get }
  var rank: Int { get }
  var alpha: Double? { get }
  var rslora: Bool { get }

  /// B (out, r) and A (r, in) of a layer.
  func factors(_ target: AdapterTarget) throws -> (b: DoubleMatrix, a: DoubleMatrix)
}

extension LowRankStart {
  var source: Content { base.content }
  var kind: any AdapterKind.Type { LoRA.self }

  /// What B A is multiplied by in the layer.
  var scale: Double { (alpha ?? Double(rank)) / (rslora ? Double(rank).squareRoot() : Double(rank)) }

  func check(_ target: AdapterTarget) throws { try target.check(rank: rank, of: Self.about.name) }

  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? { factorShapes(target) }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] { factorFields(targets) }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer { try factorLayer(target) }

  func factorShapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)] {
    [("lora_A.weight", [rank, target.inputs]), ("lora_B.weight", [target.outputs, rank])]
  }

  func factorFields(_ targets: [AdapterTarget]) -> [JSON.Member] {
    LoRA.fields(
      ranks: targets.map { ($0.path, rank) }, isRankStabilised: rslora,
      isTransposed: targets.first?.isTransposed ?? false
    ) { alpha ?? Double($0) }
  }

  func factorLayer(_ target: AdapterTarget) throws -> StartedLayer {
    let (b, a) = try factors(target)
    return StartedLayer(parts: [("lora_A.weight", Tensor(a)), ("lora_B.weight", Tensor(b))])
  }

  func workspace(_ target: AdapterTarget) -> Int {
    8 * target.shape.count * 2 + SingularValues.byteCount(rows: target.outputs, columns: target.inputs)
  }
}
