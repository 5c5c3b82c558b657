import Diagnostics
import Operations
import Recipes

extension Translation {
  /// The parts that the document's models have.
  private var parts: [String] { finder.models.lazy.compactMap(\.model.outline?.parts).first ?? [] }

  /// The model whose configuration and files the result has.
  func leadingModel() -> FoundModel? {
    var probe = self
    if let name = module.name, parts.count > 1 { probe.part = name.value }
    guard let slice = module.slices.first, let operands = probe.operands(of: slice),
      let lead = probe.arranged(operands, base: slice.base ?? document.base)?.lead.model
    else { return nil }
    return probe.finder.models.first { $0.model.name == lead.name }?.model
  }

  /// The modules of the document, each merged by itself; one where models have one part only.
  mutating func translatedModules(as name: String) -> [Part]? {
    guard document.modules[0].name != nil else { return translatedSlices(as: name).map { [$0] } }
    for source in document.slices.flatMap(\.sources) { _ = finder.find(source.reference) }
    let (lead, parts) = (leadingModel(), parts)
    guard parts.count > 1 else {
      if document.modules.count > 1, !parts.isEmpty, let second = document.modules[1].name {
        diagnostics.append(.moduleUnknown(second, parts: parts))
        return nil
      }
      return translatedSlices(as: name).map { [$0] }
    }
    guard catalog["part"]?.signature.slot("name") != nil, catalog["join"] != nil else {
      diagnostics.append(.notSupported("a merge of modules", at: document.method.place, helps: []))
      return nil
    }
    var pieces: [Part] = []
    for module in document.modules {
      guard let key = module.name, parts.contains(key.value) else {
        if let key = module.name { diagnostics.append(.moduleUnknown(key, parts: parts)) }
        continue
      }
      self.module = module
      part = key.value
      let own = "\(name)_\(key.value)"
      guard let piece = translatedSlices(as: own) else { continue }
      pieces.append(Part(text: named(piece.text, own), outline: piece.outline, isRounded: piece.isRounded))
    }
    guard pieces.count == document.modules.count else { return nil }
    for missing in parts where !document.modules.contains(where: { $0.name?.value == missing }) {
      guard let lead else { continue }
      diagnostics.append(
        .moduleLeftOut(missing, lead.name, at: document.modules[0].name?.place ?? document.method.place))
      part = missing
      pieces.append(Part(text: called(lead), outline: lead.outline?.taking(part: missing)))
    }
    return pieces
  }

  /// The pieces as one model.
  func joined(_ pieces: [Part]) -> Part {
    let outlines = pieces.compactMap(\.outline)
    return Part(
      text: "join([\(pieces.map(\.text).joined(separator: ", "))])",
      outline: outlines.count == pieces.count ? .joining(outlines) : nil, isRounded: pieces.allSatisfy(\.isRounded))
  }

  /// A name for an expression, unless it is one already.
  private mutating func named(_ text: String, _ name: String) -> String {
    guard text.contains("(") else { return text }
    let name = finder.unusedName(name)
    statements.append("let \(name) = \(text)")
    return name
  }

  /// A model, of which only the part is known that is being merged.
  func partial(_ model: FoundModel) -> FoundModel {
    guard let part else { return model }
    return FoundModel(name: model.name, expression: model.expression, outline: model.outline?.taking(part: part))
  }

  /// What a model is called in the module that is being translated.
  mutating func called(_ model: FoundModel) -> String {
    let whole = renamed[model.name] ?? model.name
    guard let part else { return whole }
    let key = "\(whole) \(part)"
    if let known = partNames[key] { return known }
    let name = finder.unusedName("\(model.name)_\(part)")
    statements.append("let \(name) = part(\(whole), name: \(Value.text(part).canonical))")
    partNames[key] = name
    return name
  }
}
