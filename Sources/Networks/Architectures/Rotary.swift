import Diagnostics
import Formats
import Foundation

/// The frequencies of a model's rotary embedding, as its configuration has them.
struct Rotary: Sendable {
  private let frequencies: [Double]
  private let scale: Double

  /// - Parameters:
  ///   - width: Of a head.
  ///   - theta: The base where the configuration gives none.
  ///   - layers: What `rope_parameters` calls the layers, where it tells kinds of layers apart.
  /// - Throws: `OperationError` where frequencies are scaled in a way that is not known here.
  init(_ config: ModelConfig, width: Int, theta: Double, layers: String) throws {
    var fields = config.json["rope_parameters"] ?? config.json["rope_scaling"] ?? .null
    if let own = fields[layers] { fields = own }
    let inner = ModelConfig(fields, of: config.label)
    let base = try inner.number("rope_theta", default: try config.number("rope_theta", default: theta))
    try self.init(inner, base: base, width: width, context: config)
  }

  /// Of the layers with a window, which have a base of their own.
  init(local config: ModelConfig, width: Int) throws {
    let fields = config.json["rope_parameters"]?["sliding_attention"] ?? .null
    let inner = ModelConfig(fields, of: config.label)
    let base = try inner.number("rope_theta", default: try config.number("rope_local_base_freq", default: 10_000))
    try self.init(inner, base: base, width: width, context: config)
  }

  private init(_ fields: ModelConfig, base: Double, width: Int, context: ModelConfig) throws {
    let share = try fields.number(
      "partial_rotary_factor", default: try context.number("partial_rotary_factor", default: 1))
    let turned = Int(Double(width) * share)
    let plain = stride(from: 0, to: turned, by: 2).map { pow(base, -Double($0) / Double(turned)) }
    let type = try fields.text("rope_type", default: try fields.text("type", default: "default"))
    scale = 1
    switch type {
    case "default": frequencies = plain
    case "linear":
      let factor = try fields.number("factor")
      frequencies = plain.map { $0 / factor }
    case "llama3":
      let (factor, low) = (try fields.number("factor"), try fields.number("low_freq_factor"))
      let (high, old) = (
        try fields.number("high_freq_factor"), try fields.number("original_max_position_embeddings")
      )
      frequencies = plain.map { frequency in
        let length = 2 * Double.pi / frequency
        if length > old / low { return frequency / factor }
        if length < old / high { return frequency }
        let smooth = (old / length - low) / (high - low)
        return (1 - smooth) * frequency / factor + smooth * frequency
      }
    default:
      throw OperationError(
        .data, "the rotary embedding of `\(fields.label)` is of type `\(type)`, which is not known here",
        notes: ["known are `default`, `linear` and `llama3`"])
    }
  }

  func angles(_ positions: Int) -> RotaryAngles {
    RotaryAngles(positions: positions, frequencies: frequencies, scale: scale)
  }
}
