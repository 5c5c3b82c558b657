import Diagnostics
import Formats
import Operations
import Tensors

/// An adapter's tensors, sorted by the modules that they belong to.
public struct AdapterReading: Sendable {
  public let content: Content
  public let kind: any AdapterKind
  /// In the order of the adapter's tensors.
  public let layers: [(path: String, layer: AdaptedLayer)]
  /// Tensors of the model that are replaced, or biases that were trained, by the model's names.
  public let whole: [(name: String, entry: TensorEntry)]
  /// Those of them that a module which is adapted has below it, so that they are the model's for whoever shares them.
  let wrapped: Set<String>

  /// What stands before a module's path in the names of an adapter's tensors.
  public static let prefix = "base_model.model."

  /// What PEFT puts between an adapted module's path and a tensor of the model that it saves whole, such as an embedding.
  static let wrapping = "base_layer."

  /// - Throws: `OperationError` where it is not what its configuration says.
  public init(_ content: Content) throws {
    let type = try AdapterKinds.kind(of: content)
    let config = AdapterConfig(content)
    try config.check(fields: type.fields)
    kind = try type.init(config)
    self.content = content
    var order: [String] = []
    var parts: [String: [String: TensorEntry]] = [:]
    var whole: [(String, TensorEntry)] = []
    var wrapped: Set<String> = []
    for entry in content.tensors {
      guard entry.name.hasPrefix(Self.prefix) else { throw Self.misnamed(entry, content) }
      let rest = String(entry.name.dropFirst(Self.prefix.count))
      if let part = type.parts.first(where: { rest.hasSuffix("." + $0.name) }) {
        let path = String(rest.dropLast(part.name.count + 1))
        if parts[path] == nil { order.append(path) }
        parts[path, default: [:]][part.name] = entry
      } else if Self.couldBePart(rest) {
        throw Self.misnamed(entry, content)
      } else {
        let name = rest.replacing("." + Self.wrapping, with: ".")
        if name != rest { wrapped.insert(name) }
        whole.append((name, entry))
      }
    }
    (self.whole, self.wrapped) = (whole, wrapped)
    var layers: [(String, AdaptedLayer)] = []
    for path in order {
      let module = AdapterModule(path: path, parts: parts[path] ?? [:], label: content.label)
      let layer = try kind.layer(module)
      guard layer.isConsistent else {
        let tensors = layer.tensors.map { "`\($0.name)` is \($0.shape)" }
        throw OperationError(
          .data, "the tensors of `\(content.label)` for `\(path)` do not fit one another",
          notes: [tensors.joined(separator: ", ")])
      }
      layers.append((path, layer))
    }
    self.layers = layers
  }

  private static func misnamed(_ entry: TensorEntry, _ content: Content) -> OperationError {
    let type = content.facts["peft_type"]?.string ?? ""
    return OperationError(
      .data, "`\(entry.name)` of `\(content.label)` is not called as PEFT calls an adapter's tensors",
      notes: ["it is an adapter of type `\(type)`"])
  }

  /// Whether a name looks like the part of some kind of adapter rather than a whole tensor of the model.
  private static func couldBePart(_ name: String) -> Bool { stems.contains { name.contains("." + $0) } }

  /// What the names of parts begin with, such as `lora_`.
  private static let stems = Set(
    AdapterKinds.all.flatMap { $0.parts }.map { ($0.name.split(separator: "_").first ?? "") + "_" } + ["token_adapter"])

  /// Reads one of the adapter's tensors.
  /// - Throws: `OperationError` where an entry is NaN or infinite.
  public func read(_ entry: TensorEntry) throws -> Tensor { try content.finiteTensor(entry.name) }

  /// The first module of which it changes stacks of experts.
  public var pathOfExperts: String? { layers.first { $0.layer.experts != nil }?.path }

  /// Whether its factors at a module are an embedding's.
  public func isEmbedding(_ path: String) -> Bool { content.entry(Self.prefix + path + ".lora_embedding_A") != nil }

  /// Whether its layers keep their weights as (in, out); embeddings do without saying so.
  public var isTransposed: Bool { content.facts["fan_in_fan_out"]?.bool ?? false }

  /// The numbers that training changes, all tensors together.
  public var trainedCount: Int {
    let frozen = type(of: kind).parts.filter { !$0.isTrained }.map { "." + $0.name }
    return content.tensors.reduce(0) { sum, entry in
      frozen.contains { entry.name.hasSuffix($0) } ? sum : sum + entry.shape.count
    }
  }
}

extension AdapterReading {
  /// Checks that all that it does is add a matrix to each of some weights, whatever those are.
  /// - Throws: `OperationError` naming where it does more.
  public func checkAdds(_ operation: String) throws {
    guard let place = layers.first(where: { !$0.layer.onlyAdds })?.path ?? whole.first?.name else { return }
    throw OperationError(
      .step, "`\(content.label)` does more at `\(place)` than add to its weight, which `\(operation)` cannot work with",
      notes: ["it is an adapter of type `\(Swift.type(of: kind).type)`"])
  }
}
