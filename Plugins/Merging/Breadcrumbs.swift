import Operations
import Tensors

/// Task vectors without their largest and smallest entries (Davari and Belilovsky 2024).
///
/// Of each `δₖ = θₖ − θ₀` with n entries the ⌊γ n⌋ of largest magnitude are dropped as outliers, then as many of the smallest
/// that ⌊ρ n⌋ are left; where fewer were left, fewer of the largest are dropped.
struct Breadcrumbs: StreamedTaskVectorMerge {
  static let about = About(
    "breadcrumbs",
    "Merge models by adding up their task vectors without the largest and the smallest entries.",
    discussion: """
      Of each δₖ = θₖ − θ₀ the largest ⌊gamma · n⌋ of n entries are dropped, and so many of the smallest that ⌊density · \
      n⌋ are left; where density and gamma come to more than 100%, fewer of the largest are dropped. Of equal entries, \
      those of lower index count as larger. Then θ = θ₀ + λ Σₖ wₖ δₖ, or with a consensus only over the task vectors \
      that agree with the elected sign.

      mergekit's `breadcrumbs` is `consensus: .none`, its `breadcrumbs_ties` is `consensus: .mass`; the defaults are \
      those of `breadcrumbs`, which drops nothing unless told to. (Where ⌊gamma · n⌋ is 0, mergekit loses the whole task \
      vector; here no outlier is dropped then.) The paper keeps 14% or less and drops the top 1%.
      """,
    papers: [.init("Davari and Belilovsky 2024, Model Breadcrumbs", arXiv: "2312.06795")],
    cost: "O(models × entries), and a selection for each cut; one tensor in memory at a time",
    examples: [
      Example("A fifth, without the top hundredth", "breadcrumbs(base:, models: [a, b], density: 20%, gamma: 1%)"),
      Example("With an election of signs", "breadcrumbs(base:, models: [a, b], density: 50%, consensus: .mass)"),
    ])

  static let version = 2

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Share of each task vector that is kept; one for all models, or a list with one for each.")
  var density: PerModel<Layered<Fraction>> = 1
  @Param("Share of each task vector that is dropped as too large; one for all models, or a list with one for each.")
  var gamma: PerModel<Layered<Fraction>> = 0.01
  @Param("Whether what dropping took from a tensor's sum of magnitudes is made up for.")
  var rescale: Bool = false
  @Param("How the sign of an entry is elected.")
  var consensus: SignConsensus = .none
  @Param("Whether the sum of what takes part is divided by the sum of its weights.")
  var normalize: Bool = false
  @Param("What the merged task vector is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 1
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws {
    try weights.checkCount(as: models, "breadcrumbs")
    try density.checkCount(as: models, "density", of: "breadcrumbs")
    try gamma.checkCount(as: models, "gamma", of: "breadcrumbs")
  }

  func combination(
    of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader
  ) throws -> TaskVectorCombination {
    let kept = vectors.indices.map { places(of: $0, count: vectors[$0].base.count, at: tensor) }
    let cuts = Magnitudes.cuts(
      zip(vectors, kept).flatMap { [($0.magnitudes, $1.upperBound), ($0.magnitudes, $1.lowerBound)] })
    var vectors = vectors.enumerated().map { number, vector in
      let between = TaskVector.Kept.between(above: cuts[2 * number], notAbove: cuts[2 * number + 1])
      return kept[number].count == vector.base.count ? vector : vector.keeping(between)
    }
    if rescale { vectors = TaskVector.rescaledToFullSums(vectors) }
    return electing(
      vectors, weights: weights.shares(of: models.count, at: tensor), consensus, .sum(normalized: normalize),
      scale: scale(tensor))
  }

  /// Which entries of a model's tensor are kept, counted from the largest.
  private func places(of number: Int, count: Int, at tensor: TensorName) -> Range<Int> {
    let density = density.values(for: models.count)[number](tensor).share
    let gamma = gamma.values(for: models.count)[number](tensor).share
    let kept = Int(density * Double(count))
    let top = min(Int(gamma * Double(count)), count - kept)
    return top..<top + kept
  }
}

extension Breadcrumbs: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    var vectors = try PlainTaskVectors(self, read)
    for number in vectors.deltas.indices {
      let before = vectors.deltas[number]
      vectors.keep(places(of: number, count: before.count, at: tensor), of: number)
      if rescale { vectors.rescale(number, as: before) }
    }
    return vectors.merged(
      weights.shares(of: models.count, at: tensor), consensus, normalize: normalize, scale: scale(tensor))
  }
}
