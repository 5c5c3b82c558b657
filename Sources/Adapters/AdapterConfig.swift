import Diagnostics
import Formats
import Operations

/// An adapter's configuration, as PEFT's `adapter_config.json` writes it.
public struct AdapterConfig: Sendable {
  public let json: JSON
  /// What errors call the adapter.
  public let label: String

  public init(_ adapter: Content) { (json, label) = (adapter.facts, adapter.label) }

  public func flag(_ name: String) -> Bool { json[name]?.bool ?? false }

  public func number(_ name: String, _ otherwise: Double) -> Double { json[name]?.number ?? otherwise }

  /// The first member of a field whose name, as a regular expression, ends a module's path: how PEFT reads `alpha_pattern`.
  public func pattern(_ field: String, at path: String) throws -> Double? {
    for member in json[field]?.object ?? [] where try Self.matches(member.name, path, field, label) {
      return member.value.number
    }
    return nil
  }

  /// The tokens that a field lists: for all embeddings, or for each by the end of its path.
  /// - Throws: `OperationError` where it lists none.
  func tokens(_ field: String, at path: String) throws -> [Int] {
    let list =
      json[field]?.array ?? json[field]?.object?.first { path == $0.name || path.hasSuffix("." + $0.name) }?.value.array
    guard let tokens = list?.compactMap(\.integer), !tokens.isEmpty else {
      throw OperationError(.data, "`\(field)` of `\(label)` names no tokens of `\(path)`, which it has rows for")
    }
    return tokens
  }

  private static func matches(_ pattern: String, _ path: String, _ field: String, _ label: String) throws -> Bool {
    if path == pattern || path.hasSuffix("." + pattern) { return true }
    guard let regex = try? Regex("(.*\\.)?(\(pattern))") else {
      throw OperationError(.data, "`\(pattern)` in `\(field)` of `\(label)` is no regular expression")
    }
    return path.wholeMatch(of: regex) != nil
  }

  // MARK: What is not supported

  /// Fields that say nothing of what the tensors mean: where it came from, how it was trained, where it applies (its tensors
  /// show that).
  private static let harmless: Set<String> = [
    "peft_type", "peft_version", "task_type", "auto_mapping", "base_model_name_or_path", "revision", "inference_mode",
    "target_modules", "exclude_modules", "modules_to_save", "layers_to_transform", "layers_pattern", "mergekit",
  ]

  /// Fields that are numbers wherever a kind has them.
  private static let numbers: Set<String> = [
    "r", "alpha", "lora_alpha", "scale", "n_tasks", "n_skills", "n_splits", "task",
  ]

  /// Checks that the kind takes account of every field that is set.
  /// - Throws: `OperationError` naming the first that it does not.
  func check(fields: Set<String>) throws {
    for member in json.object ?? [] where Self.numbers.contains(member.name) {
      guard member.value.number == nil, member.value != .null else { continue }
      throw OperationError(.data, "`\(member.name)` of `\(label)` is \(member.value.compact), and is to be a number")
    }
    for member in json.object ?? [] where !Self.harmless.contains(member.name) && !fields.contains(member.name) {
      switch member.value {
      case .null, .bool(false), .string(""), .array([]), .object([]), .integer(0), .number(0): continue
      default:
        let text = member.value.compact
        throw OperationError(
          .data, "`\(label)` is set up with `\(member.name)`, which is not supported",
          notes: ["its `adapter_config.json` says \(text.count > 60 ? String(text.prefix(60)) + "…" : text)"],
          helps: ["what it does to the model is not known here, so it is not folded as if it did nothing"])
      }
    }
  }
}
