import Operations

/// Two factors in a weight's place: the layer becomes U V, and what it was is gone. What compressing a model makes.
public struct Factors: AdapterKind {
  public static let type = "FACTORS"
  public static let parts: [AdapterPart] = ["factor_out", "factor_in"]
  public static let fields: Set<String> = ["fan_in_fan_out"]

  private let isTransposed: Bool

  public init(_ config: AdapterConfig) throws { isTransposed = config.flag("fan_in_fan_out") }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    var layer = AdaptedLayer(
      onInput: .product([.tensor(try module.need("factor_out")), .tensor(try module.need("factor_in"))]))
    layer.keepsWeight = false
    layer.isTransposed = isTransposed
    return layer
  }
}
