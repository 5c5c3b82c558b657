import Diagnostics
import Operations
import Tensors

/// Task vectors of which entries are dropped at random, small ones sooner than large ones (Deep et al. 2024).
///
/// 1. **Drop.** In each row of `δₖ = θₖ − θ₀`, with r = 0 … d−1 the ranks of its d entries by magnitude, smallest first, an
///    entry is kept with probability `ρ − ε + 2ε r/(d−1)`.
/// 2. **Elect.** Each entry's sign is that of `Σₖ wₖ δₖ`.
/// 3. **Merge.** `θ = θ₀ + λ Σₖ wₖ δₖ / Σₖ wₖ` over the models that agree.
struct Della: StreamedTaskVectorMerge {
  static let about = About(
    "della",
    "Merge models after dropping entries of their task vectors at random, small ones sooner than large ones.",
    discussion: """
      In each row of δₖ = θₖ − θ₀ the entries are ranked by magnitude, and kept with a probability that rises evenly from \
      density − ε for the smallest to density + ε for the largest; of equal ones, that of lower index ranks higher. A \
      row of one entry has the density itself. What is kept is scaled up as `rescale` says, and merged as by `ties`. \
      Rows run along the second axis; a tensor of one axis is one row.

      The defaults are those of mergekit's `della`, which drops nothing unless told to; its `della_linear` is `consensus: \
      .none, normalize: false`. The paper divides each entry by its own probability: `rescale: .inverse_density`. \
      Probabilities must lie from 0 to 1, except that a density of 100% or 0% keeps all or nothing. What is dropped \
      depends on the seed, the tensor's name and the model's place among `models`, and on nothing else.
      """,
    papers: [.init("Deep et al. 2024, DELLA-Merging", arXiv: "2406.11617")],
    cost: "O(models × entries), the ranks of each row; a bit for each entry of one tensor in memory at a time",
    examples: [
      Example("Keep 35% to 65%", "della(base:, models: [a, b], density: 50%)"),
      Example(
        "Without an election of signs",
        "della(base:, models: [a, b], density: 50%, epsilon: 10%, consensus: .none, normalize: false)"),
    ])

  static let version = 3

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Mean probability of keeping an entry of a task vector; one for all models, or a list with one for each.")
  var density: PerModel<Layered<Fraction>> = 1
  @Param("How far probabilities lie from the density at most; one for all models, or a list with one for each.")
  var epsilon: PerModel<Layered<Fraction>> = 0.15
  @Param("What makes up for the dropped entries.")
  var rescale: Rescaling = .l1
  @Param("How the sign of an entry is elected.")
  var consensus: SignConsensus = .mass
  @Param("Whether the sum of what takes part is divided by the sum of its weights.")
  var normalize: Bool = true
  @Param("What the merged task vector is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 1
  @Param("Another seed drops other entries.")
  var seed: Int = 0
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws {
    try weights.checkCount(as: models, "della")
    try density.checkCount(as: models, "density", of: "della")
    try epsilon.checkCount(as: models, "epsilon", of: "della")
    for tensor in TensorName.all(base.content) {
      for (density, epsilon) in settings(at: tensor) where density > 0 && density < 1 {
        guard density - epsilon >= 0, density + epsilon <= 1 else {
          throw OperationError(
            .step,
            "`density` \(density) of `della` with `epsilon` \(epsilon) makes probabilities outside of 0 to 1, at `\(tensor)`",
            helps: ["`epsilon` is at most the density and at most what the density lacks to 100%"])
        }
      }
    }
  }

  func combination(
    of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader
  ) throws -> TaskVectorCombination {
    var vectors = zip(settings(at: tensor), vectors).enumerated().map { number, pair in
      let ((density, epsilon), vector) = pair
      guard density < 1 else { return vector }
      guard density > 0 else { return vector.keeping(above: .nothing) }
      return dropping(
        from: vector, keeping: (density - epsilon, density + epsilon), generator(number, tensor))
    }
    if rescale == .l1 { vectors = TaskVector.rescaledToFullSums(vectors) }
    return electing(
      vectors, weights: weights.shares(of: models.count, at: tensor), consensus, .sum(normalized: normalize),
      scale: scale(tensor))
  }

  private func dropping(
    from vector: TaskVector, keeping share: (lowest: Double, highest: Double), _ generator: Generator
  ) -> TaskVector {
    let magnitudes = vector.magnitudes
    if rescale == .inverseDensity {
      let probabilities = magnitudes.keepProbabilities(lowest: share.lowest, highest: share.highest)
      return vector.keeping(.divisors(EntryMask(keeping: probabilities, generator).choosing(probabilities)))
    }
    let mask = EntryMask(ranking: magnitudes, lowest: share.lowest, highest: share.highest, generator)
    return vector.keeping(.mask(mask))
  }

  /// The density and the epsilon of each model.
  private func settings(at tensor: TensorName) -> [(density: Double, epsilon: Double)] {
    zip(density.values(for: models.count), epsilon.values(for: models.count)).map {
      ($0(tensor).share, $1(tensor).share)
    }
  }

  /// The choices for one model's tensor.
  private func generator(_ number: Int, _ tensor: TensorName) -> Generator {
    Generator(seed: seed, stream: "della", tensor.text, "\(number)")
  }
}

extension Della: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    var vectors = try PlainTaskVectors(self, read)
    let shape = try read(base).shape
    for (number, (density, epsilon)) in settings(at: tensor).enumerated() where density < 1 {
      let before = vectors.deltas[number]
      let probabilities =
        density > 0
        ? Self.probabilities(before, shape, density: density, epsilon: epsilon) : vectors.base.map { _ in 0 }
      vectors.drop(number, keeping: probabilities, generator(number, tensor))
      switch rescale {
      case .l1: vectors.rescale(number, as: before)
      case .inverseDensity:
        for (entry, probability) in probabilities.enumerated() where vectors.deltas[number][entry] != 0 {
          vectors.deltas[number][entry] = Double(Float(vectors.deltas[number][entry] / probability))
        }
      case .none: break
      }
    }
    return vectors.merged(
      weights.shares(of: models.count, at: tensor), consensus, normalize: normalize, scale: scale(tensor))
  }

  private static func probabilities(_ delta: [Double], _ shape: Shape, density: Double, epsilon: Double) -> [Double] {
    let length = shape.rank > 1 ? shape[1] : shape.count
    let apart = shape.axes.dropFirst(2).reduce(1, *)
    let (lowest, highest) = (density - epsilon, density + epsilon)
    var probabilities = delta
    for row in 0..<(length * apart == 0 ? 0 : shape.count / length) {
      let places = (0..<length).map { row / apart * length * apart + row % apart + $0 * apart }
      for (place, index) in PlainTaskVectors.order(places.map { delta[$0] }).enumerated() {
        let rank = length - 1 - place
        let share = length == 1 ? 0.5 : Double(rank) / Double(length - 1)
        probabilities[places[index]] = Double(Float(lowest + (highest - lowest) * share))
      }
    }
    return probabilities
  }
}
