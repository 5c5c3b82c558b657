import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// A sum of Kronecker products that is nearest to each weight (SoKA 2025).
struct Kpsvd: AdapterStart {
  static let about = About(
    "kpsvd",
    "Begin an adapter with the nearest sum of Kronecker products of each weight.",
    discussion: """
      W ≈ Σₖ Uₖ ⊗ Vₖ by the singular values σ of W's blocks (Van Loan and Pitsianis), √σ to each factor. Terms are taken \
      until they hold `energy` of Σ σ², with `elbow` at most up to the knee (the value farthest below the line from the \
      first to the last), and at most `rank`; at least one. What is trained with it is `residual(base:, adapter: start)`. \
      With `rank: 1` the adapter is PEFT's LoKr, which PEFT loads. SoKA has no public code: the rules of selection follow \
      its abstract's words.
      """,
    papers: [.init("SoKA: SVD on Kronecker Adaptation 2025", arXiv: "2506.15251")],
    cost: "O(entries × lesser side of the rearranged matrix) for each layer",
    examples: [
      Example("Nine tenths of each weight's energy, eight terms at most", "kpsvd(base, rank: 8, energy: 90%)"),
      Example("One term, which PEFT knows as LoKr", "kpsvd(base, rank: 1, factor: 2)"),
    ])

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Param("The most terms for a layer; one that has fewer gets all.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("Share of the squared singular values that is enough.")
  var energy: Fraction = 0.9
  @Param("Whether terms end where the singular values bend.")
  var elbow: Bool = false
  @Param(
    "Both sides of U, where it divides both sides of the weight; by default the divisors nearest the roots.",
    in: 1...65_536)
  var factor: Int? = nil

  var source: Content { base.content }
  var kind: any AdapterKind.Type { rank == 1 ? Kronecker.self : KroneckerSum.self }

  func check(_ target: AdapterTarget) throws { try target.check(kronecker: kind) }

  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? { nil }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    KroneckerFactors.fields(kind, factor: factor, targets)
  }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    let selection = KroneckerFactors.Selection(rank: rank, energy: energy.share, elbow: elbow)
    let split = KroneckerFactors.Split(target, factor: factor)
    guard let found = KroneckerFactors(try matrix(target), split, selection) else {
      throw OperationError.notDecomposed(target.weight, by: "kpsvd")
    }
    return StartedLayer(
      parts: found.parts(kind),
      facts: ["terms": Double(found.left.shape[0]), "relative_error": found.relativeError])
  }

  func workspace(_ target: AdapterTarget) -> Int { target.kroneckerWorkspace(factor: factor) }
}

extension AdapterTarget {
  /// Checks that the kind can say a weight's Kronecker products.
  func check(kronecker kind: any AdapterKind.Type) throws {
    guard kind == Kronecker.self, isTransposed else { return }
    throw OperationError(
      .step, "`\(weight)` is kept transposed, which PEFT's LoKr has not",
      helps: ["`rank: 2` or more makes a sum of Kronecker products, which has"])
  }

  /// Checks that a weight has so many Kronecker products.
  func check(products rank: Int, factor: Int?, of operation: String) throws {
    let side = KroneckerFactors.Split(self, factor: factor).side
    guard rank > min(side.rows, side.columns) else { return }
    throw OperationError(
      .step,
      "`\(operation)` is to have \(rank) terms, and `\(weight)` is \(shape), so \(min(side.rows, side.columns)) at most",
      helps: ["`targets` can leave it out, and `factor` splits it in another way"])
  }

  func kroneckerWorkspace(factor: Int?) -> Int {
    let side = KroneckerFactors.Split(self, factor: factor).side
    return 8 * shape.count * 2 + SingularValues.byteCount(rows: side.rows, columns: side.columns)
  }
}
