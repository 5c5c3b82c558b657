import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// The matrix of low rank that agrees with the entries of a change that are there.
struct Complete: AdapterStart {
  static let about = About(
    "complete",
    "Make a LoRA adapter of a change of which only some entries are there.",
    discussion: """
      Entries that are exactly zero are taken for missing. U begins as the leading left vectors of what is there; then V's \
      columns are found by least squares over the entries that are there, U's rows likewise, and U is made orthonormal, until \
      the error of what is there changes by less than 10⁻⁸ of itself. Each least squares gets a ridge of `ridge` times its \
      trace. This is the plain form of what Gu et al. analyse: no entries are set apart. Entries that were dropped at random, \
      as `dare` drops them, are what its theory is about (undo the rescaling first); those that a threshold dropped, as \
      `ties` drops them, are not, and then nothing says that what comes out is near. The configuration has, under \
      `mergekit`, each layer's share that was there (`coverage`) and the error on it (`observed_error`).
      """,
    papers: [
      .init(
        "Gu, Song, Yin and Zhang 2023, Low Rank Matrix Completion via Robust Alternating Minimization",
        arXiv: "2302.11068")
    ],
    cost: "O(entries there × rank²) for each sweep and layer, after one decomposition",
    examples: [Example("Of rank 2", "complete(a - base, rank: 2)")])

  /// 2: factors of embeddings go by PEFT's names for them.
  static let version = 2

  @Input("The change, zero where it is not known.")
  var delta: Delta
  @Param("Rank of each layer's change.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("The most sweeps.", in: 1...100_000)
  var sweeps: Int = 200
  @Param("What is added to each least squares, as a share of its trace.", in: 0...)
  var ridge: Double = 1e-9

  var source: Content { delta.content }
  var kind: any AdapterKind.Type { LoRA.self }

  func check(_ target: AdapterTarget) throws { try target.check(rank: rank, of: "complete") }

  func outline() throws -> Content? {
    try outline { [("lora_A.weight", [rank, $0.inputs]), ("lora_B.weight", [$0.outputs, rank])] }
  }

  /// Made at once, since how well it fits stands in the configuration.
  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? { nil }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    LoRA.fields(ranks: targets.map { ($0.path, rank) }, isTransposed: targets.first?.isTransposed ?? false) {
      Double($0)
    }
  }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    let known = try matrix(target)
    guard let found = try MatrixCompletion(known, rank: rank, sweeps: sweeps, ridge: ridge, context.checkCancelled)
    else { throw OperationError.notDecomposed(target.weight, by: "complete") }
    return StartedLayer(
      parts: [("lora_A.weight", Tensor(found.right)), ("lora_B.weight", Tensor(found.left))],
      facts: ["coverage": found.coverage, "observed_error": found.observedError])
  }

  func workspace(_ target: AdapterTarget) -> Int {
    8 * target.shape.count * 5 + SingularValues.byteCount(rows: target.outputs, columns: target.inputs)
  }

  func finished(_ layers: [StartedLayer]) throws {
    guard layers.allSatisfy({ $0.facts["coverage"] == 0 }) else { return }
    throw OperationError(
      .data, "`\(delta.label)` is zero in every layer that `targets` names, so no entry of it is known")
  }
}
