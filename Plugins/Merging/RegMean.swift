import Adapters
import Diagnostics
import Operations
import Tensors

/// Linear layers merged so that each model's outputs on its own inputs change least (Jin et al. 2023).
///
/// 1. Off the diagonal, each model's Gram matrix Gₖ is multiplied by α.
/// 2. W = W̄ + (Σₖ wₖ (Wₖ − W̄) Gₖ) (Σₖ wₖ Gₖ + ρ I)⁻¹, where W̄ is the average and ρ is `ridge` times the mean of the sum's diagonal.
/// 3. All other tensors are averaged.
struct RegMean: TensorwiseOperation {
  static let about = About(
    "regmean",
    "Merge models so that each linear layer's outputs on each model's own inputs change least.",
    discussion: """
      For each weight that all `grams` have, W = W̄ + Σ wₖ (Wₖ − W̄) Gₖ (Σ wₖ Gₖ + ρ I)⁻¹ in float64: the least squares of ‖X Wᵀ − X Wₖᵀ‖ over \
      all models' inputs. `diagonal` is the paper's α, which what is off the diagonal is multiplied by; ρ is `ridge` times the mean \
      of the sum's diagonal, which keeps directions that no input has from blowing up: there the result is the average W̄. All \
      other tensors are averaged; those that `keep` names, such as heads, are the first model's.
      """,
    papers: [
      .init("Jin et al. 2023, Dataless Knowledge Fusion by Merging Weights of Language Models", arXiv: "2212.09849")
    ],
    cost: "O(in³ + models × in² × out) a layer",
    examples: [
      Example("Two models", "regmean([a, b], grams: [gram(a, data:), gram(b, data:)])"),
      Example("With the paper's smallest α", "regmean([a, b], grams: [gram(a, data:), gram(b, data:)], diagonal: 10%)"),
    ])

  static let version = 2

  @Input("The models to merge; the result has the first one's dtypes.", count: 1...)
  var models: [Checkpoint]
  @Input("What `gram` measured of each model, in order.", count: 1...)
  var grams: [Statistics]
  @Param("How much each model counts; one for each, in order. Equal by default.", in: 0...)
  var weights: [Double] = []
  @Param("What the Gram matrices are multiplied by off their diagonals: the paper's α.", in: 0...1)
  var diagonal: Layered<Fraction> = 0.9
  @Param("What is added to the diagonal, as a share of its mean.", in: 0...1)
  var ridge: Double = 1e-6
  @Param("Patterns of tensors that are the first model's as they are.")
  var keep: [String] = []

  func check() throws {
    guard grams.count == models.count else {
      throw OperationError(
        .step, "`regmean` has \(models.count) models and \(grams.count) \(grams.count == 1 ? "Gram" : "Grams")",
        helps: ["give one for each model, in order: `[for model in models: gram(model:, data:)]`"])
    }
    try weights.checkCount(as: models, "regmean")
    guard weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
      throw OperationError(.step, "the weights of `regmean` are all 0, so no model would count")
    }
    let entries = Dictionary(uniqueKeysWithValues: models[0].content.tensors.map { ($0.name, $0) })
    for gram in grams {
      for entry in gram.content.tensors where isMeasured(entry.name) && makes(entry.name) && entry.dtype.isFloat {
        guard let shape = entries[entry.name]?.shape else {
          throw OperationError(.data, "`\(entry.name)` is in `\(gram.label)`, but not in `\(models[0].label)`")
        }
        guard entry.shape.rank == 2, entry.shape[0] == entry.shape[1], shape.axes.contains(entry.shape[0]) else {
          throw OperationError(
            .data, "`\(entry.name)` is \(entry.shape) in `\(gram.label)` and \(shape) in `\(models[0].label)`")
        }
      }
    }
  }

  func makes(_ name: String) -> Bool { !keep.contains { Pattern($0).matches(name) } }

  private func isMeasured(_ name: String) -> Bool { grams.allSatisfy { $0.content.entry(name) != nil } }

  func memory() -> Int {
    let largest = models[0].content.tensors.map { $0.shape.count }.max() ?? 0
    let gram = grams[0].content.tensors.map { $0.shape.count }.max() ?? 0
    return MemoryRoom.memory([(largest * 3 + gram * 3) * 8 * 2])
  }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let operands = try models.map { try read($0) }
    let shares = GramLeastSquares.shares(weights, of: models.count)
    let average = Tensor.weightedSum(operands, weights: shares)
    guard isMeasured(tensor.text), operands[0].shape.rank == 2 else { return average }
    let matrices = try grams.map { try read($0) }
    let path = String(tensor.text.dropLast(".weight".count))
    let isTransposed =
      average.shape[1] != matrices[0].shape[0] || AdapterTarget.keepsTransposed(path, in: models[0].config)
    let squares = GramLeastSquares(shares: shares, diagonal: diagonal(tensor).share, ridge: ridge)
    return try squares.merge(
      tensor.text, operands, average: average, grams: matrices, isTransposed: isTransposed)
  }
}
