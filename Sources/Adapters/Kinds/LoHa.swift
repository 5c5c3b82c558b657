import Operations

/// An entry-by-entry product of two products, W + s · (A₁ B₁) ∘ (A₂ B₂) (FedPara, Hyeon-Woo et al. 2022; LoHa, Yeh et al. 2024),
/// whose rank can be the square of the factors'; s = α/r.
public struct LoHa: AdapterKind {
  public static let type = "LOHA"
  public static let parts: [AdapterPart] = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"]
  public static let fields: Set<String> = [
    "r", "alpha", "rank_pattern", "alpha_pattern", "rank_dropout", "module_dropout", "init_weights",
  ]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let factors = try (1...2).map { number in
      LinearMap.product([
        .tensor(try module.need("hada_w\(number)_a")), .tensor(try module.need("hada_w\(number)_b")),
      ])
    }
    let alpha = try config.pattern("alpha_pattern", at: module.path) ?? config.number("alpha", 8)
    let rank = try config.pattern("rank_pattern", at: module.path) ?? config.number("r", 8)
    return AdaptedLayer(onInput: .scaled(alpha / rank, .hadamard(factors)))
  }
}
