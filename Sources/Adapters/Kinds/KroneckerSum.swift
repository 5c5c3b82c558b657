import Operations

/// A sum of Kronecker products, W + s · Σₖ Uₖ ⊗ Vₖ (SoKA, 2025), in tensors of (K, m, n) and (K, p, q).
public struct KroneckerSum: AdapterKind {
  public static let type = "SOKA"
  public static let parts: [AdapterPart] = ["soka_u", "soka_v"]
  public static let fields: Set<String> = ["scale", "fan_in_fan_out"]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let (u, v) = (try module.need("soka_u"), try module.need("soka_v"))
    let products = (0..<(u.shape.axes.first ?? 0)).map { LinearMap.kronecker([.slice(u, $0), .slice(v, $0)]) }
    var layer = AdaptedLayer(onInput: .scaled(config.number("scale", 1), .sum(products)))
    layer.isTransposed = config.flag("fan_in_fan_out")
    return layer
  }
}
