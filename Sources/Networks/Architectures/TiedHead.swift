import Formats
import Tensors

/// A head that has an embedding's weight, and what the same model is with a weight of its own there.
public struct TiedHead: Sendable {
  /// The tensor that both are.
  public let embedding: String
  /// The path of the head's layer.
  public let path: String
  /// The configuration that gives the head its own weight.
  public let untied: JSON
  /// The tensors that it then has beside those that are there, and which of those each is a copy of.
  public let added: [(name: String, original: String)]

  public var weight: String { path + ".weight" }

  /// What makes a linear layer of it.
  public func layer(of shape: Shape) -> LinearLayerName {
    LinearLayerName(path: path, weight: embedding, shape: shape, isTransposed: false)
  }

  /// Nil where the model is no network that is known, or none of its layers shares its weight with an embedding.
  public init?(config json: JSON, tensors: [(name: String, shape: Shape)]) {
    guard let blueprint = try? Blueprint(config: json, tensors: tensors, of: ""),
      let tied = try? Blueprint.asked(blueprint.architecture, blueprint.head, blueprint.config),
      let pair = tied.tied.first, pair.key.hasSuffix(".weight")
    else { return nil }
    untied = json.setting("tie_word_embeddings", to: false)
    let config = ModelConfig(untied, of: "")
    guard let architecture = try? Architectures.architecture(config),
      let apart = try? Blueprint.asked(architecture, blueprint.head, config)
    else { return nil }
    let names = Dictionary(blueprint.names.map { ($0.own, $0.checkpoint) }) { first, _ in first }
    let (before, after) = (Set(tied.all.map(\.name)), Set(apart.all.map(\.name)))
    guard let embedding = names[pair.value] else { return nil }
    self.embedding = embedding
    path = String(pair.key.dropLast(".weight".count))
    // A bias may go by another name where the head has its own weight.
    added = apart.all.filter { !before.contains($0.name) }.compactMap { name, shape in
      let own = name == pair.key ? pair.value : tied.all.first { !after.contains($0.name) && $0.shape == shape }?.name
      return own.flatMap { names[$0] }.map { (name, $0) }
    }
  }
}
