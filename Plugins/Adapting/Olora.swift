import Adapters
import Operations
import Tensors

/// A LoRA adapter that begins with the first orthonormal directions of each weight (Büyükakyüz 2024).
struct Olora: LowRankStart {
  static let about = About(
    "olora",
    "Begin a LoRA adapter with the first columns of each weight's orthonormal factor.",
    discussion: """
      With W = Q R, B = Q[:, :r] and A = R[:r, :]. What is trained with it is `residual(base:, adapter: start)`, W − s B A, \
      as with `pissa`; `pissa_to_lora` makes a LoRA for the model itself. The diagonal of R is not negative here, where \
      LAPACK's may be: B A is the same.
      """,
    papers: [.init("Büyükakyüz 2024, OLoRA", arXiv: "2406.01775")],
    cost: "O(entries × lesser side) for each layer",
    examples: [Example("For every linear layer", "olora(base, rank: 4)")])

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

  func factors(_ target: AdapterTarget) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    let found = OrthogonalTriangular(try matrix(target))
    return (found.orthonormal.firstColumns(rank), found.triangular.firstRows(rank))
  }
}
