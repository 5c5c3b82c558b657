import Operations

/// A diagonal between two frozen triangles (LoLDU, Shi et al. 2024): W + s · L diag(z) U, of which z alone is trained.
///
/// L and U are the first columns and rows of a model's `W = P L D U`, L with its rows permuted already: (out, r) and (r, in).
public struct LDU: AdapterKind {
  public static let type = "LDU"
  public static let parts: [AdapterPart] = [
    .init("ldu_lower", isTrained: false), "ldu_diagonal", .init("ldu_upper", isTrained: false),
  ]
  public static let fields: Set<String> = ["r", "alpha", "fan_in_fan_out"]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let diagonal = try module.need("ldu_diagonal")
    let rank = Double(diagonal.shape.count)
    var layer = AdaptedLayer(
      onInput: .scaled(
        config.number("alpha", rank) / rank,
        .product([.tensor(try module.need("ldu_lower")), .diagonal(diagonal), .tensor(try module.need("ldu_upper"))])))
    layer.isTransposed = config.flag("fan_in_fan_out")
    return layer
  }
}
