import Formats
import Tensors

/// What the floats of a model can be rounded to, as recipes and configurations name it.
public enum FloatPrecision: String, Choice {
  case f32, f16, bf16

  /// What the slot says that has it, where an operation makes a model of several.
  public static let ofResult =
    "What floats of the result are rounded to; by default what they are in the model that leads."

  public var text: String {
    switch self {
    case .f32: "Floats of 32 bits."
    case .f16: "Floats of 16 bits that are finer than `.bf16`, and reach to 65504."
    case .bf16: "Floats of 16 bits that reach as far as those of 32."
    }
  }

  public var dtype: DType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    }
  }

  /// As `config.json` and PyTorch call it.
  public var torchName: String {
    switch self {
    case .f32: "float32"
    case .f16: "float16"
    case .bf16: "bfloat16"
    }
  }

  /// - Parameter name: Such as `bfloat16`, with or without `torch.` before it.
  public init?(torchName name: String) {
    let plain = name.hasPrefix("torch.") ? String(name.dropFirst(6)) : name
    guard let precision = Self.allCases.first(where: { $0.torchName == plain }) else { return nil }
    self = precision
  }

  /// A configuration that names its tensors' dtype names this one.
  public func named(in config: JSON) -> JSON {
    ["torch_dtype", "dtype"].reduce(config) { config, name in
      config[name] == nil ? config : config.setting(name, to: .string(torchName))
    }
  }
}
