import Diagnostics
import Operations
import Tensors

extension Translation {
  /// A slice that is being merged: how mergekit sees its models and tensors.
  struct Call {
    let arrangement: Arrangement
    let place: SlicePlace
    /// The leading model with the layers that it gives; none where it is not there.
    let outline: ModelOutline?
    /// Where parameters are looked up behind a model's own settings, in this order: slice, module, merge.
    let levels: [Settings]

    /// The tensors of the slice that come into the result.
    /// - Parameter operand: The model whose own names filters are held against; without it, they are held against the result's.
    func tensors(inputOf operand: Operand? = nil) -> [SeenTensor] {
      guard let outline else { return [] }
      let first = operand.map { $0.layers?.lowerBound ?? 0 } ?? place.start
      return outline.tensors.compactMap { tensor in
        guard let layer = tensor.layer else {
          guard tensor.depth == 0 ? place.isFirst : place.isLast else { return nil }
          return SeenTensor(tensor: tensor, name: tensor.text, depth: 0)
        }
        return SeenTensor(tensor: tensor, name: tensor.inLayer(first + layer), depth: outline.depth(of: tensor))
      }
    }

    /// Whether the file has the parameter anywhere.
    func hasGiven(_ name: String) -> Bool {
      (levels + arrangement.all.flatMap(\.settings)).contains { $0[name] != nil }
    }
  }

  /// The call that merges a slice's models.
  mutating func merged(
    _ operands: [Operand], in slice: MergeSlice, _ place: SlicePlace
  ) -> Part? {
    let method = document.method.value
    guard let arrangement = arranged(operands, base: slice.base ?? document.base),
      let signature = catalog[method.operation]?.signature
    else { return nil }
    let lead = arrangement.lead
    let outline = lead.layers.map { layers in lead.model.outline?.taking(layers) } ?? lead.model.outline
    let call = Call(
      arrangement: arrangement, place: place, outline: outline,
      levels: [slice.settings, module.settings, document.settings])
    var arguments = arrangement.inputs
    for parameter in method.parameters {
      guard let name = parameter.slot else { continue }
      guard let slot = signature.slot(name) else {
        diagnostics.append(
          .slotNotSupported(name, of: signature.name, for: parameter.name, at: document.method.place))
        continue
      }
      guard let text = argument(parameter, slot, of: signature.name, call) else { continue }
      if call.hasGiven(parameter.name) || text != slot.defaultValue?.canonical { arguments.append("\(name): \(text)") }
    }
    let combined = method.combined { constant($0, call) }
    for setting in method.implied + combined
    where signature.slot(setting.slot)?.defaultValue?.canonical != setting.text {
      arguments.append("\(setting.slot): \(setting.text)")
    }
    // A model as it is needs no operation, and is rounded when it is exported.
    if case .one = method.operands, arguments.count == 1, isLast { return Part(text: lead.text, outline: outline) }
    let precision = signature.slot("precision") == nil ? nil : precision(of: call)
    if let precision { arguments.append("precision: .\(precision.rawValue)") }
    if case .one = method.operands, arguments.count == 1 { return Part(text: lead.text, outline: outline) }
    return Part(
      text: "\(signature.name)(\(arguments.joined(separator: ", ")))",
      outline: precision.flatMap { outline?.rounded(to: $0.dtype) } ?? outline, isRounded: precision != nil)
  }

  /// What the result's floats are rounded to; nil where that is what they are in the model that leads. Where the file does not
  /// say it, mergekit takes what can hold the floats of all models.
  private func precision(of call: Call) -> FloatPrecision? {
    guard var stored = call.outline?.precisions else { return nil }
    if widensEmbeddings { stored.insert(.f32) }
    var wanted = document.precision?.value
    if wanted == nil {
      let all = call.arrangement.all.compactMap(\.model.outline?.precisions)
      let union = all.reduce(into: Set<DType>()) { $0.formUnion($1) }
      guard all.allSatisfy({ $0.count == 1 }), union.count > 1, !union.contains(.f64) else { return nil }
      wanted = .f32
    }
    return wanted.flatMap { stored == [$0.dtype] ? nil : $0 }
  }

  // MARK: Parameters

  /// What fills the slot of a parameter; nil where a model or the merge is left without, which is reported.
  private mutating func argument(
    _ parameter: MergeMethod.Parameter, _ slot: Slot, of operation: String, _ call: Call
  ) -> String? {
    var writer = SettingText(slot, of: operation, choices: parameter.choices)
    var texts: [String] = []
    let count = parameter.scope == .tensor ? 1 : call.arrangement.merged.count
    switch parameter.scope {
    case .tensor:
      if let text = text(parameter, call.levels, &writer, call.tensors()) {
        texts = [text]
      } else if call.isReadable(parameter.name) {
        diagnostics.append(.parameterMissing(parameter, of: document.method))
      }
    case .model:
      for operand in call.arrangement.merged {
        let levels = operand.settings + call.levels
        if let text = text(parameter, levels, &writer, call.tensors(inputOf: operand)) {
          texts.append(text)
          continue
        }
        if levels.allSatisfy({ $0[parameter.name]?.arms.isEmpty != true }) {
          diagnostics.append(.weightMissing(parameter, of: document.method.value, operand))
        }
      }
    }
    diagnostics += writer.diagnostics
    used.formUnion(writer.used)
    guard texts.count == count, let first = texts.first else { return nil }
    if case .list = slot.type { return "[\(texts.joined(separator: ", "))]" }
    return texts.allSatisfy { $0 == first } ? first : "[\(texts.joined(separator: ", "))]"
  }

  /// A parameter's text for some tensors, by the places where mergekit looks it up; the first that knows a tensor decides.
  private mutating func text(
    _ parameter: MergeMethod.Parameter, _ levels: [Settings], _ writer: inout SettingText, _ tensors: [SeenTensor]
  ) -> String? {
    let arms = levels.flatMap { $0[parameter.name]?.arms ?? [] }
    for arm in arms {
      let holds = tensors.isEmpty || tensors.contains { arm.holds(for: $0.name) }
      seen[arm.place] = (arm, (seen[arm.place]?.holds ?? false) || holds)
    }
    return writer.text(arms, standard: parameter.standard, for: tensors)
  }

  /// A parameter that is no slot by itself, and must have one value for all tensors.
  private mutating func constant(_ name: String, _ call: Call) -> Double? {
    let standard = document.method.value.parameters.first { $0.name == name }?.standard
    guard let setting = call.levels.compactMap({ $0[name] }).first, let arm = setting.arms.first else {
      return standard
    }
    guard arm.filter == nil, arm.curve.points.count == 1 else {
      diagnostics.append(
        .notSupported(
          "a `\(name)` that changes from tensor to tensor", at: arm.place, helps: ["give it one value for all"]))
      return nil
    }
    return arm.curve.points[0]
  }
}

extension Translation.Call {
  /// Whether what the file has of a parameter is all where mergekit looks for it, and could be read.
  fileprivate func isReadable(_ name: String) -> Bool {
    levels.allSatisfy { $0[name]?.arms.isEmpty != true }
      && arrangement.all.allSatisfy { $0.settings.allSatisfy { $0[name] == nil } }
  }
}
