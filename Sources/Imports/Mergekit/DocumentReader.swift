import Diagnostics
import Operations

/// Reads one document of a file of arcee's mergekit, and finds all that is wrong with it.
struct DocumentReader {
  var diagnostics: [Diagnostic] = []
  /// The method of the document; none where it is unknown.
  var method: MergeMethod?
  /// Keys that change nothing in the result.
  var ignored: [Located<String>] = []

  static func read(_ node: YAMLNode) -> (document: MergeDocument?, diagnostics: [Diagnostic]) {
    var reader = DocumentReader()
    let document = reader.document(node)
    return (document, reader.diagnostics)
  }

  private mutating func document(_ node: YAMLNode) -> MergeDocument? {
    guard !node.isNull else {
      diagnostics.append(.emptyDocument(at: node.place))
      return nil
    }
    guard let fields = FieldReader(node, .document, &diagnostics) else { return nil }
    let method = self.method(fields)
    self.method = method?.value
    let modules = modules(fields)
    let settings = settings(fields["parameters"], .document)
    let arithmetic = precision("dtype", fields)
    let precision = precision("out_dtype", fields) ?? arithmetic
    let document = method.map { method in
      MergeDocument(
        name: fields.text("name", &diagnostics), method: method, modules: modules,
        base: fields["base_model"].flatMap { reference($0) },
        settings: settings, precision: precision, arithmetic: arithmetic?.value, tokenizer: tokenizer(fields),
        chatTemplate: chatTemplate(fields),
        ignored: ignored)
    }
    return modules.contains { !$0.slices.isEmpty } ? document : nil
  }

  private mutating func method(_ fields: FieldReader) -> Located<MergeMethod>? {
    guard fields["merge_method"] != nil else {
      diagnostics.append(.methodMissing(at: fields.member("merge_method")?.keyPlace ?? fields.node.start))
      return nil
    }
    guard let name = fields.text("merge_method", &diagnostics) else { return nil }
    guard let method = MergeMethod.named(name.value) else {
      diagnostics.append(.methodUnknown(name))
      return nil
    }
    return Located(value: method, place: name.place)
  }

  /// The precision that a key names; a name that no float has is reported once.
  mutating func precision(_ key: String, _ fields: FieldReader) -> Located<FloatPrecision>? {
    guard let name = fields.text(key, &diagnostics) else { return nil }
    guard let precision = FloatPrecision(torchName: name.value) else {
      diagnostics.append(.precisionUnknown(key, name))
      return nil
    }
    return Located(value: precision, place: name.place)
  }

  // MARK: Modules, slices and models

  private mutating func modules(_ fields: FieldReader) -> [MergeModule] {
    let present = ["modules", "slices", "models"].filter { key in
      guard let value = fields[key] else { return false }
      return value.sequence?.isEmpty != true && value.mapping?.isEmpty != true
    }
    guard present.count == 1, let key = present.first else {
      diagnostics.append(.bodyUnclear(present.compactMap { fields.member($0) }, at: fields.node.start))
      return []
    }
    guard key == "modules", let modules = fields["modules"] else {
      return [module(nil, fields, key == "models", Settings())]
    }
    guard let members = modules.mapping else {
      diagnostics.append(.wrongKind(modules, wanted: "`modules` is a mapping", at: modules.place))
      return []
    }
    return members.compactMap { member in
      guard let inner = FieldReader(member.value, .module, &diagnostics) else { return nil }
      guard (inner["models"] != nil) != (inner["slices"] != nil) else {
        let given = ["slices", "models"].compactMap { inner[$0] == nil ? nil : inner.member($0) }
        diagnostics.append(.bodyUnclear(given, at: member.keyPlace))
        return nil
      }
      let settings = settings(inner["parameters"], .module)
      return module(Located(value: member.key, place: member.keyPlace), inner, inner["models"] != nil, settings)
    }
  }

  private mutating func module(
    _ name: Located<String>?, _ fields: FieldReader, _ listsModels: Bool, _ settings: Settings
  ) -> MergeModule {
    MergeModule(
      name: name, slices: listsModels ? models(fields) : slices(fields), mergesWholeModels: listsModels,
      settings: settings)
  }

  private mutating func models(_ fields: FieldReader) -> [MergeSlice] {
    let sources = fields.list("models", &diagnostics).compactMap { source($0, .model) }
    guard !sources.isEmpty else { return [] }
    let place = fields.member("models")?.keyPlace ?? fields.node.start
    return [MergeSlice(sources: sources, base: nil, settings: Settings(), place: place)]
  }

  private mutating func slices(_ fields: FieldReader) -> [MergeSlice] {
    fields.list("slices", &diagnostics).compactMap { node in
      guard let inner = FieldReader(node, .slice, &diagnostics) else { return nil }
      if let weight = inner.member("residual_weight") {
        ignored.append(Located(value: "residual_weight", place: weight.keyPlace))
      }
      let sources = inner.list("sources", &diagnostics).compactMap { source($0, .source) }
      let settings = settings(inner["parameters"], .slice)
      let base = inner["base_model"].flatMap { reference($0) }
      if inner["sources"]?.sequence?.isEmpty ?? (inner["sources"] == nil) {
        diagnostics.append(.sourcesMissing(at: inner.member("sources")?.keyPlace ?? node.start))
      }
      guard !sources.isEmpty else { return nil }
      return MergeSlice(sources: sources, base: base, settings: settings, place: node.start)
    }
  }

  private mutating func source(_ node: YAMLNode, _ keyPlace: KeyPlace) -> MergeSource? {
    guard let fields = FieldReader(node, keyPlace, &diagnostics) else { return nil }
    let settings = settings(fields["parameters"], keyPlace)
    guard let model = fields["model"] else {
      diagnostics.append(.modelMissing(keyPlace, at: node.start))
      return nil
    }
    var layers: Located<Range<Int>>?
    if keyPlace == .source {
      guard let range = fields["layer_range"] else {
        diagnostics.append(.layersMissing(at: node.start))
        return nil
      }
      layers = self.layers(range)
      if layers == nil { return nil }
    }
    return reference(model).map { MergeSource(reference: $0, layers: layers, settings: settings, place: node.start) }
  }

  private mutating func layers(_ node: YAMLNode) -> Located<Range<Int>>? {
    let numbers = (node.sequence ?? []).compactMap { number -> Int? in
      guard case .number(let number)? = number.scalar?.value else { return nil }
      return Int(exactly: number)
    }
    guard numbers.count == 2, node.sequence?.count == 2, numbers[0] >= 0, numbers[1] > numbers[0] else {
      diagnostics.append(.layersUnfit(numbers, at: node.place))
      return nil
    }
    return Located(value: numbers[0]..<numbers[1], place: node.place)
  }
}

extension YAMLNode {
  /// Its first line: where a message about the whole of it points.
  var start: Place {
    let range = place.range
    let end = place.source.bytes[range].firstIndex(of: UInt8(ascii: "\n")) ?? range.upperBound
    return Place(place.source, range.lowerBound..<end)
  }
}
