import Operations

/// Some tokens' rows of an embedding, trained while all others stay; `token_indices` says which.
public struct TrainableTokens: AdapterKind {
  public static let type = "TRAINABLE_TOKENS"
  public static let parts: [AdapterPart] = ["trainable_tokens_delta"]
  public static let fields: Set<String> = ["token_indices", "init_weights"]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  /// Despite its name PEFT's tensor holds the rows themselves.
  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    var layer = AdaptedLayer()
    layer.rows = ReplacedRows(
      try config.tokens("token_indices", at: module.path), try module.need("trainable_tokens_delta"))
    return layer
  }
}
