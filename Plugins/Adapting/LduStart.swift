import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// An adapter whose only trained numbers are pivots of each weight (Shi et al. 2024).
struct LduStart: AdapterStart {
  enum Diagonal: String, Choice {
    case pivots, uniform, normal, constant, ones, zeros

    var text: String {
      switch self {
      case .pivots: "The pivots themselves, so that the adapter is a part of the weight."
      case .uniform: "Evenly from minus to plus half the magnitude of the pivots' mean."
      case .normal: "Normal, with the pivots' mean and standard deviation."
      case .constant: "The pivots' mean."
      case .ones: "Ones."
      case .zeros: "Zeros, so that the adapter changes nothing yet."
      }
    }
  }

  static let about = About(
    "ldu",
    "Begin an adapter that trains a diagonal between two triangles of each weight.",
    discussion: """
      With W = P L D U, rows exchanged for the largest pivots, the adapter is s · (P L)[:, :r] diag(z) U[:r, :], of which z \
      alone is trained: r numbers for each layer. The first r pivots are taken, in LAPACK's order, as the authors do. What \
      is trained with it is `residual(base:, adapter: start)`, whatever z begins as; the authors' own code keeps the \
      model's predictions only for some of these choices. A pivot of zero, which their code divides by, is refused.
      """,
    papers: [.init("Shi et al. 2024, LoLDU", arXiv: "2410.13618")],
    cost: "O(entries × lesser side) for each layer",
    examples: [Example("A few numbers for each layer", "ldu(base, rank: 4)")])

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Param("How many pivots of each layer are trained.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("What the adapter is multiplied by is this over the rank; the rank itself by default.", in: 0...)
  var alpha: Double? = nil
  @Param("What z begins as.")
  var diagonal: Diagonal = .pivots
  @Param("Decides what is drawn.")
  var seed: Int = 0

  var source: Content { base.content }
  var kind: any AdapterKind.Type { LDU.self }

  func check(_ target: AdapterTarget) throws { try target.check(rank: rank, of: "ldu") }

  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? {
    [("ldu_diagonal", [rank]), ("ldu_lower", [target.outputs, rank]), ("ldu_upper", [rank, target.inputs])]
  }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    [
      .init("r", .integer(rank)), .init("alpha", .number(alpha ?? Double(rank))),
      .init("fan_in_fan_out", .bool(targets.first?.isTransposed ?? false)),
    ]
  }

  func workspace(_ target: AdapterTarget) -> Int { 8 * target.shape.count * 5 }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    guard let found = LowerUpper(try matrix(target)) else { preconditionFailure("what was read is finite") }
    let largest = found.pivots.map(\.magnitude).max() ?? 0
    let level = SingularValues.roundingLevel(of: largest, rows: target.outputs, columns: target.inputs)
    if let zero = found.pivots.prefix(rank).firstIndex(where: { $0.magnitude <= level }) {
      throw OperationError(
        .step, "pivot \(zero) of `\(target.weight)` is zero up to rounding, so `ldu` cannot divide by it",
        notes: ["its first \(zero + 1) columns are linearly dependent, and `rank` is \(rank)"],
        helps: zero > 0 ? ["`rank: \(zero)` or less works, and so does leaving the layer out"] : ["leave the layer out"]
      )
    }
    let z = begun(Array(found.pivots.prefix(rank)), target.path)
    return StartedLayer(parts: [
      ("ldu_diagonal", Tensor(z.map { Float($0) }, shape: [rank])),
      ("ldu_lower", Tensor(found.lower.firstColumns(rank))), ("ldu_upper", Tensor(found.upper.firstRows(rank))),
    ])
  }

  private func begun(_ pivots: [Double], _ path: String) -> [Double] {
    let count = Double(pivots.count)
    let mean = pivots.reduce(0, +) / count
    let squares = pivots.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = count > 1 ? (squares / (count - 1)).squareRoot() : 0
    var generator = Generator(seed: seed, stream: "ldu", path)
    return pivots.map { pivot in
      switch diagonal {
      case .pivots: pivot
      case .uniform: (generator.uniform() - 0.5) * mean.magnitude
      case .normal: mean + deviation * generator.gaussian()
      case .constant: mean
      case .ones: 1
      case .zeros: 0
      }
    }
  }
}
