import Diagnostics
import Operations
import Recipes

/// Turns one merge into an expression of the recipe language.
struct Translation {
  let document: MergeDocument
  /// Whether its result is what is exported.
  let isLast: Bool
  /// What is being translated of it.
  var module: MergeModule
  /// The part of the models that the module is; none where models have one part only.
  var part: String?
  let catalog: Catalog
  var finder: ModelFinder
  var diagnostics: [Diagnostic] = []
  /// What the recipe's reader should know, a paragraph each.
  var remarks: [String] = []
  /// Statements that the expression needs.
  var statements: [String] = []
  /// What models are called once they have the vocabulary of all, or another chat template.
  var renamed: [String: String] = [:]
  /// What parts of models are called, by model and part.
  var partNames: [String: String] = [:]
  /// Whether the embeddings became wider than what the models are stored in.
  var widensEmbeddings = false
  /// The arms of settings that were looked at, with whether some tensor's name holds their filter, and those that decide.
  var seen: [Place: (arm: SettingArm, holds: Bool)] = [:]
  var used: Set<Place> = []

  /// A model of a slice with the layers that it gives.
  struct Operand {
    let reference: ModelReference
    let model: FoundModel
    /// Its expression in the recipe.
    let text: String
    let layers: Range<Int>?
    /// Its own settings: those of each of its entries, in order.
    var settings: [Settings]
    /// Whether the file lists it, and it does not only join as the base.
    var isListed: Bool { !settings.isEmpty }
    let place: Place

    func isSame(as other: ModelReference?) -> Bool { other.map(reference.isSame) ?? false }
  }

  init(_ document: MergeDocument, isLast: Bool, catalog: Catalog, finder: ModelFinder) {
    self.document = document
    module = document.modules[0]
    self.isLast = isLast
    self.catalog = catalog
    self.finder = finder
  }

  /// An expression of the recipe.
  struct Part {
    let text: String
    /// What its result will look like.
    let outline: ModelOutline?
    /// Whether its result has the precision that the file wants already.
    var isRounded = false
  }

  /// The expression of the merge.
  mutating func translated(as name: String) -> Part? {
    // The base is what a reader looks for first.
    if let base = document.base, document.uses(base) { _ = finder.find(base, isBase: document.method.value.needsBase) }
    alignVocabularies()
    setChatTemplate()
    let pieces = translatedModules(as: name)
    reportUnusedArms()
    guard catalog[document.method.value.operation] != nil else {
      diagnostics.append(.methodNotSupported(document.method))
      return nil
    }
    addRemarks(on: statements + (pieces ?? []).map(\.text))
    guard let pieces, let first = pieces.first else { return nil }
    return pieces.count == 1 ? first : joined(pieces)
  }

  /// The slices of the module that is being translated, put on one another.
  mutating func translatedSlices(as name: String) -> Part? {
    var parts: [Part] = []
    var start = 0
    for (index, slice) in module.slices.enumerated() {
      guard let operands = operands(of: slice) else { continue }
      let place = SlicePlace(start: start, isFirst: index == 0, isLast: index == module.slices.count - 1)
      if let part = merged(operands, in: slice, place) { parts.append(part) }
      start += slice.sources[0].layers?.value.count ?? 0
    }
    guard parts.count == module.slices.count, let first = parts.first else { return nil }
    guard parts.count > 1 else { return first }
    guard catalog["stack"] != nil else {
      diagnostics.append(.slicesNotSupported(at: module.slices[1].place))
      return nil
    }
    let names = parts.enumerated().map { index, part in
      // A merge is easier to read under a name of its own.
      guard part.text.contains(":"), !part.text.hasPrefix("layers(") else { return part.text }
      let sliceName = finder.unusedName("\(name)_slice_\(index + 1)")
      statements.append("let \(sliceName) = \(part.text)")
      return sliceName
    }
    let outlines = parts.compactMap(\.outline)
    return Part(
      text: "stack([\(names.joined(separator: ", "))])",
      outline: outlines.count == parts.count ? .stacking(outlines) : nil, isRounded: parts.allSatisfy(\.isRounded))
  }

  /// Where a slice stands in the result.
  struct SlicePlace {
    /// The number that its first layer has in the result.
    let start: Int
    let isFirst: Bool
    let isLast: Bool
  }

  // MARK: Operands

  /// The models of a slice, each once, the base among them where the file lists whole models.
  mutating func operands(of slice: MergeSlice) -> [Operand]? {
    var operands: [Operand] = []
    let base = slice.base ?? document.base
    for source in slice.sources {
      if let index = operands.firstIndex(where: { $0.reference.isSame(as: source.reference) }) {
        guard operands[index].layers == source.layers?.value else {
          diagnostics.append(.notSupported("two stretches of one model in one slice", at: source.place, helps: []))
          return nil
        }
        diagnostics.append(.modelTwice(source, first: operands[index].place))
        operands[index].settings.append(source.settings)
        continue
      }
      let isBase = base?.isSame(as: source.reference) == true && document.method.value.needsBase
      let model = partial(finder.find(source.reference, isBase: isBase))
      guard let text = text(of: model, layers: source.layers) else { return nil }
      operands.append(
        Operand(
          reference: source.reference, model: model, text: text, layers: source.layers?.value,
          settings: [source.settings], place: source.place))
    }
    if module.mergesWholeModels, let base, !operands.contains(where: { $0.isSame(as: base) }) {
      let model = partial(finder.find(base, isBase: document.method.value.needsBase))
      operands.append(
        Operand(
          reference: base, model: model, text: called(model), layers: nil, settings: [],
          place: base.place))
      if case .all = document.method.value.operands {
        remarks.append("`base_model` is not listed, and joins the models last, as in mergekit.")
      }
    }
    checkLayers(of: operands)
    return operands
  }

  private mutating func text(of model: FoundModel, layers: Located<Range<Int>>?) -> String? {
    let name = called(model)
    guard let layers else { return name }
    if let outline = model.outline {
      guard let count = outline.layerCount else {
        diagnostics.append(.noOneStack(model.name, outline.stacks.keys.sorted(), at: layers.place))
        return nil
      }
      guard layers.value.upperBound <= count else {
        diagnostics.append(.layersBeyond(layers, model: model.name, count: count))
        return nil
      }
      if layers.value == 0..<count { return name }
    }
    guard let signature = catalog["layers"]?.signature, signature.slot("start") != nil, signature.slot("end") != nil
    else {
      diagnostics.append(.slicesNotSupported(at: layers.place))
      return nil
    }
    return "layers(\(name), start: \(layers.value.lowerBound), end: \(layers.value.upperBound))"
  }

  /// Checks that all give as many layers.
  private mutating func checkLayers(of operands: [Operand]) {
    let counts = operands.map { $0.layers?.count ?? $0.model.outline?.layerCount }
    guard let first = counts.compactMap({ $0 }).first else { return }
    for (operand, count) in zip(operands, counts) where count != nil && count != first {
      diagnostics.append(
        .layerCounts(operand.model.name, count ?? 0, at: operand.place, first: operands[0].model.name, first))
    }
  }

  private mutating func reportUnusedArms() {
    let unused = seen.filter { !used.contains($0.key) }.values
    for seen in unused.sorted(by: { $0.arm.place.range.lowerBound < $1.arm.place.range.lowerBound }) {
      diagnostics.append(.filterUnused(seen.arm, holds: seen.holds))
    }
  }
}
