import Networks
import Operations

/// What becomes of a head that has an embedding's weight where an adapter changes one of the two.
///
/// PEFT adapts modules, not tensors: the other module keeps the weight as it was, unless `ensure_weight_tying` ties the adapters
/// too. Rows of tokens that are trained in the embedding count for both in any case.
struct HeadTying: Sendable {
  let head: TiedHead
  /// Whether one weight still does for both.
  let isKept: Bool

  /// The path of the embedding.
  var embedding: String { String(head.embedding.dropLast(".weight".count)) }

  /// Nil where the model has no such head, or the adapter leaves both alone.
  init?(_ reading: AdapterReading, _ model: Content) {
    let names = reading.layers.map { $0.path + ".weight" } + reading.whole.map(\.name)
    let known = Set(model.tensors.map(\.name))
    // To look at the network takes longer than most adapters are worth.
    let isWorthIt =
      reading.layers.contains { reading.isEmbedding($0.path) || $0.layer.rows != nil }
      || names.contains { !known.contains($0) || $0.contains("emb") || $0.contains("wte") || $0.contains("head") }
    guard isWorthIt, let head = TiedHead(config: model.facts, tensors: model.shapes) else { return nil }
    func touches(_ weight: String) -> Bool {
      reading.layers.contains { $0.path + ".weight" == weight }
        || reading.whole.contains { $0.name == weight } && !reading.wrapped.contains(weight)
    }
    let (changesEmbedding, changesHead) = (touches(head.embedding), touches(head.weight))
    guard changesEmbedding || changesHead else { return nil }
    self.head = head
    let hasRows = reading.layers.contains { $0.path + ".weight" == head.embedding && $0.layer.rows != nil }
    isKept =
      changesEmbedding && (hasRows ? !changesHead : Self.isEnsured(reading, head, hasHead: changesHead))
  }

  /// Whether PEFT has tied the adapters of both: where `ensure_weight_tying` is set, and the embedding has one of the names that it
  /// looks for. The head then is not among what was chosen, although it has tensors.
  private static func isEnsured(_ reading: AdapterReading, _ head: TiedHead, hasHead: Bool) -> Bool {
    let facts = reading.content.facts
    guard facts["ensure_weight_tying"]?.bool ?? false else { return false }
    guard hasHead else { return head.embedding.hasSuffix("embed_tokens.weight") }
    let chosen = ["target_modules", "modules_to_save"].flatMap { facts[$0]?.array ?? [] }.compactMap(\.string)
    return !chosen.contains { head.path == $0 || head.path.hasSuffix("." + $0) }
  }

  /// The model with a weight of its own for the head, where the two part.
  func model(_ model: Content, _ reading: AdapterReading) -> Content {
    guard !isKept else { return model }
    var result = model
    result.facts = head.untied
    let copies = head.added.compactMap { name, original -> TensorEntry? in
      model.entry(original).map { $0.renamed(name) }
    }
    result.tensors = model.tensors.filter { entry in !copies.contains { $0.name == entry.name } } + copies
    return result
  }
}
