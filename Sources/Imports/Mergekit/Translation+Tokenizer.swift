import Diagnostics
import Formats
import Operations

extension Translation {
  /// Brings all models of the merge to one vocabulary, where the file asks for it and they have not one already.
  mutating func alignVocabularies() {
    guard let rule = document.tokenizer else { return }
    // The base stands before all others: `references` begins with it.
    var models: [FoundModel] = []
    for reference in document.references {
      let model = finder.find(reference)
      if document.merges(reference), !models.contains(where: { $0.name == model.name }) { models.append(model) }
    }
    let base = document.base.flatMap { reference in document.merges(reference) ? finder.find(reference) : nil }
    let leader = (rule.reference ?? document.references.first).map { finder.find($0) }
    let outlines = models.compactMap(\.outline)
    guard let leader, let leading = leader.outline, !outlines.isEmpty, outlines.count == models.count else { return }
    let isShared = !leading.tokenizer.isEmpty && outlines.allSatisfy { $0.tokenizer == leading.tokenizer }
    if isShared, rule.tokens.isEmpty, rule.padding == nil {
      remarks.append(
        "All models have the same tokenizer, file by file, so `\(rule.source)` is that one. Embeddings keep the rows that "
          + "they have; mergekit would cut padded ones to the tokenizer's length.")
      return
    }
    guard leading.tokenizer["tokenizer.json"] != nil else {
      diagnostics.append(.tokenizerUnknown(rule, leader.name))
      return
    }
    guard var settings = settings(of: rule) else { return }
    if let base, models.count > 1 { settings.insert("prefer: \(base.name)", at: 0) }
    if leader.name != models[0].name { settings.insert("tokenizer: \(leader.name)", at: 0) }
    if document.arithmetic == .f32, !outlines.allSatisfy({ $0.precisions == [.f32] }) {
      settings.append("precision: .f32")
      widensEmbeddings = true
    }
    let among = finder.unusedName("sharing")
    statements.append("let \(among) = [\(models.map(\.name).joined(separator: ", "))]")
    for model in models {
      let name = finder.unusedName("\(model.name)_aligned")
      statements.append(
        "let \(name) = align(\((["\(model.name)", "among: \(among)"] + settings).joined(separator: ", ")))")
      renamed[model.name] = name
    }
    remarks.append(
      "`align` brings the models to one vocabulary before they are merged, which mergekit does within the merge.")
  }

  /// The settings of `align`; nil where it cannot say what the file says, which is reported.
  private mutating func settings(of rule: TokenizerRule) -> [String]? {
    let slots = [
      "tokenizer", "prefer", "donors", "vocabulary", "take", "called", "force", "zero", "multiple", "precision",
    ]
    guard let signature = catalog["align"]?.signature, slots.allSatisfy({ signature.slot($0) != nil }) else {
      diagnostics.append(.notSupported("a tokenizer made of several", at: rule.place, helps: []))
      return nil
    }
    var settings = rule.source == "union" ? [] : ["vocabulary: .first"]
    var (take, called, donors, zero): ([String], [String], [String], [String]) = ([], [], [], [])
    for rule in rule.tokens {
      let token = rule.token.value
      switch rule.source {
      case .zero: zero.append(token)
      case .model(let reference, let other):
        take.append(token)
        called.append(other ?? token)
        donors.append(finder.find(reference).name)
      case .row(let reference, let id):
        guard let name = self.token(id, of: reference, for: rule.token) else { return nil }
        take.append(token)
        called.append(name)
        donors.append(finder.find(reference).name)
      case .none:
        diagnostics.append(.tokenUnsourced(rule.token))
        return nil
      }
    }
    func list(_ texts: [String]) -> String { "[\(texts.map { Value.text($0).canonical }.joined(separator: ", "))]" }
    let force = rule.tokens.filter(\.force).map(\.token.value)
    if let first = donors.first {
      settings.append("donors: [\((donors.allSatisfy { $0 == first } ? [first] : donors).joined(separator: ", "))]")
      settings.append("take: \(list(take))")
    }
    if called != take { settings.append("called: \(list(called))") }
    if !zero.isEmpty { settings.append("zero: \(list(zero))") }
    if !force.isEmpty { settings.append("force: \(list(force))") }
    // As mergekit has it, which pads no further than it is told.
    settings.append("multiple: \(rule.padding ?? 1)")
    return settings
  }

  /// What a model calls a token that the file has by its number; nil where it cannot be told, which is reported.
  private mutating func token(_ id: Int, of reference: ModelReference, for token: Located<String>) -> String? {
    let model = finder.find(reference)
    guard let outline = model.outline else { return nil }
    let bytes = outline.tokenizer["tokenizer.json"] ?? []
    let vocabulary = try? TokenizerVocabulary(bytes, name: "tokenizer.json of \(model.name)")
    guard let name = vocabulary?.tokens.first(where: { $0.id == id })?.text else {
      diagnostics.append(.tokenOutOfRange(token, id, model.name))
      return nil
    }
    return name
  }

  // MARK: Chat templates

  /// Gives the model whose files the result has the template that the file asks for.
  mutating func setChatTemplate() {
    guard let template = document.chatTemplate, let lead = leadingModel() else { return }
    guard let signature = catalog["chat_template"]?.signature,
      ["model", "like", "named", "text"].allSatisfy({ signature.slot($0) != nil })
    else {
      diagnostics.append(.notSupported("a chat template", at: template.place, helps: []))
      return
    }
    let setting: String
    if template.value == "auto" {
      guard let model = modelOfMostTemplates() else {
        remarks.append("No model has a chat template, so `auto` is none.")
        return
      }
      guard model.outline?.chatTemplate != lead.outline?.chatTemplate else { return }
      setting = "like: \(model.name)"
    } else if ChatTemplateName.all.contains(template.value) {
      setting = "named: .\(template.value)"
      if ChatTemplateName.spacedOtherwise.contains(template.value) {
        remarks.append(
          "The template `\(template.value)` is as the models have it that it is called after; mergekit's has other blanks "
            + "and line ends.")
      }
    } else {
      setting = "text: \(Value.text(template.value).canonical)"
    }
    let name = finder.unusedName("\(lead.name)_chat")
    statements.append("let \(name) = chat_template(\(renamed[lead.name] ?? lead.name), \(setting))")
    renamed[lead.name] = name
  }

  /// The first model with the template that most models have.
  private mutating func modelOfMostTemplates() -> FoundModel? {
    var models: [FoundModel] = []
    for reference in document.references {
      let model = finder.find(reference)
      if !models.contains(where: { $0.name == model.name }) { models.append(model) }
    }
    func count(_ model: FoundModel) -> Int {
      models.count { $0.outline?.chatTemplate?.trimmed == model.outline?.chatTemplate?.trimmed }
    }
    let candidates = models.filter { $0.outline?.chatTemplate != nil }
    let most = candidates.map(count).max()
    return candidates.first { count($0) == most }
  }
}

extension String {
  fileprivate var trimmed: String {
    let text = drop { $0.isWhitespace }
    return String(text.prefix(text.count - text.reversed().prefix { $0.isWhitespace }.count))
  }
}

extension MergeDocument {
  /// Whether a model takes part, and does not only give its tokenizer.
  fileprivate func merges(_ reference: ModelReference) -> Bool {
    let joinsBase = modules.contains(where: \.mergesWholeModels)
    let sources = slices.flatMap { $0.sources.map(\.reference) } + (joinsBase ? [base].compactMap { $0 } : [])
    return sources.contains { $0.isSame(as: reference) }
  }
}
