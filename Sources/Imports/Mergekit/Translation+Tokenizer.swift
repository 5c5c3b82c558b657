import Diagnostics
import Operations

extension Translation {
  /// Brings all models of the merge to one vocabulary, where the file asks for it and they have not one already.
  mutating func alignVocabularies() {
    guard let rule = document.tokenizer else { return }
    var references = document.references
    var leader = references.first
    if let source = rule.reference {
      references.insert(source, at: 0)
      leader = source
    }
    // The base stands before all others: `references` begins with it.
    var models: [FoundModel] = []
    for reference in references {
      let model = finder.find(reference)
      if !models.contains(where: { $0.name == model.name }) { models.append(model) }
    }
    let outlines = models.compactMap(\.outline)
    guard let first = outlines.first, leader != nil, outlines.count == models.count else { return }
    let isShared = !first.tokenizer.isEmpty && outlines.allSatisfy { $0.tokenizer == first.tokenizer }
    if isShared, rule.tokens.isEmpty, rule.padding == nil {
      remarks.append(
        "All models have the same tokenizer, file by file, so `\(rule.source)` is that one. Embeddings keep the rows that "
          + "they have; mergekit would cut padded ones to the tokenizer's length.")
      return
    }
    guard first.tokenizer["tokenizer.json"] != nil else {
      diagnostics.append(.tokenizerUnknown(rule, models[0].name))
      return
    }
    guard let settings = settings(of: rule) else { return }
    let among = finder.unusedName("sharing")
    statements.append("let \(among) = [\(models.map(\.name).joined(separator: ", "))]")
    for model in models where document.usesInMerge(model.name, finder) {
      let name = finder.unusedName("\(model.name)_aligned")
      statements.append(
        "let \(name) = align(\((["\(model.name)", "among: \(among)"] + settings).joined(separator: ", ")))")
      aligned[model.name] = name
    }
    remarks.append(
      "`align` brings the models to one vocabulary before they are merged, which mergekit does within the merge.")
    if rule.reference != nil, models.count > 2 {
      remarks.append(
        "A token that a model lacks gets its row from the model whose tokenizer it is; mergekit prefers `base_model`.")
    }
  }

  /// The settings of `align`; nil where it cannot say what the file says, which is reported.
  private mutating func settings(of rule: TokenizerRule) -> [String]? {
    let slots = ["donor", "vocabulary", "take", "force", "zero", "multiple"]
    guard let signature = catalog["align"]?.signature, slots.allSatisfy({ signature.slot($0) != nil }) else {
      diagnostics.append(.notSupported("a tokenizer made of several", at: rule.place, helps: []))
      return nil
    }
    var settings = rule.source == "union" ? [] : ["vocabulary: .first"]
    var donor: String?
    var (take, zero): ([TokenRule], [String]) = ([], [])
    for token in rule.tokens {
      switch token.source {
      case .zero where !token.force: zero.append(token.token.value)
      case .model(let reference, let other) where other == nil || other == token.token.value:
        let name = finder.find(reference).name
        guard donor == nil || donor == name, take.allSatisfy({ $0.force == token.force }) else {
          diagnostics.append(
            .notSupported(
              "rows for tokens from several models, or by force for some of them", at: token.token.place, helps: []))
          return nil
        }
        donor = name
        take.append(token)
      default:
        diagnostics.append(.notSupported("this rule for a token", at: token.token.place, helps: []))
        return nil
      }
    }
    func list(_ texts: [String]) -> String { "[\(texts.map { Value.text($0).canonical }.joined(separator: ", "))]" }
    if let donor { settings += ["donor: \(donor)", "take: \(list(take.map(\.token.value)))"] }
    if take.first?.force == true { settings.append("force: true") }
    if !zero.isEmpty { settings.append("zero: \(list(zero))") }
    if let padding = rule.padding { settings.append("multiple: \(padding)") }
    return settings
  }
}

extension MergeDocument {
  /// Whether a model takes part, and does not only give its tokenizer.
  fileprivate func usesInMerge(_ name: String, _ finder: ModelFinder) -> Bool {
    let sources = slices.flatMap { $0.sources.map(\.reference) } + (mergesWholeModels ? [base].compactMap { $0 } : [])
    return sources.contains { reference in finder.models.contains { $0.key == reference.text && $0.model.name == name }
    }
  }
}
