import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// One LoRA adapter of several.
struct AdapterMerge: RecipeOperation {
  enum Method: String, Choice {
    case exact, svd
    case peftCat = "peft_cat"
    case peftLinear = "peft_linear"
    case peftTies = "peft_ties"
    case peftDareLinear = "peft_dare_linear"
    case peftDareTies = "peft_dare_ties"
    case peftMagnitudePrune = "peft_magnitude_prune"
    case peftSvd = "peft_svd"
    case peftTiesSvd = "peft_ties_svd"
    case peftDareLinearSvd = "peft_dare_linear_svd"
    case peftDareTiesSvd = "peft_dare_ties_svd"
    case peftMagnitudePruneSvd = "peft_magnitude_prune_svd"

    var text: String {
      switch self {
      case .exact: "Σ wₖ ΔWₖ exactly, the factors beside one another; ranks add up."
      case .svd: "The nearest of rank `rank` to Σ wₖ ΔWₖ, by one decomposition; what is lost is said."
      case .peftCat: "PEFT's `cat`: as `.exact`, but multiplied by √r once more with rank-stabilised scaling."
      case .peftLinear: "PEFT's `linear`: sums of A and of B, which multiply to cross terms too."
      case .peftTies: "PEFT's `ties`, on A and on B by themselves, so with cross terms."
      case .peftDareLinear: "PEFT's `dare_linear`, on A and on B by themselves, so with cross terms."
      case .peftDareTies: "PEFT's `dare_ties`, on A and on B by themselves, so with cross terms."
      case .peftMagnitudePrune: "PEFT's `magnitude_prune`, on A and on B by themselves, so with cross terms."
      case .peftSvd: "PEFT's `svd`, of Σ wₖ sₖ ΔWₖ."
      case .peftTiesSvd: "PEFT's `ties_svd`: TIES on whole changes, then a decomposition."
      case .peftDareLinearSvd: "PEFT's `dare_linear_svd`: DARE on whole changes, then a decomposition."
      case .peftDareTiesSvd: "PEFT's `dare_ties_svd`: DARE and TIES on whole changes, then a decomposition."
      case .peftMagnitudePruneSvd: "PEFT's `magnitude_prune_svd` on whole changes, then a decomposition."
      }
    }

    /// What PEFT calls it.
    var combination: FactorCombination? {
      switch self {
      case .exact, .svd, .peftCat: nil
      case .peftLinear, .peftSvd: .sum
      case .peftTies, .peftTiesSvd: .ties
      case .peftDareLinear, .peftDareLinearSvd: .dareLinear
      case .peftDareTies, .peftDareTiesSvd: .dareTies
      case .peftMagnitudePrune, .peftMagnitudePruneSvd: .magnitudePrune
      }
    }

    var decomposes: Bool { self == .svd || rawValue.hasSuffix("_svd") }
  }

  static let about = About(
    "adapter_merge",
    "Merge adapters into one LoRA.",
    discussion: """
      `.exact` is Σ wₖ ΔWₖ with nothing lost: A' = [wₖ sₖ Aₖ] under one another, B' = [Bₖ] beside one another, α = r. `.svd` \
      is the nearest of a rank, worked out from the factors (QR of both, then a small decomposition) without ever making \
      ΔW; the configuration has each layer's `relative_error` under `mergekit`. Layers that only some adapters change are \
      merged of those. Any kind of low rank is taken: LDU, Tucker, Poly.

      The others are PEFT's `add_weighted_adapter`, for LoRA of one rank, with what it does: merging A and B by themselves \
      makes cross terms, its decompositions count each adapter's scale twice up to version 0.20 (`scaled_twice`), with \
      rank-stabilised scaling the result is √r too large, and one adapter alone is always merged by `linear`. Random \
      choices are ours, so DARE's are PEFT's only in distribution; `svd_clamp` is left out, since what it cuts depends on \
      the signs that a decomposition happens to give.
      """,
    papers: [.init("Hu et al. 2021, LoRA", arXiv: "2106.09685")],
    cost: "O(rank² × (inputs + outputs)) for each layer; PEFT's decompositions O(entries × lesser side)",
    examples: [
      Example("Both in full", "adapter_merge([lora, pissa(base, rank: 3)], weights: [0.7, 0.3])"),
      Example("The nearest of rank 1", "adapter_merge([lora, pissa(base, rank: 3)], method: .svd, rank: 2)"),
    ])

  @Input("The adapters to merge.", count: 1...)
  var adapters: [Adapter]
  @Param("How much each adapter counts; one for each, in order. 1 by default.")
  var weights: [Double] = []
  @Param("How they become one.")
  var method: Method = .exact
  @Param("Rank of a decomposition's result; by default the largest of the adapters'.", in: 1...65_536)
  var rank: Int? = nil
  @Param("Share of the entries that PEFT's pruning keeps.")
  var density: Fraction = 0.5
  @Param("Whether PEFT's TIES elects signs by how many have them, and not by their sum.")
  var byFrequency: Bool = false
  @Param("Whether PEFT's decompositions count each adapter's scale twice.")
  var scaledTwice: Bool = true
  @Param("Decides what DARE drops.")
  var seed: Int = 0

  func memory() -> Int { (16 << 20) + adapters.reduce(0) { $0 + $1.content.byteCount } * 8 }

  func outline() throws -> Content? {
    _ = try readings()
    return nil
  }

  private var shares: [Double] { weights.isEmpty ? adapters.map { _ in 1 } : weights }

  private func readings() throws -> [AdapterReading] {
    guard weights.isEmpty || weights.count == adapters.count else {
      throw OperationError(
        .step, "`adapter_merge` has \(adapters.count) adapters and \(weights.count) weights",
        helps: ["give one for each adapter, in order, or none"])
    }
    let readings = try adapters.map { try AdapterReading($0.content) }
    for reading in readings { try reading.checkAdds("adapter_merge") }
    guard Set(readings.map(\.isTransposed)).count == 1 else {
      throw OperationError(
        .step, "some of `adapters` have `fan_in_fan_out` and some have not: they are of different models")
    }
    return readings
  }

  /// A layer and what each adapter that changes it does there.
  private struct Layer: Sendable {
    let path: String
    let isEmbedding: Bool
    var operands: [Operand]
  }

  struct Operand: Sendable {
    let index: Int
    let layer: AdaptedLayer
    let reading: AdapterReading
  }

  func run(_ context: Context) throws -> Adapter {
    let readings = try readings()
    var layers: [Layer] = []
    var places: [String: Int] = [:]
    for (index, reading) in readings.enumerated() {
      for (path, layer) in reading.layers {
        let operand = Operand(index: index, layer: layer, reading: reading)
        if let place = places[path] {
          layers[place].operands.append(operand)
        } else {
          places[path] = layers.count
          layers.append(Layer(path: path, isEmbedding: reading.isEmbedding(path), operands: [operand]))
        }
      }
    }
    for layer in layers { try checkSame(layer) }
    let compatible = try method == .exact || method == .svd ? nil : PeftMerge(self, readings)
    let merged = try context.map(layers) { layer -> (factors: (b: DoubleMatrix, a: DoubleMatrix), error: Double) in
      if let compatible { return (try compatible.merged(layer.operands, layer.path), 0) }
      let exact = try exact(layer)
      return method == .exact ? (exact, 0) : try nearest(exact, layer)
    }
    let ranks = zip(layers, merged).map { ($0.path, $1.factors.a.rows) }
    let fields = LoRA.fields(
      ranks: ranks, isRankStabilised: compatible?.isRankStabilised ?? false, isTransposed: readings[0].isTransposed
    ) { Double($0) }
    let errors = zip(layers, merged).map { JSON.Member($0.path, .number($1.error)) }
    let origin = NewAdapter.origin("adapter_merge", method == .svd ? ["relative_error": .object(errors)] : [:])
    var result = NewAdapter(
      LoRA.self, for: nil,
      fields: fields + [
        origin, .init("task_type", adapters[0].content.facts["task_type"] ?? .null),
        .init("base_model_name_or_path", adapters[0].content.facts["base_model_name_or_path"] ?? .null),
      ])
    for (layer, merged) in zip(layers, merged) {
      result.add(factors: merged.factors, of: layer.path, isEmbedding: layer.isEmbedding)
    }
    return Adapter(result.content)
  }

  /// Adapters of one model change a layer in one shape.
  private func checkSame(_ layer: Layer) throws {
    let sizes = layer.operands.map { $0.layer.onInput?.size }
    guard let first = sizes[0], let other = sizes.indices.first(where: { sizes[$0].map { $0 != first } ?? true }) else {
      return
    }
    func text(_ size: (rows: Int, columns: Int)?) -> String { size.map { "\($0.rows)×\($0.columns)" } ?? "nothing" }
    let labels = layer.operands.map(\.reading.content.label)
    throw OperationError(
      .data,
      "`\(layer.path)` is changed as \(text(first)) by `\(labels[0])`, and as \(text(sizes[other])) by `\(labels[other])`",
      helps: ["adapters of one model can be merged"])
  }

  // MARK: Exactly

  private func exact(_ layer: Layer) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    let factors = try layer.operands.map { operand -> (b: DoubleMatrix, a: DoubleMatrix) in
      guard let map = operand.layer.onInput, let factors = try map.factors(operand.reading.read) else {
        throw OperationError(
          .step, "`\(operand.reading.content.label)` is of no lower rank at `\(layer.path)` than the layer itself")
      }
      return (factors.b, shares[operand.index] * factors.a)
    }
    return (.beside(factors.map(\.b)), .stacked(factors.map(\.a)))
  }

  /// The nearest of a rank to B A: with B = Q_b R_b and Aᵀ = Q_a R_a, that of R_b R_aᵀ = U S Vᵀ.
  private func nearest(
    _ exact: (b: DoubleMatrix, a: DoubleMatrix), _ layer: Layer
  ) throws -> (factors: (b: DoubleMatrix, a: DoubleMatrix), error: Double) {
    let (left, right) = (OrthogonalTriangular(exact.b), OrthogonalTriangular(exact.a.transposed))
    guard let found = SingularValues(DoubleMatrix.product(left.triangular, transposed: right.triangular)) else {
      throw OperationError.notDecomposed(layer.path, by: "adapter_merge")
    }
    let largest = layer.operands.compactMap { $0.reading.rank(at: $0.layer) }.max() ?? exact.a.rows
    let kept = found.first(min(rank ?? largest, found.values.count))
    let roots = kept.values.map { $0.squareRoot() }
    let b = left.orthonormal * kept.left.scalingColumns(by: roots)
    let a = DoubleMatrix.product(kept.right.scalingRows(by: roots), transposed: right.orthonormal)
    let squares = found.values.map { $0 * $0 }
    let (lost, total) = (squares.dropFirst(kept.values.count).reduce(0, +), squares.reduce(0, +))
    return ((b, a), total == 0 ? 0 : (lost / total).squareRoot())
  }
}

extension AdapterReading {
  /// The narrowest place of a layer's product.
  func rank(at layer: AdaptedLayer) -> Int? { layer.onInput?.narrowest }
}

extension LinearMap {
  /// How many numbers pass through its narrowest place.
  fileprivate var narrowest: Int? {
    switch self {
    case .scaled(_, let map): map.narrowest
    case .product(let maps): maps.compactMap { map in map.size.map { min($0.rows, $0.columns) } }.min()
    default: size.map { min($0.rows, $0.columns) }
    }
  }
}
