import Operations
import Tensors

/// Task vectors that are averaged where several of them change an entry, and taken whole where one alone does (Reinforced
/// Agent Merging, 2026).
///
/// `δₖ = θₖ − θ₀` changes an entry where `|δₖ| > ε`. `θ = θ₀ + mean of the δₖ that change it`; where model k alone does,
/// `θ = θ₀ + (1 + r · min(ρₖ, α)) δₖ`, with ρₖ the number of entries that it shares over that of those that it alone changes.
struct Ram: TaskVectorMerge {
  static let about = About(
    "ram",
    "Merge models by averaging the changes that several of them made, and keeping whole those that one alone made.",
    discussion: """
      δₖ = θₖ − θ₀ changes an entry where |δₖ| > epsilon. Where several models change it, θ = θ₀ + the mean of their δₖ; \
      where model k alone does, θ = θ₀ + (1 + r · min(ρₖ, alpha)) δₖ, with ρₖ = shared / max(alone, epsilon) the numbers \
      of entries of the tensor that it changes with others and alone. This is mergekit's `ram`, where r is 0; mergekit's \
      `ramplus_tl` has r = 0.1 and alpha = 0.2 by default.
      """,
    papers: [.init("Behavior Knowledge Merge in Reinforced Agentic Models, 2026", arXiv: "2601.13572")],
    cost: "O(models × entries), read twice where `r` is not 0; one tensor in memory at a time",
    examples: [
      Example("Agents trained from one base", "ram(base:, models: [a, b])"),
      Example("As ramplus_tl", "ram(base:, models: [a, b], r: 0.1, alpha: 0.2)"),
    ])

  static let version = 2

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How far an entry must move from the base to count as changed.", in: 0...)
  var epsilon: Layered<Double> = 1e-5
  @Param("How much what one model alone changed is strengthened, for each part that it shares with others.", in: 0...)
  var r: Layered<Double> = 0
  @Param("The largest ratio of shared to lone changes that counts for strengthening.", in: 0...)
  var alpha: Layered<Double> = 0.2
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let vectors = try differences(read)
    let threshold = Float(epsilon(tensor))
    var factors = models.map { _ in 1.0 }
    if r(tensor) != 0 {
      factors = TaskVector.touched(vectors, threshold: threshold).map {
        factor(alone: $0.alone, shared: $0.shared, at: tensor)
      }
    }
    return TaskVector.meanOfTouching(vectors, threshold: threshold, factors: factors)
  }

  /// 1 + r · min(ρ, α).
  private func factor(alone: Int, shared: Int, at tensor: TensorName) -> Double {
    let ratio = Double(shared) / max(Double(alone), epsilon(tensor))
    return 1 + r(tensor) * (shared == 0 ? 0 : min(max(ratio, 0), alpha(tensor)))
  }
}

extension Ram: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let vectors = try PlainTaskVectors(self, read)
    let threshold = Double(Float(epsilon(tensor)))
    let changing = vectors.base.indices.map { entry in
      vectors.deltas.indices.filter { abs(vectors.deltas[$0][entry]) > threshold }
    }
    let factors = vectors.deltas.indices.map { number in
      let mine = changing.filter { $0.contains(number) }
      let alone = mine.filter { $0.count == 1 }.count
      return factor(alone: alone, shared: mine.count - alone, at: tensor)
    }
    return vectors.base.indices.map { entry in
      let numbers = changing[entry]
      guard let first = numbers.first else { return vectors.base[entry] }
      let change =
        numbers.count == 1
        ? Float(factors[first]) * Float(vectors.deltas[first][entry])
        : numbers.reduce(0) { $0 + Float(vectors.deltas[$1][entry]) } / Float(numbers.count)
      return PlainTaskVectors.moved(vectors.base[entry], by: change)
    }
  }
}
