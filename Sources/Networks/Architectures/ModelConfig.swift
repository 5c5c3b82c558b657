import Diagnostics
import Formats

/// A model's `config.json`, read field by field; errors name the model and the field.
public struct ModelConfig: Sendable {
  public let json: JSON
  /// What errors call the model.
  public let label: String

  public init(_ json: JSON, of label: String) {
    self.json = json
    self.label = label
  }

  /// Whether a field is there, and not null.
  func has(_ name: String) -> Bool { json[name].map { $0 != .null } ?? false }

  /// A whole number from 1 up.
  func count(_ name: String, default fallback: Int? = nil) throws -> Int {
    guard has(name) else { return try absent(name, fallback) }
    // No model comes near; what does is a mistake, or meant to exhaust memory.
    guard let count = json[name]?.integer, (1...1 << 28).contains(count) else {
      throw wrong(name, "a whole number from 1")
    }
    return count
  }

  func number(_ name: String, default fallback: Double? = nil) throws -> Double {
    guard has(name) else { return try absent(name, fallback) }
    guard let number = json[name]?.number, number.isFinite else { throw wrong(name, "a number") }
    return number
  }

  func flag(_ name: String, default fallback: Bool? = nil) throws -> Bool {
    guard has(name) else { return try absent(name, fallback) }
    guard let flag = json[name]?.bool else { throw wrong(name, "true or false") }
    return flag
  }

  func text(_ name: String, default fallback: String? = nil) throws -> String {
    guard has(name) else { return try absent(name, fallback) }
    guard let text = json[name]?.string else { throw wrong(name, "a text") }
    return text
  }

  /// An activation by its name in `transformers`.
  func activation(_ name: String, default fallback: String) throws -> Activation {
    let text = try text(name, default: fallback)
    if let activation = Activation(named: text) { return activation }
    throw OperationError(
      .data, "`\(name)` of `\(label)` is `\(text)`, and that activation is not known",
      notes: ["known are \(Activation.names.map { "`\($0)`" }.joined(separator: ", "))"])
  }

  /// How many classes a classification head tells apart: `num_labels`, or as many as `id2label` names; 2 where nothing is said.
  func labels() throws -> Int {
    if let names = json["id2label"]?.object, !names.isEmpty { return names.count }
    return try count("num_labels", default: 2)
  }

  /// The token of padding; nil where the configuration names none that is a token.
  func padding(below vocabulary: Int, default fallback: Int? = nil) -> Int? {
    guard has("pad_token_id") else { return fallback }
    return json["pad_token_id"]?.integer.flatMap { (0..<vocabulary).contains($0) ? $0 : nil }
  }

  /// Checks that a field has the only value that is known here.
  func require(_ name: String, is known: [JSON]) throws {
    guard let value = json[name], value != .null, !known.contains(value) else { return }
    throw OperationError(.data, "`\(name)` of `\(label)` is `\(value.compact)`, and networks like that cannot be run")
  }

  /// Checks that one number divides another.
  func check(_ part: Int, divides whole: Int, _ names: String) throws {
    guard whole % part == 0 else {
      throw OperationError(
        .data, "the configuration of `\(label)` has \(names) of \(part) and \(whole), which do not fit")
    }
  }

  private func absent<Value>(_ name: String, _ fallback: Value?) throws -> Value {
    if let fallback { return fallback }
    throw OperationError(.data, "the configuration of `\(label)` has no `\(name)`")
  }

  private func wrong(_ name: String, _ wanted: String) -> OperationError {
    OperationError(
      .data, "`\(name)` in the configuration of `\(label)` is no \(wanted.drop { $0 == "a" || $0 == " " })")
  }
}
