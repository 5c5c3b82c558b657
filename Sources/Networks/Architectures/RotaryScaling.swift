import Diagnostics
import Formats
import Foundation

/// How the frequencies of a rotary embedding change where a model reads longer texts than it first learned from: the kinds that
/// `transformers` calls by these names in `rope_type`.
enum RotaryScaling: Sendable {
  /// `default`.
  case none
  /// All divided by a factor.
  case linear(factor: Double)
  /// A larger base for texts of L tokens, longer than the context C, NTK-aware: θ (s L / C − (s − 1))^(d / (d − 2)).
  case dynamic(factor: Double, context: Double)
  /// YaRN (Peng et al. 2023): low frequencies divided by a factor, high ones not, with a ramp between two pairs.
  case yarn(factor: Double, ramp: (first: Double, last: Double), attention: Double)
  /// LongRoPE (Ding et al. 2024): each frequency divided by its own factor, of one list up to the original context and of another
  /// beyond it.
  case longRoPE(short: [Double], long: [Double], context: Int, attention: Double)
  /// Of Llama 3.1: frequencies whose waves are long divided by a factor, those whose waves are short not, with a ramp between.
  case llama3(factor: Double, low: Double, high: Double, context: Double)

  /// - Parameters:
  ///   - fields: `rope_parameters`.
  ///   - pairs: How many frequencies there are.
  /// - Throws: `OperationError` where the kind is not known, or a field is missing.
  init(_ fields: ModelConfig, of config: ModelConfig, base: Double, pairs: Int) throws {
    let kind = try fields.text("rope_type", default: try fields.text("type", default: "default"))
    let context = try config.count("max_position_embeddings", default: 2048)
    let original = try config.count(
      "original_max_position_embeddings",
      default: try fields.count("original_max_position_embeddings", default: context))
    func factor() throws -> Double {
      let factor = try fields.number("factor")
      return factor > 0 ? factor : 1
    }
    /// The factor, or how often the original context goes into the present one.
    func stretch() throws -> Double { try fields.has("factor") ? factor() : Double(context) / Double(original) }
    switch kind {
    case "default": self = .none
    case "linear": self = .linear(factor: try factor())
    case "dynamic": self = .dynamic(factor: try factor(), context: Double(context))
    case "yarn": self = try Self.yarn(fields, factor: stretch(), context: Double(original), base: base, pairs: pairs)
    case "longrope":
      let stretch = try stretch()
      let root = stretch > 1 ? (1 + log(stretch) / log(Double(original))).squareRoot() : 1
      self = .longRoPE(
        short: try Self.factors("short_factor", fields, pairs), long: try Self.factors("long_factor", fields, pairs),
        context: original, attention: try fields.number("attention_factor", default: root))
    case "llama3":
      self = .llama3(
        factor: try factor(), low: try fields.number("low_freq_factor"), high: try fields.number("high_freq_factor"),
        context: Double(original))
    default:
      throw OperationError(
        .data, "the rotary embedding of `\(fields.label)` is of type `\(kind)`, which is not known here",
        notes: ["known are `default`, `linear`, `dynamic`, `yarn`, `longrope` and `llama3`"])
    }
  }

  /// The ramp lies between the pairs that turn `beta_fast` and `beta_slow` times in the original context.
  private static func yarn(
    _ fields: ModelConfig, factor: Double, context: Double, base: Double, pairs: Int
  ) throws -> RotaryScaling {
    func pair(turning turns: Double) -> Double {
      Double(pairs) * log(context / (turns * 2 * Double.pi)) / log(base)
    }
    var first = pair(turning: try fields.number("beta_fast", default: 32))
    var last = pair(turning: try fields.number("beta_slow", default: 1))
    if try fields.flag("truncate", default: true) { (first, last) = (first.rounded(.down), last.rounded(.up)) }
    func mscale(_ share: Double) -> Double { factor <= 1 ? 1 : 0.1 * share * log(factor) + 1 }
    let (some, all) = (try fields.number("mscale", default: 0), try fields.number("mscale_all_dim", default: 0))
    let attention = some != 0 && all != 0 ? mscale(some) / mscale(all) : mscale(1)
    return .yarn(
      factor: factor, ramp: (max(first, 0), min(last, Double(2 * pairs - 1))),
      attention: try fields.number("attention_factor", default: attention))
  }

  private static func factors(_ name: String, _ fields: ModelConfig, _ pairs: Int) throws -> [Double] {
    let found = (fields.json[name]?.array ?? []).compactMap(\.number)
    guard found.count == pairs, found.allSatisfy({ $0 != 0 }) else {
      throw OperationError(
        .data, "`\(name)` of `\(fields.label)` does not give a factor for each of \(pairs) frequencies")
    }
    return found
  }

  /// The length from which on frequencies follow from how long a text is; nil where they never do.
  var changes: Int? {
    switch self {
    case .dynamic(_, let context): Int(context)
    case .longRoPE(_, _, let context, _): context
    case .none, .linear, .yarn, .llama3: nil
    }
  }

  /// Whether frequencies follow from how long a text is.
  var dependsOnLength: Bool { changes != nil }

  /// What cosines and sines are multiplied by.
  var attention: Double {
    switch self {
    case .yarn(_, _, let attention), .longRoPE(_, _, _, let attention): attention
    case .none, .linear, .dynamic, .llama3: 1
    }
  }

  /// The frequencies θ^(-2i/d) of a base for each pair i of a head d wide, scaled for a text of so many tokens.
  func frequencies(base: Double, pairs: Int, length: Int) -> [Double] {
    func plain(_ base: Double) -> [Double] { (0..<pairs).map { pow(base, -Double($0) / Double(pairs)) } }
    switch self {
    case .none: return plain(base)
    case .linear(let factor): return plain(base).map { $0 / factor }
    case .dynamic(let factor, let context):
      let stretch = factor * max(Double(length) / context, 1) - (factor - 1)
      return plain(pairs > 1 ? base * pow(stretch, Double(pairs) / Double(pairs - 1)) : base)
    case .yarn(let factor, let ramp, _):
      let width = ramp.first == ramp.last ? 0.001 : ramp.last - ramp.first
      return plain(base).enumerated().map { pair, frequency in
        let share = min(max((Double(pair) - ramp.first) / width, 0), 1)
        return share * frequency / factor + (1 - share) * frequency
      }
    case .longRoPE(let short, let long, let context, _):
      return zip(plain(base), length > context ? long : short).map { $0 / $1 }
    case .llama3(let factor, let low, let high, let context):
      return plain(base).map { frequency in
        let length = 2 * Double.pi / frequency
        if length > context / low { return frequency / factor }
        if length < context / high { return frequency }
        let smooth = (context / length - low) / (high - low)
        return (1 - smooth) * frequency / factor + smooth * frequency
      }
    }
  }
}
