import Diagnostics

extension DocumentReader {
  /// What a document says of its tokenizer, under either of two keys.
  mutating func tokenizer(_ fields: FieldReader) -> TokenizerRule? {
    let places = ["tokenizer", "tokenizer_source"].compactMap { fields[$0] == nil ? nil : fields.member($0)?.keyPlace }
    if places.count == 2 { diagnostics.append(.tokenizerTwice(at: places[0], other: places[1])) }
    guard let place = places.first else { return nil }
    guard let node = fields["tokenizer"] else {
      return fields["tokenizer_source"].flatMap { rule(source: $0, tokens: [], padding: nil, at: place) }
    }
    guard let inner = FieldReader(node, .tokenizer, &diagnostics) else { return nil }
    var padding: Int?
    if let node = inner["pad_to_multiple_of"] {
      if case .number(let number)? = node.scalar?.value, number >= 1, let count = Int(exactly: number) {
        padding = count
      } else {
        diagnostics.append(
          .wrongKind(node, wanted: "`pad_to_multiple_of` is a whole number from 1", at: node.place))
      }
    }
    return rule(source: inner["source"], tokens: tokens(inner["tokens"]), padding: padding, at: place)
  }

  private mutating func rule(
    source: YAMLNode?, tokens: [TokenRule], padding: Int?, at place: Place
  ) -> TokenizerRule? {
    let text = source?.scalar?.text ?? "union"
    if source == nil || source?.scalar != nil && ["union", "base"].contains(text) {
      return TokenizerRule(source: text, reference: nil, tokens: tokens, padding: padding, place: place)
    }
    return source.flatMap { reference($0) }.map {
      TokenizerRule(source: $0.text, reference: $0, tokens: tokens, padding: padding, place: place)
    }
  }

  /// `auto`, a name, or a template itself, which is told from a name by the length and the braces that mergekit asks for.
  mutating func chatTemplate(_ fields: FieldReader) -> Located<String>? {
    guard let template = fields.text("chat_template", &diagnostics) else { return nil }
    let names = ["auto"] + ChatTemplateName.all
    guard !names.contains(template.value), template.value.count < 20 || !template.value.contains("{") else {
      return template
    }
    diagnostics.append(.chatTemplateUnknown(template, names))
    return nil
  }

  // MARK: Tokens

  private mutating func tokens(_ node: YAMLNode?) -> [TokenRule] {
    guard let node else { return [] }
    guard let members = node.mapping else {
      diagnostics.append(.wrongKind(node, wanted: "`tokens` is a mapping from tokens to rules", at: node.place))
      return []
    }
    return members.compactMap { token($0) }
  }

  private mutating func token(_ member: YAMLMember) -> TokenRule? {
    guard let rule = FieldReader(member.value, .tokenRule, &diagnostics) else { return nil }
    var force = false
    if let node = rule["force"] {
      force = flag(node) ?? false
      if node.scalar?.value != .flag(force), node.scalar?.flagOfYAML11 == nil {
        diagnostics.append(.wrongKind(node, wanted: "`force` is a flag", at: node.place))
      }
    }
    let token = Located(value: member.key, place: member.keyPlace)
    guard let source = rule["source"] else {
      // `source: null` is a rule; a misspelt key is why it is missing: one mistake, one message.
      let isMisspelt = member.value.mapping?.contains { !KeyPlace.tokenRule.keys.contains($0.key) } == true
      if rule.member("source") == nil, !isMisspelt { diagnostics.append(.tokenSourceMissing(token)) }
      return TokenRule(token: token, source: .none, force: force)
    }
    guard let read = source.mapping == nil ? reference(source).map({ .model($0, token: nil) }) : tokenSource(source)
    else { return nil }
    return TokenRule(token: token, source: read, force: force)
  }

  private mutating func tokenSource(_ node: YAMLNode) -> TokenRule.Source? {
    // A model's name may be a mapping too.
    if node.mapping?.contains(where: { $0.key == "kind" }) == false,
      node.mapping?.contains(where: { KeyPlace.reference.keys.contains($0.key) && $0.value.mapping != nil }) == true
    {
      return reference(node).map { .model($0, token: nil) }
    }
    guard let fields = FieldReader(node, .tokenSource, &diagnostics) else { return nil }
    guard let kind = fields.text("kind", &diagnostics) else {
      diagnostics.append(.tokenKindUnknown(at: node.start))
      return nil
    }
    switch kind.value {
    case "zero": return .zero
    case "model_token":
      let hasToken = (fields["token"] != nil) != (fields["token_id"] != nil)
      guard let model = fields["model"], hasToken else {
        diagnostics.append(.tokenOfModelUnclear(at: node.start))
        return nil
      }
      guard let reference = reference(model) else { return nil }
      if let token = fields["token"]?.scalar { return .model(reference, token: token.text) }
      guard case .number(let number)? = fields["token_id"]?.scalar?.value, let id = Int(exactly: number), id >= 0 else {
        diagnostics.append(.tokenOfModelUnclear(at: node.start))
        return nil
      }
      return .row(reference, id)
    default:
      diagnostics.append(.tokenKindUnknown(at: kind.place))
      return nil
    }
  }
}
