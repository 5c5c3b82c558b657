import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// Two thin factors in the place of each weight, weighted by Fisher information (FWSVD, Hsu et al. 2022).
struct Factorize: AdapterStart {
  static let about = About(
    "factorize",
    "Compress a model's linear layers to two thin factors each.",
    discussion: """
      With D_j = √Σ_o I_oj from the Fisher I of an input's weights, U S Vᵀ = W diag(D) and W ≈ (U_r √S_r)(√S_r V_rᵀ \
      diag(D)⁻¹): the nearest of rank r where each input's errors count D_j². Inputs of no information count 10⁻⁸ of the \
      most. Without `fisher` it is the plain decomposition. r = ⌊ratio · m n / (m + n)⌋; `attach` puts the product in \
      the weights' place, and the adapter itself has the factors. The configuration has, under `mergekit`, each layer's \
      `relative_error` and `weighted_error`.
      """,
    papers: [
      .init("Hsu et al. 2022, Language model compression with weighted low-rank factorization", arXiv: "2207.00112")
    ],
    cost: "O(entries × lesser side) for each layer",
    examples: [
      Example("Half of the numbers", "factorize(base, ratio: 50%)"),
      Example("By what its predictions depend on", "factorize(base, fisher: fisher(base, data:), ratio: 50%)"),
    ])

  @Input("The model to compress.")
  var base: Checkpoint
  @Input("The model's Fisher information; none counts all inputs alike.")
  var fisher: Fisher?
  @Param("Share of a weight's numbers that its factors have.")
  var ratio: Fraction = 0.5
  @Param("Rank of all layers instead.", in: 1...65_536)
  var rank: Int? = nil
  @Include var chosen: TargetLayers

  var source: Content { base.content }
  var kind: any AdapterKind.Type { Factors.self }

  func check(_ target: AdapterTarget) throws {
    if let rank { try target.check(rank: rank, of: "factorize") }
    guard let fisher else { return }
    let found = fisher.content.entry(target.weight)?.shape
    guard found != target.shape else { return }
    throw OperationError(
      .data,
      "`\(target.weight)` is \(target.shape) in `\(base.label)`, and \(found?.description ?? "not") in `\(fisher.label)`"
    )
  }

  private func rank(of target: AdapterTarget) -> Int {
    let (m, n) = (target.outputs, target.inputs)
    return rank ?? min(max(1, Int(ratio.share * Double(m * n) / Double(m + n))), min(m, n))
  }

  func outline() throws -> Content? {
    try outline { target in
      let rank = rank(of: target)
      return [("factor_in", [rank, target.inputs]), ("factor_out", [target.outputs, rank])]
    }
  }

  /// Made at once, since what is lost stands in the configuration.
  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? { nil }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    [.init("fan_in_fan_out", .bool(targets.first?.isTransposed ?? false))]
  }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    let weight = try matrix(target)
    let lengths = try importance(target)
    guard let found = SingularValues(weight.scalingColumns(by: lengths))?.first(rank(of: target)) else {
      throw OperationError.notDecomposed(target.weight, by: "factorize")
    }
    let roots = found.values.map { $0.squareRoot() }
    let outer = found.left.scalingColumns(by: roots)
    let inner = found.right.scalingRows(by: roots).scalingColumns(by: lengths.map { 1 / $0 })
    let lost = weight - outer * inner
    func share(_ lost: DoubleMatrix, _ whole: DoubleMatrix) -> Double { whole.norm == 0 ? 0 : lost.norm / whole.norm }
    return StartedLayer(
      parts: [("factor_in", Tensor(inner)), ("factor_out", Tensor(outer))],
      facts: [
        "relative_error": share(lost, weight),
        "weighted_error": share(lost.scalingColumns(by: lengths), weight.scalingColumns(by: lengths)),
      ])
  }

  /// How much each input counts; a least share of the most, so that none is divided by zero.
  private func importance(_ target: AdapterTarget) throws -> [Double] {
    var sums = [Double](repeating: 0, count: target.inputs)
    guard let fisher else { return sums.map { _ in 1 } }
    let information = target.matrix(try fisher.content.finiteTensor(target.weight))
    for row in 0..<information.rows {
      for column in 0..<information.columns { sums[column] += max(0, information[row, column]) }
    }
    let lengths = sums.map { $0.squareRoot() }
    let largest = lengths.max() ?? 0
    return largest == 0 ? lengths.map { _ in 1 } : lengths.map { max($0 / largest, 1e-8) }
  }

  func workspace(_ target: AdapterTarget) -> Int {
    8 * target.shape.count * 6 + SingularValues.byteCount(rows: target.outputs, columns: target.inputs)
  }
}
