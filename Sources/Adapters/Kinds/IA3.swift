import Operations

/// One factor for each output of a layer, or for each input of a feed-forward one (Liu et al. 2022).
public struct IA3: AdapterKind {
  public static let type = "IA3"
  public static let parts: [AdapterPart] = [.init("ia3_l", changesBias: true)]
  public static let fields: Set<String> = ["feedforward_modules", "fan_in_fan_out", "init_ia3_weights"]

  private let isTransposed: Bool

  public init(_ config: AdapterConfig) throws { isTransposed = config.flag("fan_in_fan_out") }

  /// PEFT keeps factors of inputs as a row and factors of outputs as a column.
  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let factors = try module.need("ia3_l")
    var layer = AdaptedLayer()
    layer.isTransposed = isTransposed
    if factors.shape.axes.first == 1 { layer.inputFactors = factors } else { layer.outputFactors = factors }
    return layer
  }
}
