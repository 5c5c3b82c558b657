import Diagnostics

extension DocumentReader {
  /// A model's name: a text, or a mapping of its parts.
  mutating func reference(_ node: YAMLNode) -> ModelReference? {
    if node.mapping != nil { return mappedReference(node) }
    guard let text = node.scalar?.text, !text.isEmpty, node.scalar?.value == .text else {
      diagnostics.append(.wrongKind(node, wanted: "a model's name is a text", at: node.place))
      return nil
    }
    let parts = text.split(separator: "+", omittingEmptySubsequences: false).map {
      $0.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    }
    guard parts.count <= 2, parts.allSatisfy({ $0.count <= 2 && !$0.contains("") }) else {
      diagnostics.append(.referenceUnclear(at: node.place))
      return nil
    }
    let named = parts.map { ModelReference.Part(path: $0[0], revision: $0.count > 1 ? $0[1] : nil) }
    return ModelReference(model: named[0], adapter: named.count > 1 ? named[1] : nil, place: node.place)
  }

  private mutating func mappedReference(_ node: YAMLNode) -> ModelReference? {
    guard let fields = FieldReader(node, .reference, &diagnostics) else { return nil }
    if let architecture = fields.member("override_architecture"), !architecture.value.isNull {
      diagnostics.append(
        .notSupported(
          "another architecture than the model's own", at: architecture.keyPlace,
          helps: ["remove the key: tensors are known by their names here"]))
    }
    guard let model = fields["model"] else {
      diagnostics.append(.modelMissing(.reference, at: node.start))
      return nil
    }
    guard let part = referencePart(model) else { return nil }
    let adapter = fields["lora"].map { referencePart($0) }
    if case .some(nil) = adapter { return nil }
    return ModelReference(model: part, adapter: adapter ?? nil, place: node.start)
  }

  private mutating func referencePart(_ node: YAMLNode) -> ModelReference.Part? {
    // mergekit takes a plain text here for the path.
    if let text = node.scalar?.text, !text.isEmpty { return .init(path: text, revision: nil) }
    guard let fields = FieldReader(node, .referencePart, &diagnostics) else { return nil }
    guard let path = fields.text("path", &diagnostics) else {
      if fields["path"] == nil { diagnostics.append(.modelMissing(.referencePart, at: node.start)) }
      return nil
    }
    return .init(path: path.value, revision: fields.text("revision", &diagnostics)?.value)
  }
}
