import Operations

/// Which layers of a model an operation works on.
public struct TargetLayers: SharedSettings {
  @Param("Layers by the ends of their paths, or patterns with `*`; `all-linear` is every linear layer but the head.")
  public var targets: [String] = [AdapterTarget.allLinear]

  public init() {}
}
