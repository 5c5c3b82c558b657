import Foundation
import Operations
import Tensors

/// Task vectors whose entries compete, and count as much as they win (Du et al. 2024, parameter competition balancing).
///
/// 1. **Intra-balancing.** How much a model wants an entry, by its magnitude among the model's own.
/// 2. **Inter-balancing.** How well it agrees with the other models.
/// 3. **Drop and rescale.** Of each model's balances only the largest share counts, from 0 to 1.
struct Pcb: TaskVectorMerge {
  static let about = About(
    "pcb",
    "Merge models so that each entry of their task vectors counts as much as it wins in competition.",
    discussion: """
      Over all entries of the model: Cₖ is δₖ = θₖ − θ₀ with its magnitude brought between those that the `outliers` \
      least and the `outliers` largest begin at, and Nₖ that magnitude on a scale from 0 to 1. The balance \
      is βₖ = exp(T Nₖ²) · tanh(δₖ Σⱼ sign(δⱼ) Nⱼ) of T models. Of each βₖ the `density` largest count, sₖ from 0 at \
      the least of them to 1 at the largest, and θ = θ₀ + λ Σₖ wₖ sₖ Cₖ / Σₖ sₖ.

      Balances are rounded to float32, in which the authors compute. Where a model's entries, or its balances, are all \
      alike, the authors divide by zero; here they all count fully.
      """,
    papers: [
      .init("Du et al. 2024, Parameter Competition Balancing for Model Merging", arXiv: "2410.02396")
    ],
    cost:
      "O(models × entries), read five times, with an exponential and a tangent for each; one tensor in memory at a time",
    examples: [
      Example("As the authors merge vision models", "pcb(base:, models: [a, b, c])"),
      Example(
        "A tenth of each, as their summary of the method has it",
        "pcb(base:, models: [a, b], density: 10%, outliers: 0.01%, rivalry: .plain, scale: 1)"),
    ])

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Share of each model's balances that counts, largest first.")
  var density: Fraction = 0.05
  @Param(
    "Share of each task vector's entries at either end whose magnitudes are brought to that of the next.", in: 0...0.5)
  var outliers: Fraction = 0.01
  @Param("How an entry competes with the other models'.")
  var rivalry: Rivalry = .scaled
  @Param("What the merged task vector is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 1.2

  /// How an entry competes with the other models'.
  enum Rivalry: String, Choice {
    case scaled, plain, pairwise

    var text: String {
      switch self {
      case .scaled: "By tanh(δₖ Σⱼ sign(δⱼ) Nⱼ), as in the authors' code for vision."
      case .plain: "By tanh(δₖ Σⱼ δⱼ), as in their summary of the method and their code for language."
      case .pairwise: "By Σⱼ tanh(sign(δₖ) Nₖ sign(δⱼ) Nⱼ), as where they search for weights; nearest to the paper."
      }
    }

    fileprivate var rule: Competition.Rivalry {
      switch self {
      case .scaled: .scaled
      case .plain: .plain
      case .pairwise: .pairwise
      }
    }
  }

  func check() throws { try weights.checkCount(as: models, "pcb") }

  /// The operands, their balances, and of these what is above or below zero.
  func memory() -> Int {
    let largest = base.content.tensors.map { $0.shape.count }.max() ?? 0
    return largest * 4 * (4 * models.count + 2) * 2
  }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let contest = try read.once { try wholeModel(read) }
    return contest.competition.merged(
      try models.map { try read($0) }, from: try read(base), contest.shares,
      weights: weights.shares(of: models.count, at: tensor), scale: scale(tensor))
  }

  // MARK: The whole model

  /// The tensors whose entries compete.
  private var ranked: [TensorName] {
    zip(base.content.tensors, TensorName.all(base.content)).filter { $0.0.dtype.isFloat }.map { $0.1 }
  }

  private var entries: Int {
    base.content.tensors.filter { $0.dtype.isFloat }.reduce(0) { $0 + $1.shape.count }
  }

  /// What is known only of whole models.
  private struct Contest: Sendable {
    let competition: Competition
    let shares: [Competition.Share]
  }

  /// Places in the order from the least: of the bounds of magnitudes, and of the least balance that counts.
  private var places: (least: Int, most: Int, cut: Int) {
    let count = Double(entries)
    return (
      min(Int(count * outliers.share), entries - 1), max(Int(count * (1 - outliers.share) - 1), 0),
      min(Int(count * (1 - density.share)), entries - 1)
    )
  }

  private func wholeModel(_ read: TensorReader) throws -> Contest {
    guard entries > 0 else { return Contest(competition: Competition([], rivalry.rule), shares: []) }
    let (names, places, count) = (ranked, places, models.count)
    let found = try read.magnitudes(
      ofLargest: models.flatMap { _ in [entries - places.least, entries - places.most] }, among: names
    ) { _, read in
      let base = try read(base)
      return try models.flatMap { model in
        let magnitudes = Magnitudes(try read(model), minus: base)
        return [magnitudes, magnitudes]
      }
    }
    let bounds = (0..<count).map {
      Competition.Bounds(least: found[2 * $0], most: max(found[2 * $0], found[2 * $0 + 1]))
    }
    let competition = Competition(bounds, rivalry.rule)
    /// The largest of each model's balances of one sign, taken as magnitudes, and that of a rank.
    func balances(above: Bool, _ rank: Int) throws -> [(first: Float, ranked: Float)] {
      let found = try read.magnitudes(
        ofLargest: [Int](repeating: 1, count: count) + [Int](repeating: rank, count: count), among: names
      ) { _, read in
        let all = competition.balances(of: try models.map { try read($0) }, from: try read(base))
        let parts = all.map { balances in Magnitudes(balances.part(above: above)) }
        return parts + parts
      }
      return (0..<count).map { (found[$0], found[count + $0]) }
    }
    // Balances below zero matter only where too few are above it, or none.
    let above = try balances(above: true, entries - places.cut)
    guard above.contains(where: { $0.ranked == 0 }) else {
      return Contest(competition: competition, shares: above.map { .init(least: $0.ranked, most: $0.first) })
    }
    let below = try balances(above: false, places.cut + 1)
    let nearest = try balances(above: false, entries)
    return Contest(
      competition: competition,
      shares: (0..<count).map { model in
        .init(
          least: above[model].ranked > 0 ? above[model].ranked : -below[model].ranked,
          most: above[model].first > 0 ? above[model].first : -nearest[model].ranked)
      })
  }
}

extension Tensor {
  /// The entries of one sign, and zeros for the others.
  fileprivate func part(above: Bool) -> Tensor {
    Tensor(floats.map { ($0 > 0) == above ? $0 : 0 }, shape: shape)
  }
}

extension Pcb: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let model = try ranked.map { try PlainTaskVectors(self, read.reading($0.text)).deltas }
    let own = try PlainTaskVectors(self, read)
    guard entries > 0 else { return own.base }
    func scaled(_ value: Double, _ least: Double, _ most: Double) -> Double {
      least < most ? (min(max(value, least), most) - least) / (most - least) : 1
    }
    let sign = { (value: Double) in value > 0 ? 1.0 : value < 0 ? -1 : 0 }
    let bounds = models.indices.map { number in
      let sorted = model.flatMap { $0[number].map(abs) }.sorted()
      return (least: sorted[places.least], most: max(sorted[places.least], sorted[places.most]))
    }
    /// Each model's balance at an entry.
    func balances(_ deltas: [Double]) -> [Float] {
      let normal = zip(deltas, bounds).map { sign($0) * scaled(abs($0), $1.least, $1.most) }
      return models.indices.map { number in
        let seen =
          switch rivalry {
          case .scaled: tanh(deltas[number] * normal.reduce(0, +))
          case .plain: tanh(deltas[number] * deltas.reduce(0, +))
          case .pairwise: normal.reduce(0) { $0 + tanh(normal[number] * $1) }
          }
        return Float(exp(Double(models.count) * (normal[number] * normal[number] - 1)) * seen)
      }
    }
    func at(_ entry: Int, _ deltas: [[Double]]) -> [Double] { deltas.map { $0[entry] } }
    let all = model.flatMap { deltas in (deltas.first ?? []).indices.map { balances(at($0, deltas)) } }
    let cuts = models.indices.map { number in
      let sorted = all.map { Double($0[number]) }.sorted()
      return (least: sorted[places.cut], most: sorted[sorted.count - 1])
    }
    let weights = weights.shares(of: models.count, at: tensor)
    return own.base.indices.map { entry in
      let deltas = at(entry, own.deltas)
      let shares = zip(balances(deltas).map(Double.init), cuts).map { balance, cut in
        cut.least < cut.most ? scaled(balance, cut.least, cut.most) : balance >= cut.most ? 1 : 0
      }
      let wanted = models.indices.reduce(0.0) { sum, number in
        let magnitude = min(max(abs(deltas[number]), bounds[number].least), bounds[number].most)
        return sum + weights[number] * (sign(deltas[number]) * magnitude) * shares[number]
      }
      return own.base[entry] + scale(tensor) * (wanted / max(shares.reduce(0, +), 1e-12))
    }
  }
}
