import Diagnostics
import Operations
import Tensors

/// The average of models, entry by entry, weighted by each one's Fisher information (Matena and Raffel 2022).
///
/// 1. With `normalize`, `λₖ = cₖ/‖Fₖ‖₂`, the norm over all entries that are merged; without, `λₖ = cₖ`. (For `.add`:
///    `λₖ = cₖ/(‖Fₖ‖₂ + ε)`, up to a factor that all share.)
/// 2. `f₁ = max(F₁, ε)` and `fₖ = Fₖ` for the others (`.target_floor`); `fₖ = max(Fₖ, ε)` (`.floor`); `fₖ = Fₖ + ε`
///    (`.add`).
/// 3. `θ = Σₖ λₖ fₖ θₖ / Σₖ λₖ fₖ`; where that is 0/0, the first model's entry.
struct FisherMerge: TensorwiseOperation {
  static let about = About(
    "fisher_merge",
    "Merge models by averaging them entry by entry, weighted by how much each one's predictions depend on the entry.",
    discussion: """
      θ = Σₖ λₖ fₖ θₖ / Σₖ λₖ fₖ, where fₖ is the model's Fisher, kept from zero as `minimum` says, and λₖ is its \
      weight divided by its Fisher's norm over all merged tensors. Where no model counts at all, the entry is the \
      first model's. Two implementations are known and differ: `.target_floor` and `.floor` follow Matena and Raffel's \
      own code (`mmatena/model_merging`), `.add` follows FusionBench and MergeLM, which add `epsilon` to the norms \
      too.

      Tensors that not all Fishers have, such as heads of another shape, are the first model's as they are.
      """,
    papers: [.init("Matena and Raffel 2022, Merging Models with Fisher-Weighted Averaging", arXiv: "2111.09832")],
    cost: "O(models × entries), Fishers read twice; one tensor in memory at a time",
    examples: [
      Example("Equal weights", "fisher_merge([a, b], fishers: [fisher(a, data:), fisher(b, data:)])"),
      Example(
        "As FusionBench does it",
        "fisher_merge([a, b], fishers: [fisher(a, data:, kind: .mergekit_lm), fisher(b, data:, kind: .mergekit_lm)], minimum: .add)"
      ),
    ])

  @Input("The models to merge; the first is the target, whose head and dtypes the result has.", count: 1...)
  var models: [Checkpoint]
  @Input("The Fisher of each model, in order.", count: 1...)
  var fishers: [Fisher]
  @Param("How much each model counts; one for each, in order. Equal by default.", in: 0...)
  var weights: [Double] = []
  @Param("What keeps Fishers from being zero.")
  var minimum: FisherMinimum = .targetFloor
  @Param("How little Fisher an entry has at least, or what is added to it.", in: 0...)
  var epsilon: Double = 1e-6
  @Param("Whether each Fisher is divided by its norm, so that models count as their weights say.")
  var normalize: Bool = true

  @Param("Patterns of tensors that are the first model's as they are, such as heads.")
  var keep: [String] = []

  func check() throws {
    try fishers.check(for: models, "fisher_merge", where: makes)
    try weights.checkCount(as: models, "fisher_merge")
    guard weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
      throw OperationError(.step, "the weights of `fisher_merge` are all 0, so no model would count")
    }
  }

  func makes(_ name: String) -> Bool { fishers.cover(name) && !keep.contains { Pattern($0).matches(name) } }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let weighting = try read.once {
      FisherWeighting(
        shares: shares, norms: normalize ? try fishers.norms(read.context, where: makes) : nil, minimum: minimum,
        epsilon: epsilon)
    }
    return weighting.average(try models.map { try read($0) }, fishers: try fishers.map { try read($0) })
  }

  private var shares: [Double] { weights.isEmpty ? models.map { _ in 1 / Double(models.count) } : weights }
}

extension FisherMerge: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let (models, estimates) = (try models.map { try read($0).doubles }, try fishers.map { try read($0).doubles })
    var lambdas = shares
    if normalize {
      for (index, fisher) in fishers.enumerated() {
        let merged = fisher.content.tensors.filter { makes($0.name) }
        let entries = try merged.flatMap { try read.reading($0.name)(fisher).doubles }
        let norm = entries.reduce(0) { $0 + $1 * $1 }.squareRoot()
        lambdas[index] /= minimum == .add ? norm + epsilon : norm
      }
    }
    return models[0].indices.map { entry in
      var (sum, total) = (0.0, 0.0)
      for k in models.indices {
        var f = estimates[k][entry]
        switch minimum {
        case .targetFloor: if k == 0 { f = max(f, epsilon) }
        case .floor: f = max(f, epsilon)
        case .add: f += epsilon
        }
        sum += lambdas[k] * f * models[k][entry]
        total += lambdas[k] * f
      }
      return total == 0 ? models[0][entry] : sum / total
    }
  }
}
