import Operations

/// A parallel branch on a layer's input and a sequential one on its output (Hydra, Kim et al. 2023).
///
/// y₀ = W x + b; y = y₀ + s (Bₚ (Aₚ x + aₚ) + bₚ) + s (Bₛ (Aₛ y₀ + aₛ) + bₛ). Either branch and any bias may be missing.
public struct Hydra: AdapterKind {
  public static let type = "HYDRA"
  public static let parts: [AdapterPart] = ["parallel", "sequential"].flatMap { branch in
    ["A", "B"].flatMap { factor in
      ["weight", "bias"].map { .init("hydra_\(branch)_\(factor).\($0)", changesBias: true) }
    }
  }
  public static let fields: Set<String> = ["r", "scale", "dropout", "fan_in_fan_out"]

  private let config: AdapterConfig

  public init(_ config: AdapterConfig) throws { self.config = config }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let scale = config.number("scale", 1)
    var offsets: [LinearMap] = []
    func branch(_ name: String) throws -> LinearMap? {
      let stem = "hydra_\(name)_"
      guard module[stem + "A.weight"] != nil || module[stem + "B.weight"] != nil else { return nil }
      let (a, b) = (try module.need(stem + "A.weight"), try module.need(stem + "B.weight"))
      if let bias = module[stem + "A.bias"] { offsets.append(.product([.tensor(b), .tensor(bias)])) }
      if let bias = module[stem + "B.bias"] { offsets.append(.tensor(bias)) }
      return .scaled(scale, .product([.tensor(b), .tensor(a)]))
    }
    var layer = AdaptedLayer(onInput: try branch("parallel"))
    layer.onOutput = try branch("sequential")
    if !offsets.isEmpty { layer.offset = .scaled(scale, .sum(offsets)) }
    layer.isTransposed = config.flag("fan_in_fan_out")
    return layer
  }
}
