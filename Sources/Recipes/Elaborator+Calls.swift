import Diagnostics
import Operations

extension Elaborator {
  /// The functions of the language itself.
  static let functionNames: Set<String> = [
    "zip", "gradient", "first", "mean", "spread", "min", "max", "sum", "abs", "length",
  ]

  mutating func call(
    _ callee: Expression, _ arguments: [ArgumentSyntax], _ place: Place, _ here: Surroundings
  ) -> Typed {
    switch callee.kind {
    case .missing: return .unknown(place)
    case .name(let name):
      if here.locals[name] == nil,
        case .function(let function)? = files[here.file].meaning(of: name, visible: here.visible)
      {
        return call(function, arguments, at: callee.place, place, here)
      }
      let isValue = here.locals[name] != nil || files[here.file].meaning(of: name, visible: here.visible) != nil
      if let entry = catalog[name], !isValue { return call(entry.signature, arguments, at: callee.place, place, here) }
      if Self.functionNames.contains(name), !isValue { return call(builtin: name, arguments, place, here) }
      if isValue { return notCallable(typed(callee, here), place) }
      if let later = files[here.file].declared[name] {
        report(.nameUnknown(name, at: callee.place, known: [], later: later))
        return .unknown(place)
      }
      let known =
        catalog.entries.map(\.signature.name) + Self.functionNames.sorted() + files[here.file].names.keys.sorted()
      report(.operationUnknown(name, at: callee.place, known: known))
      for argument in arguments { _ = typed(argument.value, here) }
      return .unknown(place)
    case .field(let base, let name):
      guard case .name(let library) = base.kind,
        case .library(let file)? = files[here.file].meaning(of: library, visible: here.visible)
      else { return notCallable(typed(callee, here), place) }
      guard case .function(let function)? = files[file].meaning(of: name.text, visible: .max) else {
        report(
          .fieldUnknown(name.text, at: name.place, of: "`\(library)` has", fields: files[file].names.keys.sorted()))
        return .unknown(place)
      }
      return call(function, arguments, at: callee.place, place, here)
    default: return notCallable(typed(callee, here), place)
    }
  }

  private mutating func notCallable(_ value: Typed, _ place: Place) -> Typed {
    if value.type != .unknown { report(.notCallable(value.type, at: value.place)) }
    return .unknown(place)
  }

  // MARK: Operations

  private mutating func call(
    _ signature: Signature, _ arguments: [ArgumentSyntax], at callee: Place, _ place: Place, _ here: Surroundings
  ) -> Typed {
    let given = self.arguments(arguments, of: signature, at: callee, here)
    var fields = signature.fields
    if case .value(.list(let chosen))? = given["report"]?.argument {
      fields = fields.filter { chosen.contains(.choice($0.name)) }
    }
    for case .function(let function)? in given.values.map(\.argument) { fields += function.fields }
    let type = Type.artifact(signature.output(given: given.keys.sorted()), fields)
    let known = given.compactMapValues(\.argument)
    let isComplete =
      known.count == given.count && signature.slots.allSatisfy { !$0.isRequired || known[$0.name] != nil }
    guard isComplete else { return Typed(type: type, item: nil, place: place) }
    let step = step(
      signature, known, at: place, arguments: given.mapValues(\.place),
      label: here.label.isEmpty ? signature.name : here.label)
    return Typed(type: type, item: .step(step), place: place)
  }

  /// What a call gives each slot; an argument is nil where it does not fit or is not known yet.
  mutating func arguments(
    _ arguments: [ArgumentSyntax], of signature: Signature, at callee: Place, _ here: Surroundings
  ) -> [String: (argument: Argument?, place: Place)] {
    var given: [String: (argument: Argument?, place: Place)] = [:]
    var labels: [String: Place] = [:]
    var isMistaken = false
    for (index, argument) in arguments.enumerated() {
      if case .missing = argument.value.kind { isMistaken = true }
      guard let slot = slot(of: argument, at: index, signature) else {
        isMistaken = true
        _ = typed(argument.value, here)
        continue
      }
      let labelPlace = argument.label?.place ?? argument.value.place
      if let first = labels.updateValue(labelPlace, forKey: slot.name) {
        report(.argumentTwice(slot.name, at: labelPlace, first: first))
        continue
      }
      given[slot.name] = (self.argument(argument.value, for: slot, of: signature.name, here), argument.value.place)
    }
    // A misspelt label is why its slot is empty: one mistake, one message.
    if !isMistaken {
      for slot in signature.slots where slot.isRequired && labels[slot.name] == nil {
        report(.missingArgument(slot, of: signature.name, at: callee))
      }
    }
    return given
  }

  private mutating func slot(of argument: ArgumentSyntax, at index: Int, _ signature: Signature) -> Slot? {
    let names = signature.slots.map(\.name)
    guard let label = argument.label else {
      if index == 0, let first = signature.slots.first { return first }
      if case .missing = argument.value.kind { return nil }
      report(.labelMissing(signature.name, at: argument.value.place, slots: names))
      return nil
    }
    guard let slot = signature.slot(label.text) else {
      if !label.text.isEmpty { report(.labelUnknown(label.text, at: label.place, of: signature.name, slots: names)) }
      return nil
    }
    return slot
  }

  private mutating func argument(
    _ expression: Expression, for slot: Slot, of operation: String, _ here: Surroundings
  ) -> Argument? {
    // A choice without its dot is a name that is not there: say what is meant.
    if case .name(let name) = expression.kind, let choices = slot.type.choiceNames, choices.contains(name),
      here.locals[name] == nil, files[here.file].declared[name] == nil
    {
      report(.choiceWithoutDot(name, at: expression.place))
      return nil
    }
    if case .function(let shape) = slot.type {
      return passed(expression, to: slot, shape, of: operation, here).map { .function($0) }
    }
    let value = typed(expression, here.labelled(".\(slot.name)"))
    guard let item = fit(value, Target(slot, of: operation)) else { return nil }
    guard slot.role == .input else {
      if let plain = item.plain {
        return .value(slot.type.isPath ? plain.texts { absolute($0, in: here.file) } : plain)
      }
      return item.formula.map { .formula($0) }
    }
    if item.plain == Value.none { return .steps([]) }
    guard let steps = item.steps else { return nil }
    guard steps.count >= slot.minimumCount || !slot.type.isList else {
      report(.listTooShort(slot, of: operation, count: steps.count, at: value.place))
      return nil
    }
    return .steps(steps)
  }

  // MARK: Functions

  private mutating func call(
    _ function: Function, _ arguments: [ArgumentSyntax], at callee: Place, _ place: Place, _ here: Surroundings
  ) -> Typed {
    let name = function.syntax.name.text
    let names = function.parameters.map(\.name)
    var inside = Surroundings(file: function.file, visible: function.visible, label: here.label)
    var given: [String: Place] = [:]
    var isMistaken = false
    for (index, argument) in arguments.enumerated() {
      let label = argument.label?.text ?? (index == 0 ? names.first : nil)
      guard let label, let parameter = function.parameters.first(where: { $0.name == label }) else {
        isMistaken = true
        if let label = argument.label {
          report(.labelUnknown(label.text, at: label.place, of: name, slots: names))
        } else {
          report(.labelMissing(name, at: argument.value.place, slots: names))
        }
        continue
      }
      if let first = given.updateValue(argument.value.place, forKey: label) {
        report(.argumentTwice(label, at: argument.label?.place ?? argument.value.place, first: first))
      }
      let value = typed(argument.value, here.labelled(".\(label)"))
      inside = inside.with(label, bound(value, to: parameter, of: name))
    }
    for parameter in function.parameters where given[parameter.name] == nil && !isMistaken {
      guard let value = parameter.value else {
        report(.functionArguments(name, at: callee, wanted: "`\(parameter.name)` as well"))
        isMistaken = true
        continue
      }
      let surroundings = Surroundings(file: function.file, visible: function.visible, label: here.label)
      inside = inside.with(parameter.name, bound(typed(value, surroundings), to: parameter, of: name))
    }
    guard !isMistaken else { return Typed(type: Type(function.result), item: nil, place: place) }
    let result = typed(function.syntax.body, inside)
    let target = Target(what: "`\(name)`", type: function.result, range: nil, gives: true)
    return Typed(type: result.type, item: fit(result, target), place: place)
  }

  private mutating func bound(
    _ value: Typed, to parameter: (name: String, type: ValueType, range: NumberRange?, value: Expression?),
    of function: String
  ) -> Typed {
    let target = Target(what: "`\(parameter.name)` of `\(function)`", type: parameter.type, range: parameter.range)
    let item = fit(value, target)
    return Typed(type: value.type.isMadeOfArtifacts ? value.type : Type(parameter.type), item: item, place: value.place)
  }

  // MARK: The language's own functions

  private mutating func call(
    builtin name: String, _ arguments: [ArgumentSyntax], _ place: Place, _ here: Surroundings
  ) -> Typed {
    if let label = arguments.first(where: { $0.label != nil })?.label {
      report(.functionArguments(name, at: label.place, wanted: "values without labels"))
      return .unknown(place)
    }
    let values = arguments.map { typed($0.value, here) }
    if name == "zip" { return zip(values, place) }
    guard values.count == 1, let value = values.first else {
      report(.functionArguments(name, at: place, wanted: "one value"))
      return .unknown(place)
    }
    if value.type == .unknown { return .unknown(place) }
    if name == "abs" {
      let target = Target(what: "`abs`", type: .number, range: nil)
      return apply(.absolute, [fit(value, target)], .number, place)
    }
    guard case .list(let element) = value.type else {
      report(.notAList(value.type, at: value.place, purpose: "`\(name)`"))
      return .unknown(place)
    }
    switch name {
    case "first": return first(of: value, element, place)
    case "length":
      return Typed(
        type: .count(nil), item: value.item?.elements.map { .value(.number(Double($0.count))) }, place: place)
    default:
      let item = fit(value, Target(what: "`\(name)`", type: .list(.number), range: nil))
      if name == "gradient" { return gradient(item, element, value, place) }
      guard let builtin = Builtin(rawValue: name) else {
        preconditionFailure("`\(name)` is a function of the language")
      }
      return apply(builtin, [item], .number, place)
    }
  }

  private mutating func zip(_ values: [Typed], _ place: Place) -> Typed {
    var types: [Type] = []
    var columns: [[Item]?] = []
    for value in values {
      guard case .list(let element) = value.type else {
        if value.type != .unknown { report(.notAList(value.type, at: value.place, purpose: "`zip`")) }
        return .unknown(place)
      }
      types.append(element)
      columns.append(value.item?.elements)
    }
    guard values.count > 1 else {
      report(.functionArguments("zip", at: place, wanted: "two lists or more"))
      return .unknown(place)
    }
    let known = columns.compactMap { $0 }
    guard known.count == columns.count else { return Typed(type: .list(.tuple(types)), item: nil, place: place) }
    guard Set(known.map(\.count)).count == 1 else {
      report(.unequalLengths(known.map(\.count), at: place))
      return .unknown(place)
    }
    let rows = known[0].indices.map { row in Item.tuple(known.map { $0[row] }) }
    return Typed(type: .list(.tuple(types)), item: .list(rows), place: place)
  }

  private mutating func first(of value: Typed, _ element: Type, _ place: Place) -> Typed {
    guard let elements = value.item?.elements else { return Typed(type: element, item: nil, place: place) }
    guard let first = elements.first else {
      report(.badFormula("`first` of an empty list has no value", at: place))
      return .unknown(place)
    }
    return Typed(type: element, item: first, place: place)
  }

  private mutating func gradient(_ item: Item?, _ element: Type, _ value: Typed, _ place: Place) -> Typed {
    let points = item?.plain.flatMap { try? $0.list }
    if item != nil, points == nil { report(.layeredElement(element, at: value.place)) }
    if points?.isEmpty == true { report(.badFormula("a gradient has at least one point", at: value.place)) }
    let isKnown = points?.isEmpty == false
    return Typed(
      type: .layered(element), item: isKnown ? points.map { .value(.gradient($0)) } : nil, place: place,
      elements: value.elements)
  }

  /// Applies an operator or function: now if the values are known, else once the metrics are there.
  mutating func apply(_ builtin: Builtin, _ items: [Item?], _ type: Type, _ place: Place) -> Typed {
    let known = items.compactMap { $0 }
    guard known.count == items.count else { return Typed(type: type, item: nil, place: place) }
    let values = known.compactMap(\.plain)
    guard values.count == known.count else {
      let formulas = known.compactMap(\.formula)
      return Typed(
        type: type, item: formulas.count == known.count ? .formula(.call(builtin, formulas)) : nil, place: place)
    }
    do {
      return Typed(type: type, item: .value(try builtin.value(values)), place: place)
    } catch {
      report(.badFormula((error as? OperationError)?.message ?? "\(error)", at: place))
      return Typed(type: type, item: nil, place: place)
    }
  }
}

extension ValueType {
  /// The names of a slot of choices, however it is wrapped.
  fileprivate var choiceNames: [String]? {
    switch self {
    case .choice(let names): names
    case .list(let inner), .optional(let inner), .layered(let inner), .perModel(let inner): inner.choiceNames
    default: nil
    }
  }

  fileprivate var isList: Bool { if case .list = self { true } else { false } }
}

extension Value {
  /// The value with each text in it changed.
  fileprivate func texts(_ change: (String) -> String) -> Value {
    switch self {
    case .text(let text): .text(change(text))
    case .list(let values): .list(values.map { $0.texts(change) })
    default: self
    }
  }
}
