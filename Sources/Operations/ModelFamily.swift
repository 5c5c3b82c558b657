import Formats

/// Models whose tensors are called alike: which of them are embeddings, layers, the norm after the layers and the head.
public struct ModelFamily: Sendable {
  /// A stack of layers and what stands before and after it; most models have one, those that see or hear have more.
  public struct Part: Sendable {
    /// Such as `vision_tower`; `model` where there is only one.
    public let name: String
    /// How the layers' tensors are called, `#` standing for the layer's number: `model.layers.#.`; empty where there are none.
    let layers: String
    /// Where the configuration says how many layers there are: `text_config.num_hidden_layers`.
    public let layerCount: String
    let before: [Pattern]
    let after: [Pattern]
    /// Those of `before` and `after` that have a row for each token of the vocabulary.
    let vocabulary: [Pattern]

    init(
      _ name: String = "model", layers: String, count: String = "num_hidden_layers", before: [String], after: [String],
      vocabulary: [String] = []
    ) {
      self.name = name
      self.layers = layers
      layerCount = count
      self.before = before.map(Pattern.init)
      self.after = after.map(Pattern.init)
      self.vocabulary = vocabulary.map(Pattern.init)
    }

    /// The number of the layer that a tensor belongs to.
    func layer(of name: String) -> Int? {
      guard let hash = layers.firstIndex(of: "#") else { return nil }
      let (head, tail) = (layers[..<hash], layers[layers.index(after: hash)...])
      guard name.hasPrefix(head) else { return nil }
      let rest = name.dropFirst(head.count)
      let digits = rest.prefix { ("0"..."9").contains($0) }
      guard !digits.isEmpty, rest.dropFirst(digits.count).hasPrefix(tail) else { return nil }
      return Int(digits)
    }

    func isBefore(_ name: String) -> Bool { before.contains { $0.matches(name) } }
    func isAfter(_ name: String) -> Bool { after.contains { $0.matches(name) } }
  }

  /// `model_type` in `config.json`.
  public let modelTypes: [String]
  public let parts: [Part]

  init(_ modelTypes: [String], _ parts: [Part]) {
    self.modelTypes = modelTypes
    self.parts = parts
  }

  /// The family of a model, by the `model_type` of its configuration; nil where it is not known.
  ///
  /// One type can be laid out in several ways, with a head or without: the one that knows the most names is taken.
  public static func known(config: JSON, tensors names: [String]) -> ModelFamily? {
    guard let type = config["model_type"]?.string else { return nil }
    return known.filter { $0.modelTypes.contains(type) }.max { $0.recognised(names) < $1.recognised(names) }
      .flatMap { $0.recognised(names) > 0 ? $0 : nil }
  }

  private func recognised(_ names: [String]) -> Int { names.count { role(of: $0) != .other } }

  /// What a tensor is in its model.
  func role(of name: String) -> TensorRole {
    for part in parts {
      if let layer = part.layer(of: name) { return .layer(layer) }
      let hasVocabulary = part.vocabulary.contains { $0.matches(name) }
      if part.isAfter(name) { return hasVocabulary ? .head : .afterLayers }
      if part.isBefore(name) { return hasVocabulary ? .embedding : .beforeLayers }
    }
    return .other
  }

  /// The place in `parts` of the one that a tensor belongs to.
  func part(of name: String) -> Int? {
    parts.firstIndex { $0.layer(of: name) != nil || $0.isBefore(name) || $0.isAfter(name) }
  }
}

/// What a tensor is in its model.
public enum TensorRole: Sendable, Hashable {
  /// A row for each token, at the input.
  case embedding
  /// Other things before the layers: positions, patches, their norms.
  case beforeLayers
  case layer(Int)
  /// Things after the layers that have no rows for tokens: the last norm, a pooler, a classifier.
  case afterLayers
  /// A row for each token, at the output.
  case head
  case other

  /// Whether it has a row for each token of the vocabulary.
  public var hasVocabulary: Bool { self == .embedding || self == .head }
}
