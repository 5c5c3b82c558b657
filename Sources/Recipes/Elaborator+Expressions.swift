import Diagnostics
import Operations

extension Elaborator {
  /// The type of an expression, and its value as far as it is known.
  mutating func workedOut(_ expression: Expression, _ here: Surroundings) -> Typed {
    let place = expression.place
    switch expression.kind {
    case .missing: return .unknown(place)
    case .number(let number, let unit): return quantity(number, unit, place)
    case .text(let parts): return text(parts, place, here)
    case .flag(let flag): return Typed(type: .flag, item: .value(.flag(flag)), place: place)
    case .none: return Typed(type: .none, item: .value(.none), place: place)
    case .choice(let name): return Typed(type: .choice(name), item: .value(.choice(name)), place: place)
    case .name(let name): return named(name, place, here)
    case .list(let elements): return list(elements, place, here)
    case .comprehension(let comprehension): return self.comprehension(comprehension, place, here)
    case .call(let callee, let arguments): return call(callee, arguments, place, here)
    case .field(let base, let name): return field(base, name, place, here)
    case .unary(let builtin, let operand): return unary(builtin, operand, place, here)
    case .binary(let builtin, let left, let right, let sign): return binary(builtin, left, right, sign, place, here)
    case .conditional(let condition, let then, let otherwise):
      return conditional(condition, then, otherwise, place, here)
    case .match(let subject, let arms): return match(subject, arms, place, here)
    }
  }

  // MARK: Literals

  private mutating func quantity(_ number: Double, _ unit: String?, _ place: Place) -> Typed {
    guard let unit else {
      let isWhole = !place.text.contains { ".eE".contains($0) }
      return Typed(type: isWhole ? .count(nil) : .number, item: .value(.number(number)), place: place, literal: .bare)
    }
    let end = place.range.upperBound
    let unitPlace = Place(place.source, end - unit.utf8.count..<end)
    let (type, value): (Type, Double)
    switch Unit.all[unit] {
    case .percent: (type, value) = (.fraction, number / 100)
    case .count(let counted): (type, value) = (.count(counted), number)
    case .bytes(let size): (type, value) = (.bytes, number * size)
    case .duration(let seconds): (type, value) = (.duration, number * seconds)
    case nil:
      report(.unitUnknown(unit, at: unitPlace))
      return .unknown(place)
    }
    return Typed(type: type, item: .value(.number(value)), place: place, literal: .withUnit(unitPlace))
  }

  private mutating func text(_ parts: [TextPart], _ place: Place, _ here: Surroundings) -> Typed {
    var text: String? = ""
    for part in parts {
      switch part {
      case .literal(let literal): text? += literal
      case .value(let expression):
        let value = typed(expression, here)
        switch value.item {
        case .value(.text(let inner)): text? += inner
        case .value(.number), .value(.flag): text? += value.item?.plain?.canonical ?? ""
        case nil: text = nil
        default:
          report(.textTakesPlainValues(value.type, at: value.place))
          text = nil
        }
      }
    }
    return Typed(type: .text, item: text.map { .value(.text($0)) }, place: place)
  }

  // MARK: Names

  private mutating func named(_ name: String, _ place: Place, _ here: Surroundings) -> Typed {
    guard !name.isEmpty else { return .unknown(place) }
    if let local = here.locals[name] { return local.at(place) }
    switch files[here.file].meaning(of: name, visible: here.visible) {
    case .value(let typed): return typed.at(place)
    case .function: return functionAsValue(name, place)
    case .library: return Typed(type: .library(name), item: nil, place: place)
    case nil: break
    }
    if catalog[name] != nil || Self.functionNames.contains(name) { return functionAsValue(name, place) }
    let known = Array(here.locals.keys) + files[here.file].names.keys
    report(.nameUnknown(name, at: place, known: known.sorted(), later: files[here.file].declared[name]))
    return .unknown(place)
  }

  private mutating func functionAsValue(_ name: String, _ place: Place) -> Typed {
    report(.functionNotCalled(name, at: place))
    return .unknown(place)
  }

  private mutating func field(_ base: Expression, _ name: NameSyntax, _ place: Place, _ here: Surroundings) -> Typed {
    let value = typed(base, here)
    switch value.type {
    case .unknown: return .unknown(place)
    case .library(let library):
      guard case .library(let file)? = files[here.file].meaning(of: library, visible: here.visible) else {
        return .unknown(place)
      }
      switch files[file].meaning(of: name.text, visible: .max) {
      case .value(let typed): return typed.at(place)
      case .function: return functionAsValue(name.text, place)
      case .library, nil:
        let known = files[file].names.keys.sorted()
        report(.fieldUnknown(name.text, at: name.place, of: "`\(library)` has", fields: known))
        return .unknown(place)
      }
    case .artifact(_, let fields) where !fields.isEmpty:
      guard let field = fields.first(where: { $0.name == name.text }) else {
        report(.fieldUnknown(name.text, at: name.place, of: "these metrics have", fields: fields.map(\.name)))
        return .unknown(place)
      }
      var item: Item?
      if case .step(let step)? = value.item { item = .formula(.field(step, name.text)) }
      return Typed(type: Type(field.type), item: item, place: place)
    default:
      report(.noMetrics(name.text, of: value.type, at: name.place))
      return .unknown(place)
    }
  }

  // MARK: Lists

  private mutating func list(_ elements: [Expression], _ place: Place, _ here: Surroundings) -> Typed {
    let parts = elements.enumerated().map { index, element in typed(element, here.labelled("[\(index)]")) }
    return list(of: parts, place)
  }

  /// A list of these. Elements of several types stay apart until something wants them: its message is the better one.
  private func list(of parts: [Typed], _ place: Place) -> Typed {
    let type = parts.dropFirst().reduce(parts.first?.type ?? .unknown) { $0.joined(with: $1.type) ?? .unknown }
    let items = parts.compactMap(\.item)
    let item: Item? = items.count == parts.count ? .list(items) : nil
    return Typed(type: .list(type), item: item, place: place, elements: parts)
  }

  private mutating func comprehension(
    _ syntax: ComprehensionSyntax, _ place: Place, _ here: Surroundings
  ) -> Typed {
    let source = typed(syntax.source, here)
    guard case .list(let elementType) = source.type else {
      if source.type != .unknown { report(.notAList(source.type, at: source.place, purpose: "`for … in`")) }
      return .unknown(place)
    }
    guard let elements = source.item?.elements, !elements.isEmpty else {
      // Nothing is known of the elements: the body is checked once all the same.
      let element = Typed(type: elementType, item: nil, place: source.place)
      guard let inside = bind(syntax, element, here) else { return .unknown(place) }
      let body = typed(syntax.body, inside)
      return Typed(type: .list(body.type), item: source.item == nil ? nil : .list([]), place: place)
    }
    var parts: [Typed] = []
    for (index, item) in elements.enumerated() {
      let known = index < source.elements.count && source.elements.count == elements.count
      let element = Typed(type: known ? source.elements[index].type : elementType, item: item, place: source.place)
      guard let inside = bind(syntax, element, here.labelled("[\(parts.count)]")) else { return .unknown(place) }
      if let condition = syntax.condition {
        guard let isWanted = flag(condition, inside) else { return .unknown(place) }
        if !isWanted { continue }
      }
      parts.append(typed(syntax.body, inside))
    }
    return list(of: parts, place)
  }

  /// Gives an element its name, or its parts theirs.
  private mutating func bind(
    _ syntax: ComprehensionSyntax, _ element: Typed, _ here: Surroundings
  ) -> Surroundings? {
    guard syntax.isTuple else { return here.with(syntax.targets[0].text, element) }
    guard element.type != .unknown else {
      return syntax.targets.reduce(here) { $0.with($1.text, .unknown($1.place)) }
    }
    guard case .tuple(let types) = element.type, types.count == syntax.targets.count else {
      report(.targetsUnfit(count: syntax.targets.count, element.type, at: syntax.targets[0].place))
      return nil
    }
    var items: [Item?] = types.map { _ in nil }
    if case .tuple(let parts)? = element.item { items = parts }
    var inside = here
    for (index, name) in syntax.targets.enumerated() {
      inside = inside.with(name.text, Typed(type: types[index], item: items[index], place: element.place))
    }
    return inside
  }

  /// A condition that decides what is made, so it must be known now; nil where it is not, which is reported.
  private mutating func flag(_ condition: Expression, _ here: Surroundings) -> Bool? {
    let value = typed(condition, here)
    guard value.type == .flag else {
      if value.type != .unknown { report(.conditionIsNoFlag(value.type, at: value.place)) }
      return nil
    }
    switch value.item {
    case .value(.flag(let flag)): return flag
    case nil: return nil
    default:
      report(.chosenByMetric(at: value.place))
      return nil
    }
  }

  // MARK: Choosing

  private mutating func conditional(
    _ condition: Expression, _ then: Expression, _ otherwise: Expression, _ place: Place, _ here: Surroundings
  ) -> Typed {
    let test = typed(condition, here)
    if test.type != .flag, test.type != .unknown { report(.conditionIsNoFlag(test.type, at: test.place)) }
    let first = typed(then, here)
    let second = typed(otherwise, here)
    guard let type = first.type.joined(with: second.type) else {
      report(.unequalBranches(first, second))
      return .unknown(place)
    }
    switch test.item {
    case .value(.flag(let flag)):
      let chosen = flag ? first : second
      return Typed(type: type, item: chosen.item, place: place, elements: chosen.elements)
    case .formula(let formula):
      guard let then = first.item?.formula, let otherwise = second.item?.formula else {
        if first.item?.steps != nil { report(.chosenByMetric(at: test.place)) }
        return Typed(type: type, item: nil, place: place)
      }
      return Typed(
        type: type, item: .formula(.choose(condition: formula, then: then, otherwise: otherwise)), place: place)
    default: return Typed(type: type, item: nil, place: place)
    }
  }

  private mutating func match(
    _ subject: NameSyntax, _ arms: [ArmSyntax], _ place: Place, _ here: Surroundings
  ) -> Typed {
    if let last = arms.last, case .rest = last.pattern {
    } else {
      report(.matchNeedsRest(at: arms.last?.place ?? place))
    }
    for arm in arms.dropLast() { if case .rest = arm.pattern { report(.restNotLast(at: arm.place)) } }
    let values = arms.map { typed($0.value, here) }
    var type = values.first?.type ?? .unknown
    for value in values.dropFirst() {
      guard let joined = type.joined(with: value.type) else {
        report(.unequalBranches(values[0], value))
        return .unknown(place)
      }
      type = joined
    }
    guard subject.text == "tensor" || subject.text == "layer" else {
      return choose(subject, arms, values, type, place, here)
    }
    let item = layered(subject.text, arms, values, here)
    let element = if case .layered(let inner) = type { inner } else { type }
    return Typed(type: .layered(element), item: item, place: place, elements: values)
  }

  /// A setting by layer: all arms are kept, for each tensor to choose among.
  private mutating func layered(
    _ subject: String, _ arms: [ArmSyntax], _ values: [Typed], _ here: Surroundings
  ) -> Item? {
    var tensors: [Value.TensorArm] = []
    var layers: [Value.LayerArm] = []
    for (arm, value) in zip(arms, values) {
      guard let plain = value.item?.plain else {
        if value.item != nil { report(.layeredElement(value.type, at: value.place)) }
        continue
      }
      if subject == "tensor" {
        if let arm = tensorArm(arm, plain) { tensors.append(arm) }
      } else if let arm = layerArm(arm, plain, here) {
        layers.append(arm)
      }
    }
    guard tensors.count + layers.count == arms.count, !arms.isEmpty else { return nil }
    return .value(subject == "tensor" ? .matchTensor(tensors) : .matchLayer(layers))
  }

  private mutating func layerArm(_ arm: ArmSyntax, _ value: Value, _ here: Surroundings) -> Value.LayerArm? {
    switch arm.pattern {
    case .rest: return .init(nil, value)
    case .range(let syntax):
      guard let range = numberRange(syntax, here), let low = range.lower, let high = range.upper else { return nil }
      guard low >= 0, low == low.rounded(), high == high.rounded(), high < 1e9, low <= high else {
        report(.matchPattern("layer", wanted: "a range of whole numbers", at: arm.place))
        return nil
      }
      return .init(Int(low)..<Int(high) + (range.excludesUpper ? 0 : 1), value)
    case .text:
      report(.matchPattern("layer", wanted: "a range of layers", at: arm.place))
      return nil
    }
  }

  private mutating func tensorArm(_ arm: ArmSyntax, _ value: Value) -> Value.TensorArm? {
    switch arm.pattern {
    case .rest: return .init(Pattern("*"), value)
    case .text(let text):
      patterns[Pattern(text)] = arm.place
      return .init(Pattern(text), value)
    case .range:
      report(.matchPattern("tensor", wanted: "a pattern in quotes", at: arm.place))
      return nil
    }
  }

  /// A match on a value that is known now.
  private mutating func choose(
    _ subject: NameSyntax, _ arms: [ArmSyntax], _ values: [Typed], _ type: Type, _ place: Place, _ here: Surroundings
  ) -> Typed {
    let value = named(subject.text, subject.place, here)
    for (arm, result) in zip(arms, values) {
      switch (arm.pattern, value.item) {
      case (.rest, .value), (.rest, .some): return Typed(type: type, item: result.item, place: place)
      case (.text(let text), .value(.text(let subject))) where text == subject:
        return Typed(type: type, item: result.item, place: place)
      case (.range(let range), .value(.number(let number))):
        guard numberRange(range, here)?.contains(number) == true else { continue }
        return Typed(type: type, item: result.item, place: place)
      case (.text, .value(.number)), (.range, .value(.text)):
        report(.matchPattern(subject.text, wanted: "a value like \(value.type.text)", at: arm.place))
      default: continue
      }
    }
    return Typed(type: type, item: nil, place: place)
  }
}

extension Typed {
  /// The same value where a name for it stands.
  func at(_ place: Place) -> Typed { Typed(type: type, item: item, place: place, elements: []) }
}

extension Type {
  /// The type that values of both have; nil where there is none.
  func joined(with other: Type) -> Type? {
    if self == other { return self }
    switch (self, other) {
    case (.unknown, let type), (let type, .unknown): return type
    case (.none, .optional), (.optional, .none): return self == .none ? other : self
    case (.none, let type), (let type, .none): return .optional(type)
    case (.optional(let a), .optional(let b)): return a.joined(with: b).map(Type.optional)
    case (.optional(let a), let b), (let b, .optional(let a)): return a.joined(with: b).map(Type.optional)
    case (.layered(let a), .layered(let b)): return a.joined(with: b).map(Type.layered)
    case (.layered(let a), let b), (let b, .layered(let a)): return a.joined(with: b).map(Type.layered)
    case (.list(let a), .list(let b)): return a.joined(with: b).map(Type.list)
    case (.artifact(let a, let first), .artifact(let b, let second)) where a == b:
      return .artifact(a, first.filter(second.contains))
    case (.count, .count): return .count(nil)
    case (let a, let b) where a.isNumeric && b.isNumeric: return .number
    default: return nil
    }
  }
}
