import Operations

/// A Kronecker product, W + s · W₁ ⊗ W₂ (LoKr, Yeh et al. 2024), each factor a matrix or itself a product; s = α/r.
public struct Kronecker: AdapterKind {
  public static let type = "LOKR"
  public static let parts: [AdapterPart] = [
    "lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b",
  ]
  public static let fields: Set<String> = [
    "r", "alpha", "rank_pattern", "alpha_pattern", "rank_dropout", "module_dropout", "rank_dropout_scale",
    "decompose_both", "decompose_factor", "init_weights",
  ]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    func factor(_ name: String) throws -> LinearMap {
      if let whole = module[name] { return .tensor(whole) }
      return .product([.tensor(try module.need(name + "_a")), .tensor(try module.need(name + "_b"))])
    }
    let alpha = try config.pattern("alpha_pattern", at: module.path) ?? config.number("alpha", 8)
    let rank = try config.pattern("rank_pattern", at: module.path) ?? config.number("r", 8)
    return AdaptedLayer(onInput: .scaled(alpha / rank, .kronecker([try factor("lokr_w1"), try factor("lokr_w2")])))
  }
}
