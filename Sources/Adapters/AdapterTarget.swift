import Diagnostics
import Formats
import Operations
import Tensors

/// A layer of a model that an adapter is made for.
public struct AdapterTarget: Sendable {
  /// The module's path: its weight's name without `.weight`.
  public let path: String
  /// As the model keeps it.
  public let shape: Shape
  /// Whether the model keeps it as (in, out).
  public let isTransposed: Bool

  public var weight: String { path + ".weight" }
  public var outputs: Int { isTransposed ? shape.count / shape[0] : shape[0] }
  public var inputs: Int { isTransposed ? shape[0] : shape.count / shape[0] }

  /// The entries of its weight, or of one like it, as (out, in).
  public func matrix(_ tensor: Tensor) -> DoubleMatrix {
    let stored = DoubleMatrix(rows: shape[0], columns: shape.count / shape[0], tensor.doubles)
    return isTransposed ? stored.transposed : stored
  }

  /// Checks that a rank is one that the layer can have.
  public func check(rank: Int, of operation: String) throws {
    guard rank > min(outputs, inputs) else { return }
    throw refused(rank: rank, most: min(outputs, inputs), of: operation)
  }

  public func refused(rank: Int, most: Int, of operation: String) -> OperationError {
    OperationError(
      .step, "`\(operation)` is to have rank \(rank), and `\(weight)` is \(shape), so \(most) at most",
      helps: ["`targets` can leave it out"])
  }
}

extension AdapterTarget {
  /// What stands for every linear layer but the head, as in PEFT.
  public static let allLinear = "all-linear"

  /// The layers that patterns name, in the model's order.
  ///
  /// As in PEFT a name such as `q_proj` stands for every module whose path ends with it, and `all-linear` for every linear layer
  /// but the head; `*` and `?` make it a pattern on whole paths.
  /// - Parameter axes: How many axes a weight may have.
  /// - Throws: `OperationError` where a pattern means nothing, naming what is nearest.
  public static func matching(
    _ patterns: [String], in model: Content, axes: ClosedRange<Int> = 2...2, of operation: String
  ) throws -> [AdapterTarget] {
    let names = TensorName.all(model)
    let weights = zip(model.tensors, names).compactMap { entry, name -> (target: AdapterTarget, role: TensorRole)? in
      guard entry.name.hasSuffix(".weight"), entry.dtype.isFloat, axes.contains(entry.shape.rank), entry.shape.count > 0
      else { return nil }
      let path = String(entry.name.dropLast(".weight".count))
      let isTransposed = entry.shape.rank == 2 && keepsTransposed(path, in: model.facts)
      return (AdapterTarget(path: path, shape: entry.shape, isTransposed: isTransposed), name.role)
    }
    var taken: Set<String> = []
    for pattern in patterns {
      let found = weights.filter { weight in
        if isAllLinear(pattern) { return isLinear(weight.target.path, weight.role, in: model.facts) }
        return matches(pattern, weight.target.path)
      }
      guard !found.isEmpty else { throw unmatched(pattern, weights.map(\.target.path), model, operation) }
      taken.formUnion(found.map(\.target.path))
    }
    return weights.map(\.target).filter { taken.contains($0.path) }
  }

  private static func isAllLinear(_ pattern: String) -> Bool {
    pattern.replacing("_", with: "-").lowercased() == allLinear
  }

  private static func matches(_ pattern: String, _ path: String) -> Bool {
    if pattern.contains("*") || pattern.contains("?") { return Pattern(pattern).matches(path) }
    return path == pattern || path.hasSuffix("." + pattern)
  }

  /// By role and name: a weight's shape does not tell a linear layer from an embedding.
  private static func isLinear(_ path: String, _ role: TensorRole, in config: JSON) -> Bool {
    guard !role.hasVocabulary else { return false }
    let last = path.split(separator: ".").last ?? ""
    // The heads of models that tell texts apart have these names in `transformers`.
    let architecture = config["architectures"]?.array?.first?.string ?? ""
    if architecture.hasSuffix("ForSequenceClassification"), ["score", "classifier"].contains(path) { return false }
    return !["embed", "wte", "wpe", "relative_attention_bias", "lm_head"].contains { last.contains($0) }
  }

  /// OpenAI's first models keep their layers as (in, out), as `Conv1D` of `transformers` does.
  public static func keepsTransposed(_ path: String, in config: JSON) -> Bool {
    let types = ["gpt2", "openai-gpt", "imagegpt", "decision_transformer"]
    let last = path.split(separator: ".").last ?? ""
    return types.contains(config["model_type"]?.string ?? "") && ["c_attn", "c_proj", "c_fc", "q_attn"].contains(last)
  }

  private static func unmatched(
    _ pattern: String, _ paths: [String], _ model: Content, _ operation: String
  ) -> OperationError {
    var endings: [String] = []
    for path in paths {
      let ending = String(path.split(separator: ".").last ?? "")
      if !endings.contains(ending) { endings.append(ending) }
    }
    let nearest = NearestName.of(pattern, among: endings + paths)
    let some = endings.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
    return OperationError(
      .step, "`targets` of `\(operation)` has `\(pattern)`, and `\(model.label)` has no layer like it",
      notes: endings.isEmpty ? ["it has no weights of two axes"] : ["its layers end with \(some)"],
      helps: nearest.map { ["did you mean `\($0)`?"] } ?? [])
  }
}
