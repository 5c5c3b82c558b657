import Operations

/// A core with a factor for each axis (FLoRA, Si et al. 2024): W + s · G ×₁ U₁ … ×ₙ Uₙ, with W's inputs and outputs swapped.
///
/// G is (r_in, r_out, r_height, r_width) for a convolution and (r_in, r_out) for a linear layer, where the change is
/// s · U_out Gᵀ U_inᵀ. Factor `i` is (length of axis i, rᵢ).
public struct Tucker: AdapterKind {
  public static let type = "FLORA"
  public static let parts: [AdapterPart] = [
    "flora_core", "flora_factor_0", "flora_factor_1", "flora_factor_2", "flora_factor_3",
  ]
  public static let fields: Set<String> = ["r", "scale", "flora_dropout", "fan_in_fan_out"]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let core = try module.need("flora_core")
    let factors = try (0..<max(core.shape.rank, 2)).map { LinearMap.tensor(try module.need("flora_factor_\($0)")) }
    let inner = LinearMap.transposed(.kronecker([factors[0]] + factors.dropFirst(2)))
    var layer = AdaptedLayer(
      onInput: .scaled(config.number("scale", 1), .product([factors[1], .unfolding(core, axis: 1), inner])))
    layer.isTransposed = config.flag("fan_in_fan_out")
    return layer
  }
}
