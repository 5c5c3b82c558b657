import Diagnostics
import Operations
import Synchronization
import Tensors

/// Task vectors that are trimmed, elect one sign for each entry, and are averaged where they agree (Yadav et al. 2023).
///
/// 1. **Trim.** Of each task vector `δₖ = θₖ − θ₀` the ⌊ρ n⌋ entries of largest magnitude are kept, at least one unless ρ is 0,
///    and all others become 0.
/// 2. **Elect.** Each entry's sign is that of `Σₖ wₖ δₖ`.
/// 3. **Merge.** `θ = θ₀ + λ Σₖ wₖ δₖ / Σₖ wₖ`, both sums over the models whose δₖ has that sign.
struct Ties: StreamedTaskVectorMerge {
  static let about = About(
    "ties",
    "Merge models by trimming their task vectors, electing one sign per entry and averaging what agrees.",
    discussion: """
      Trim: of each δₖ = θₖ − θ₀ the largest ⌊density · n⌋ entries are kept, at least one unless the density is 0; of \
      equal ones, those of lower index. Elect: each entry's sign s is that of Σₖ wₖ δₖ. Merge: θ = θ₀ + λ Σₖ wₖ δₖ / Σₖ wₖ over the models with sign(wₖ δₖ) = s; \
      `normalize: false` leaves the division out.

      The defaults are mergekit's, which trims nothing unless told to; the paper keeps 20%. The paper's own code, and \
      FusionBench, trim the model as a whole and elect without weights: `density: 20%, trim: .model, consensus: \
      .unweighted`, with `normalize: false` where they add up and `true` where they average, and `scale: 0.3` in \
      FusionBench. A model with a negative weight votes against what it has learnt; if it alone agrees, `normalize` \
      cancels its sign.
      """,
    papers: [.init("Yadav et al. 2023, TIES-Merging", arXiv: "2306.01708")],
    cost: "O(models × entries), and a selection for each cut; one tensor in memory at a time",
    examples: [
      Example("Keep a fifth of each", "ties(base:, models: [a, b], density: 20%)"),
      Example(
        "A density and a weight for each model",
        "ties(base:, models: [a, b], weights: [1, 0.5], density: [30%, gradient([50%, 10%])])"),
      Example(
        "As the paper's code does it",
        "ties(base:, models: [a, b, c], density: 20%, trim: .model, consensus: .unweighted, normalize: false, scale: 0.3)"
      ),
    ])

  static let version = 3

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Share of each task vector that is kept, largest first; one for all models, or a list with one for each.")
  var density: PerModel<Layered<Fraction>> = 1
  @Param("What a task vector's entries are ranked among.")
  var trim: TrimScope = .tensor
  @Param("How the sign of an entry is elected.")
  var consensus: SignConsensus = .mass
  @Param("What is made of the entries that agree.")
  var aggregation: Aggregation = .sum
  @Param("Whether the sum of what agrees is divided by the sum of its weights.")
  var normalize: Bool = true
  @Param("Whether what trimming took from a tensor's sum of magnitudes is made up for.")
  var rescale: Bool = false
  @Param("What the merged task vector is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 1
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  /// What entries are ranked among when they are trimmed.
  enum TrimScope: String, Choice {
    case tensor
    case model

    var text: String {
      switch self {
      case .tensor: "The entries of their tensor; just ⌊density · n⌋ of its n are kept, or one; mergekit's way."
      case .model:
        """
        The entries of the whole model; all are kept that are as large as the one after the largest ⌊density · n⌋, the \
        paper's way.
        """
      }
    }
  }

  /// What is made of the entries that agree.
  enum Aggregation: String, Choice {
    case sum
    case max

    var text: String {
      switch self {
      case .sum: "Their weighted sum; with `normalize`, their weighted average."
      case .max: "The one of largest magnitude when weighted; `normalize` changes nothing then."
      }
    }
  }

  func check() throws {
    try weights.checkCount(as: models, "ties")
    try density.checkCount(as: models, "density", of: "ties")
    guard trim == .model else { return }
    for density in density.values(for: models.count) where Set(ranked.map { density($0) }).count > 1 {
      throw OperationError(
        .step, "`density` of `ties` changes from tensor to tensor, but `trim: .model` ranks them all together",
        helps: ["`trim: .tensor` trims each tensor by itself"])
    }
  }

  func combination(
    of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader
  ) throws -> TaskVectorCombination {
    let whole = trim == .model ? try read.once { try wholeModel(read) } : nil
    let cuts =
      whole?.cuts
      ?? Magnitudes.cuts(
        zip(vectors, density.values(for: models.count)).map { vector, density in
          (vector.magnitudes, kept(density(tensor).share, of: vector.base.count))
        })
    var vectors = zip(vectors, cuts).map { $1 == .everything ? $0 : $0.keeping(above: $1) }
    if rescale { vectors = TaskVector.rescaledToFullSums(vectors) }
    return electing(
      vectors, weights: weights.shares(of: models.count, at: tensor), consensus,
      aggregation == .max ? .largest : .sum(normalized: normalize), scale: scale(tensor), balance: whole?.balance)
  }

  /// How many of a tensor's entries are kept.
  private func kept(_ density: Double, of count: Int) -> Int {
    density > 0 ? min(max(1, Int(density * Double(count))), count) : 0
  }

  // MARK: The whole model

  /// The tensors whose entries are ranked, in the base's order.
  private var ranked: [TensorName] {
    zip(base.content.tensors, TensorName.all(base.content)).filter { $0.0.dtype.isFloat }.map { $0.1 }
  }

  /// What is known only of whole models: where each is cut, and how many more entries elect + than -.
  private struct WholeModel: Sendable {
    let cuts: [MagnitudeCut]
    let balance: Int
  }

  private func wholeModel(_ read: TensorReader) throws -> WholeModel {
    let (names, entries) = (ranked, base.content.tensors.filter { $0.dtype.isFloat }.reduce(0) { $0 + $1.shape.count })
    guard let first = names.first else { preconditionFailure("a model that is read has tensors") }
    let cuts = try density.values(for: models.count).enumerated().map { number, density in
      let kept = Int(density(first).share * Double(entries))
      guard kept < entries else { return MagnitudeCut.everything }
      func histogram(upper: Int?) throws -> MagnitudeHistogram {
        let total = Mutex(MagnitudeHistogram(upper: upper))
        _ = try read.context.map(names) { name in
          let read = read.reading(name.text)
          let one = MagnitudeHistogram(Magnitudes(try read(models[number]), minus: try read(base)), upper: upper)
          total.withLock { $0.add(one) }
        }
        return total.withLock { $0 }
      }
      let upper = try histogram(upper: nil).half(ofLargest: kept + 1)
      let lower = try histogram(upper: upper.half).half(ofLargest: upper.rank)
      return MagnitudeCut(atLeast: MagnitudeHistogram.magnitude(upper: upper.half, lower: lower.half))
    }
    guard consensus == .unweighted else { return WholeModel(cuts: cuts, balance: 0) }
    let balances = try read.context.map(names) { name in
      TaskVector.signBalance(zip(try differences(read.reading(name.text)), cuts).map { $0.keeping(above: $1) })
    }
    return WholeModel(cuts: cuts, balance: balances.reduce(0, +))
  }
}

extension Ties: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let densities = density.values(for: models.count).map { $0(tensor).share }
    var vectors = try PlainTaskVectors(self, read)
    var balance: Int?
    if trim == .tensor {
      for (number, density) in densities.enumerated() {
        let before = vectors.deltas[number]
        vectors.keep(0..<kept(density, of: before.count), of: number)
        if rescale { vectors.rescale(number, as: before) }
      }
    } else {
      var model = try ranked.map { try PlainTaskVectors(self, read.reading($0.text)) }
      for (number, density) in densities.enumerated() {
        let sorted = model.flatMap { $0.deltas[number].map(abs) }.sorted(by: >)
        let kept = Int(density * Double(sorted.count))
        let least = kept < sorted.count ? sorted[kept] : 0
        for tensor in model.indices {
          model[tensor].deltas[number] = model[tensor].deltas[number].map { abs($0) < least ? 0 : $0 }
        }
        let before = vectors.deltas[number]
        vectors.deltas[number] = before.map { abs($0) < least ? 0 : $0 }
        if rescale { vectors.rescale(number, as: before) }
      }
      balance = model.reduce(0) { $0 + $1.balance }
    }
    return vectors.merged(
      weights.shares(of: models.count, at: tensor), consensus, normalize: normalize, scale: scale(tensor),
      largest: aggregation == .max,
      balance: balance)
  }
}
