import Adapters
import Diagnostics
import Operations
import Tensors

/// A LoRA adapter that begins as the principal part of each weight (Meng et al. 2024).
struct Pissa: LowRankStart {
  static let about = About(
    "pissa",
    "Begin a LoRA adapter with the largest singular values of each weight.",
    discussion: """
      With W = U S Vᵀ, B = U_r √(S_r / s) and A = √(S_r / s) V_rᵀ, so that s B A is the nearest matrix of rank r. What is \
      trained with it is the rest of the model, `residual(base:, adapter: start)`; both together are the model. Afterwards \
      `pissa_to_lora(tuned, start:)` makes a LoRA for the model itself. With `power_iterations` the vectors come from a \
      random sketch of width r, as in PEFT's `pissa_niter_n`: much faster, nearly the same, and the residual still exact.
      """,
    papers: [.init("Meng et al. 2024, PiSSA", arXiv: "2404.02948")],
    cost: "O(entries × lesser side) for each layer, or O(entries × rank × power iterations)",
    examples: [
      Example("Exactly", "pissa(base, rank: 4)"),
      Example("By a sketch, four times refined", "pissa(base, rank: 4, power_iterations: 4)"),
    ])

  /// 2: factors of embeddings go by PEFT's names for them.
  static let version = 2

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Param("Rank of each layer's adapter.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("What the adapter is multiplied by is this over the rank; the rank itself by default.", in: 0...)
  var alpha: Double? = nil
  @Param("Whether it is divided by the rank's root instead.")
  var rslora: Bool = false
  @Param("How often a random sketch is refined; without it, the decomposition is whole.", in: 0...1000)
  var powerIterations: Int? = nil
  @Param("Decides the sketch.")
  var seed: Int = 0

  func check(_ target: AdapterTarget) throws {
    guard alpha != 0 else {
      throw OperationError(.step, "`alpha` of `pissa` is 0, so no factors would make the principal part")
    }
    try target.check(rank: rank, of: "pissa")
  }

  func factors(_ target: AdapterTarget) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    let weight = try matrix(target)
    let found: LowRank? =
      if let powerIterations {
        LowRank(
          sketching: weight, rank: rank, powerIterations: powerIterations, oversampling: 0,
          from: Generator(seed: seed, stream: "pissa", target.path))
      } else { LowRank(weight, rank: rank) }
    guard let principal = found?.factors else { throw OperationError.notDecomposed(target.weight, by: "pissa") }
    let roots = principal.values.map { ($0 / scale).squareRoot() }
    return (principal.left.scalingColumns(by: roots), principal.right.scalingRows(by: roots))
  }
}

extension OperationError {
  static func notDecomposed(_ tensor: String, by operation: String) -> OperationError {
    OperationError(
      .step, "the singular values of `\(tensor)` do not converge in `\(operation)`",
      helps: ["`mergekit show` tells whether its entries are of ordinary size"])
  }
}
