import Diagnostics
import Formats
import Tensors

/// The rotary embedding of a model (Su et al. 2021) as its configuration has it: `rope_parameters`, or `rope_scaling` in older files.
struct Rotary: Sendable {
  private let base: Double
  /// Half a head's width.
  private let pairs: Int
  private let scaling: RotaryScaling

  /// - Parameters:
  ///   - width: Of a head.
  ///   - theta: The base where the configuration gives none.
  ///   - layers: What `rope_parameters` calls the layers, where it tells kinds of layers apart.
  /// - Throws: `OperationError` where frequencies are scaled in a way that is not known here.
  init(_ config: ModelConfig, width: Int, theta: Double, layers: String) throws {
    let fields = config.has("rope_parameters") ? config.json["rope_parameters"] : config.json["rope_scaling"]
    try self.init(
      fields?[layers] ?? fields, of: config, width: width, base: try config.number("rope_theta", default: theta))
  }

  /// Of the layers with a window, which have a base of their own.
  init(local config: ModelConfig, width: Int) throws {
    try self.init(
      config.json["rope_parameters"]?["sliding_attention"], of: config, width: width,
      base: try config.number("rope_local_base_freq", default: 10_000))
  }

  private init(_ fields: JSON?, of config: ModelConfig, width: Int, base: Double) throws {
    let fields = ModelConfig(fields ?? .null, of: config.label)
    try config.check(2, divides: width, "pairs and a head's width")
    // None of these architectures turns a part of a head: `transformers` passes over the field, or fails.
    for place in [fields, config] { try place.require("partial_rotary_factor", is: [.integer(1), .number(1)]) }
    self.base = try fields.number("rope_theta", default: base)
    pairs = width / 2
    scaling = try RotaryScaling(fields, of: config, base: self.base, pairs: pairs)
  }

  /// The angles at all places of a batch of texts. Where frequencies follow from the length of a text, they follow from its own:
  /// what stands beside it in a batch changes nothing.
  func angles(_ texts: TextBatch) -> RotaryAngles {
    let lengths = scaling.dependsOnLength ? texts.counts : [texts.length]
    // Where a text goes on, its frequencies are those that it had.
    return RotaryAngles(
      positions: texts.length, first: texts.first,
      frequencies: lengths.map { scaling.frequencies(base: base, pairs: pairs, length: $0) }, scale: scaling.attention)
  }

  /// Whether the angles of a place are the same in all texts of up to so many tokens.
  func isTheSame(upTo length: Int) -> Bool { scaling.changes.map { length <= $0 } ?? true }
}
