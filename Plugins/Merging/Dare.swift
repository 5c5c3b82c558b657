import Operations
import Tensors

/// Task vectors of which entries are dropped at random, before they are added up or elect signs (Yu et al. 2024).
///
/// 1. **Drop.** Each entry of `δₖ = θₖ − θ₀` is kept with probability ρ, by itself.
/// 2. **Rescale.** What is kept is multiplied with `1/ρ`, so that its expectation is δₖ; or so that its sum of magnitudes
///    is that of δₖ.
/// 3. **Merge**, as task arithmetic does it, or TIES after its trimming.
struct Dare: StreamedTaskVectorMerge {
  static let about = About(
    "dare",
    "Merge models after dropping entries of their task vectors at random and scaling up the others.",
    discussion: """
      Each entry of δₖ = θₖ − θ₀ is kept with probability `density`; what is kept is scaled up as `rescale` says. Then \
      θ = θ₀ + λ Σₖ wₖ δₖ, or with a consensus only over the task vectors that agree with the elected sign.

      mergekit's `dare_linear` is `consensus: .none`, its `dare_ties` is `consensus: .mass`; the defaults are those of \
      `dare_linear`, which drops nothing unless told to. The paper divides by the density (`rescale: \
      .inverse_density`) and keeps 10% or less. What is dropped depends on the seed, the tensor's name and the model's \
      place among `models`, and on nothing else.
      """,
    papers: [.init("Yu et al. 2024, Language Models are Super Mario", arXiv: "2311.03099")],
    cost: "O(models × entries), a random number for each; one tensor in memory at a time",
    examples: [
      Example(
        "Keep a tenth, as the paper does", "dare(base:, models: [a, b], density: 10%, rescale: .inverse_density)"),
      Example("With an election of signs", "dare(base:, models: [a, b], density: 50%, consensus: .mass)"),
    ])

  static let version = 3

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Probability of keeping an entry of a task vector; one for all models, or a list with one for each.")
  var density: PerModel<Layered<Fraction>> = 1
  @Param("What makes up for the dropped entries.")
  var rescale: Rescaling = .l1
  @Param("How the sign of an entry is elected.")
  var consensus: SignConsensus = .none
  @Param("Whether the sum of what takes part is divided by the sum of its weights.")
  var normalize: Bool = false
  @Param("What the merged task vector is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 1
  @Param("Another seed drops other entries.")
  var seed: Int = 0
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws {
    try weights.checkCount(as: models, "dare")
    try density.checkCount(as: models, "density", of: "dare")
  }

  func combination(
    of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader
  ) throws -> TaskVectorCombination {
    let densities = density.values(for: models.count).map { $0(tensor).share }
    var vectors = zip(densities, vectors).enumerated().map { number, pair in
      let (density, vector) = pair
      return density < 1 ? dropping(from: vector, keeping: density, generator(number, tensor)) : vector
    }
    if rescale == .l1 { vectors = TaskVector.rescaledToFullSums(vectors) }
    return electing(
      vectors, weights: weights.shares(of: models.count, at: tensor), consensus, .sum(normalized: normalize),
      scale: scale(tensor))
  }

  private func dropping(from vector: TaskVector, keeping density: Double, _ generator: Generator) -> TaskVector {
    guard density > 0 else { return vector.keeping(above: .nothing) }
    let mask = EntryMask(count: vector.base.count, keeping: density, generator)
    return vector.keeping(.mask(mask), factor: rescale == .inverseDensity ? 1 / density : 1)
  }

  /// The choices for one model's tensor.
  private func generator(_ number: Int, _ tensor: TensorName) -> Generator {
    Generator(seed: seed, stream: "dare", tensor.text, "\(number)")
  }
}

extension Dare: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    var vectors = try PlainTaskVectors(self, read)
    for (number, density) in density.values(for: models.count).map({ $0(tensor).share }).enumerated() where density < 1
    {
      let before = vectors.deltas[number]
      vectors.drop(number, keeping: before.map { _ in density }, generator(number, tensor))
      switch rescale {
      case .l1: vectors.rescale(number, as: before)
      case .inverseDensity where density > 0: vectors.multiply(number, by: 1 / density)
      case .inverseDensity: break
      case .none: break
      }
    }
    return vectors.merged(
      weights.shares(of: models.count, at: tensor), consensus, normalize: normalize, scale: scale(tensor))
  }
}
