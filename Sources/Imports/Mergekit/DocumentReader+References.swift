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

  // MARK: Tokenizers

  mutating func tokenizer(_ fields: FieldReader) -> TokenizerRule? {
    let place = ["tokenizer", "tokenizer_source"].compactMap { fields[$0] == nil ? nil : fields.member($0)?.keyPlace }
    if place.count == 2 { diagnostics.append(.tokenizerTwice(at: place[0], other: place[1])) }
    guard let first = place.first else { return nil }
    guard let node = fields["tokenizer"] else {
      return fields.text("tokenizer_source", &diagnostics).map {
        TokenizerRule(source: $0.value, extras: [], place: first)
      }
    }
    guard let inner = FieldReader(node, .tokenizer, &diagnostics) else { return nil }
    var extras: [Located<String>] = []
    if let padding = inner.member("pad_to_multiple_of"), !padding.value.isNull {
      if case .number(let number)? = padding.value.scalar?.value, number >= 1, number == number.rounded() {
        extras.append(Located(value: "padding of the vocabulary", place: padding.keyPlace))
      } else {
        diagnostics.append(
          .wrongKind(padding.value, wanted: "`pad_to_multiple_of` is a whole number from 1", at: padding.value.place))
      }
    }
    if let tokens = inner["tokens"] {
      checkTokens(tokens)
      if tokens.mapping?.isEmpty == false {
        extras.append(Located(value: "rules for single tokens", place: inner.member("tokens")?.keyPlace ?? first))
      }
    }
    let source = inner.text("source", &diagnostics)?.value ?? "union"
    return TokenizerRule(source: source, extras: extras, place: first)
  }

  private mutating func checkTokens(_ node: YAMLNode) {
    guard let members = node.mapping else {
      diagnostics.append(.wrongKind(node, wanted: "`tokens` is a mapping from tokens to rules", at: node.place))
      return
    }
    for member in members {
      guard let rule = FieldReader(member.value, .tokenRule, &diagnostics) else { continue }
      if let force = rule["force"], flag(force) == nil {
        diagnostics.append(.wrongKind(force, wanted: "`force` is a flag", at: force.place))
      }
      guard let source = rule["source"] else {
        // `source: null` is allowed; nothing at all is not.
        // A misspelt key is why it is missing: one mistake, one message.
        let isMisspelt = member.value.mapping?.contains { !KeyPlace.tokenRule.keys.contains($0.key) } == true
        if rule.member("source") == nil, !isMisspelt {
          diagnostics.append(.tokenSourceMissing(member.key, at: member.keyPlace))
        }
        continue
      }
      if source.mapping == nil { _ = reference(source) } else { checkTokenSource(source) }
    }
  }

  private mutating func checkTokenSource(_ node: YAMLNode) {
    guard let fields = FieldReader(node, .tokenSource, &diagnostics) else { return }
    guard let kind = fields.text("kind", &diagnostics) else {
      diagnostics.append(.tokenKindUnknown("", at: node.start))
      return
    }
    switch kind.value {
    case "zero": break
    case "model_token":
      let hasToken = (fields["token"] != nil) != (fields["token_id"] != nil)
      if fields["model"] == nil || !hasToken { diagnostics.append(.tokenOfModelUnclear(at: node.start)) }
      if let model = fields["model"] { _ = reference(model) }
    default: diagnostics.append(.tokenKindUnknown(kind.value, at: kind.place))
    }
  }
}
