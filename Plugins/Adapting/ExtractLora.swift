import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// The nearest LoRA adapter to what training changed.
struct ExtractLora: AdapterStart {
  static let about = About(
    "extract_lora",
    "Make a LoRA adapter of what training changed, as near as its rank allows.",
    discussion: """
      Of each layer's change U S Vᵀ the largest singular values are kept: B = U_r √S_r, A = √S_r V_rᵀ, and nothing of the \
      rank that `energy` or `error` do not ask for. The configuration has, under `mergekit`, what each layer loses \
      (`relative_error`, ‖Δ − B A‖ / ‖Δ‖) and its rank; `inspect_lora` says it of the whole. Changes of other tensors, \
      such as norms and embeddings, are left out.
      """,
    papers: [.init("Eckart and Young 1936, The approximation of one matrix by another of lower rank")],
    cost: "O(entries × lesser side) for each layer",
    examples: [
      Example("Rank 4 for each layer", "extract_lora(a - base, rank: 4)"),
      Example("As much of it as keeps the error at a tenth", "extract_lora(a - base, rank: 6, error: 10%)"),
    ])

  /// 2: factors of embeddings go by PEFT's names for them.
  static let version = 2

  @Input("What training changed: the tuned model less its base.")
  var delta: Delta
  @Param("The most rank that a layer gets; without `energy` and `error`, what each gets.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("Share of the change's squared singular values that is enough.")
  var energy: Fraction = 1
  @Param("Relative error that is small enough.")
  var error: Fraction = 0

  var source: Content { delta.content }
  var kind: any AdapterKind.Type { LoRA.self }

  private var isFixed: Bool { energy.share == 1 && error.share == 0 }

  func check(_ target: AdapterTarget) throws { if isFixed { try target.check(rank: rank, of: "extract_lora") } }

  func outline() throws -> Content? {
    try outline { target in
      isFixed ? [("lora_A.weight", [rank, target.inputs]), ("lora_B.weight", [target.outputs, rank])] : nil
    }
  }

  /// Made at once, since what is lost stands in the configuration.
  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? { nil }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    let ranks = layers.map { Int($0.facts["rank"] ?? 0) }
    return LoRA.fields(
      ranks: zip(targets, ranks).filter { $1 > 0 }.map { ($0.path, $1) },
      isTransposed: targets.first?.isTransposed ?? false
    ) { Double($0) }
  }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    let change = try matrix(target)
    guard let found = SingularValues(change) else {
      throw OperationError.notDecomposed(target.weight, by: "extract_lora")
    }
    let squares = found.values.map { $0 * $0 }
    let total = squares.reduce(0, +)
    let rank = isFixed ? rank : kept(squares, total)
    let kept = found.first(rank)
    let roots = kept.values.map { $0.squareRoot() }
    let lost = squares.dropFirst(rank).reduce(0, +)
    let facts = [
      "rank": Double(rank), "relative_error": total == 0 ? 0 : (lost / total).squareRoot(), "norm": total.squareRoot(),
    ]
    guard rank > 0 else { return StartedLayer(parts: [], facts: facts) }
    return StartedLayer(
      parts: [
        ("lora_A.weight", Tensor(kept.right.scalingRows(by: roots))),
        ("lora_B.weight", Tensor(kept.left.scalingColumns(by: roots))),
      ], facts: facts)
  }

  /// The least rank that holds enough, at most `rank`; none of a change of zeros.
  private func kept(_ squares: [Double], _ total: Double) -> Int {
    guard total > 0 else { return 0 }
    // A relative error of e leaves 1 − e² of the squares.
    let enough = min(energy.share, 1 - error.share * error.share) * total
    var sum = 0.0
    for (index, square) in squares.prefix(rank).enumerated() {
      sum += square
      if sum >= enough { return index + 1 }
    }
    return min(rank, squares.count)
  }

  func workspace(_ target: AdapterTarget) -> Int {
    8 * target.shape.count * 2 + SingularValues.byteCount(rows: target.outputs, columns: target.inputs)
  }

  func finished(_ layers: [StartedLayer]) throws {
    guard layers.allSatisfy({ $0.facts["norm"] == 0 }) else { return }
    throw OperationError(
      .data, "`\(delta.label)` is zero in every layer that `targets` names, so there is nothing to extract",
      helps: ["it is what a model less itself gives: look at what was subtracted"])
  }
}
