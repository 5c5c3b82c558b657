import Operations
import Tensors

/// Select, calculate, erase (Wan et al. 2024, FuseChat).
///
/// 1. **Select.** Of the entries whose variance over the `δₖ = θₖ − θ₀` is not zero, the share ρ of largest variance is kept,
///    in all models alike.
/// 2. **Calculate.** Each model's weight in a tensor is `gₖ = mean(δₖ²)`, divided by their sum.
/// 3. **Erase.** `θ = θ₀ + Σₖ gₖ δₖ / Σₖ gₖ`, both sums over the models whose δₖ has the sign of `Σₖ δₖ`.
struct Sce: StreamedTaskVectorMerge {
  static let about = About(
    "sce",
    "Merge models where they differ most from each other, each weighted by how far it moved from their common base.",
    discussion: """
      Select: with a density below 100%, only the entries of largest population variance over δₖ = θₖ − θ₀ are kept, \
      ⌊density · m⌋ of the m whose variance is not zero; of equal ones, those of lower index. Calculate: a model's weight \
      in a tensor is gₖ = mean(δₖ²) over all its entries, divided by the sum of all models' (equal weights where that is \
      below 10⁻⁶). Erase: θ = θ₀ + Σₖ gₖ δₖ / max(Σₖ gₖ, 10⁻⁶) over the models whose δₖ has the sign of Σₖ δₖ, + where \
      that is zero. This is mergekit's `sce`, whose `select_topk` is `density`; the paper keeps 10%.
      """,
    papers: [.init("Wan et al. 2024, FuseChat", arXiv: "2408.07990")],
    cost: "O(models × entries), and a selection for the cut; one tensor in memory at a time",
    examples: [Example("The tenth where they differ most", "sce(base:, models: [a, b], density: 10%)")])

  static let version = 2

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("Share of the entries that is kept, of largest variance first.")
  var density: Layered<Fraction> = 1
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func combination(
    of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader
  ) throws -> TaskVectorCombination {
    var vectors = vectors
    let density = density(tensor).share
    if density < 1 {
      let variances = TaskVector.variances(of: vectors.map(\.model), minus: vectors[0].base)
      let cut = Magnitudes(variances).cut(keeping: Int(Double(variances.nonzeroCount) * density))
      let mask = EntryMask(Magnitudes(variances), above: cut)
      vectors = vectors.map { $0.keeping(.mask(mask)) }
    }
    return TaskVectorCombination(
      vectors: vectors, weights: Self.weights(TaskVector.meanSquares(vectors)),
      rule: TaskVectorRule(.unweighted(zeroIsNegative: false), .average(least: 1e-6)))
  }

  /// How much each model counts, by its mean square.
  private static func weights(_ squares: [Double]) -> [Double] {
    let total = squares.reduce(0, +)
    return squares.map { total < 1e-6 ? 1 / Double(squares.count) : $0 / total }
  }
}

extension Sce: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    var vectors = try PlainTaskVectors(self, read)
    let (entries, count) = (vectors.base.count, Double(models.count))
    let density = density(tensor).share
    if density < 1 {
      let variances = (0..<entries).map { entry in
        let column = vectors.deltas.map { $0[entry] }
        let mean = column.reduce(0, +) / count
        return Double(Float(column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count))
      }
      let kept = Int(Double(variances.filter { $0 != 0 }.count) * density)
      let dropped = PlainTaskVectors.order(variances)[kept...]
      for number in vectors.deltas.indices { for entry in dropped { vectors.deltas[number][entry] = 0 } }
    }
    let weights = Self.weights(vectors.deltas.map { $0.reduce(0) { $0 + $1 * $1 } / Double(max(entries, 1)) })
    return (0..<entries).map { entry in
      let isPositive = vectors.deltas.reduce(Float(0)) { $0 + Float($1[entry]) } >= 0
      var (sum, share) = (Float(0), Float(0))
      for (weight, delta) in zip(weights, vectors.deltas) where isPositive ? delta[entry] > 0 : delta[entry] < 0 {
        sum += Float(weight) * Float(delta[entry])
        share += Float(weight)
      }
      return PlainTaskVectors.moved(vectors.base[entry], by: sum / (share == 0 ? 1 : max(share, 1e-6)))
    }
  }
}
