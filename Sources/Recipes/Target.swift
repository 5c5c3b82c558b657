import Diagnostics
import Operations

/// Something that wants a value of a type: a slot, a parameter, a function's result.
struct Target {
  /// What messages call it: "`density` of `ties`".
  let what: String
  let type: ValueType
  let range: NumberRange?
  var choices: [String: String] = [:]
  /// Whether it is what a function gives: then a misfit is worded so.
  var gives = false

  init(what: String, type: ValueType, range: NumberRange?, choices: [String: String] = [:], gives: Bool = false) {
    self.what = what
    self.type = type
    self.range = range
    self.choices = choices
    self.gives = gives
  }

  init(_ slot: Slot, of operation: String) {
    self.init(what: "`\(slot.name)` of `\(operation)`", type: slot.type, range: slot.range, choices: slot.choices)
  }

  func with(_ type: ValueType) -> Target {
    Target(what: what, type: type, range: range, choices: choices, gives: gives)
  }
}

extension Elaborator {
  /// The value for a target, once its type and range fit; nil where they do not (and that is reported) or it is not known yet.
  mutating func fit(_ given: Typed, _ target: Target) -> Item? {
    guard fits(given, target), let item = given.item else { return nil }
    if let value = item.plain {
      guard let complaint = target.type.complaint(about: value, name: target.what, range: target.range) else {
        return .value(value)
      }
      // An element's mistake is shown at the element.
      let culprit = given.elements.first {
        $0.item?.plain.map { target.type.complaint(about: $0, name: target.what, range: target.range) != nil } ?? false
      }
      report(.outOfRange(complaint, at: culprit?.place ?? given.place))
      return nil
    }
    return item
  }

  /// Whether the type fits; reports where it does not.
  private mutating func fits(_ given: Typed, _ target: Target) -> Bool {
    switch (target.type, given.type) {
    case (_, .unknown): return true
    case (.optional(_), .none): return true
    case (.optional(let wrapped), .optional(let type)):
      return fits(
        Typed(type: type, item: given.item, place: given.place, elements: given.elements), target.with(wrapped))
    case (.optional(let wrapped), _): return fits(given, target.with(wrapped))
    case (.perModel(let element), .list): return fits(given, target.with(.list(element)))
    case (.perModel(let element), _): return fits(given, target.with(element))
    case (.layered(let element), .layered(let type)):
      if given.elements.isEmpty {
        return fits(Typed(type: type, item: nil, place: given.place), target.with(element))
      }
      return given.elements.map { fits($0, target) }.allSatisfy { $0 }
    case (.layered(let element), _): return fits(given, target.with(element))
    case (_, .layered):
      report(.notLayered(target.what, at: given.place))
      return false
    case (.list(let element), .list(let type)):
      if given.elements.isEmpty {
        return type == .unknown || fits(Typed(type: type, item: nil, place: given.place), target.with(element))
      }
      return given.elements.map { fits($0, target.with(element)) }.allSatisfy { $0 }
    case (.number, .number), (.number, .fraction), (.number, .count), (.fraction, .number), (.fraction, .fraction),
      (.fraction, .count(nil)), (.count, .number), (.bytes, .bytes), (.duration, .duration), (.text, .text),
      (.path, .text),
      (.flag, .flag), (.cell, .number), (.cell, .count), (.cell, .text):
      return true
    case (.count(let wanted), .count(let unit)):
      guard let unit, unit != wanted, wanted != nil || target.what.contains(" of ") else { return true }
      report(.unitWrong(target.what, counts: wanted, not: unit, at: given.unitPlace))
      return false
    case (.bytes, let type) where type.isNumeric, (.duration, let type) where type.isNumeric:
      report(.sizeNeedsUnit(target.what, at: given.place, isSize: target.type == .bytes))
      return false
    case (.choice(let names), .choice(let name)):
      if names.contains(name) { return true }
      report(.choiceUnknown(name, at: given.place, of: target.what, choices: names, texts: target.choices))
      return false
    case (.artifact(let kind), .artifact(let type, _)) where kind == type: return true
    default:
      report(.itemUnfit(given.type, for: target.what, wanted: target.type, gives: target.gives, at: given.place))
      return false
    }
  }
}

extension Typed {
  /// Where the unit of a literal stands, or the whole expression.
  fileprivate var unitPlace: Place { if case .withUnit(let place) = literal { place } else { place } }
}

extension Type {
  /// The type that a slot's or a parameter's type is in the language; metrics have no known fields.
  init(_ type: ValueType) {
    switch type {
    case .number: self = .number
    case .fraction: self = .fraction
    case .count(let unit): self = .count(unit)
    case .bytes: self = .bytes
    case .duration: self = .duration
    case .text, .path: self = .text
    case .flag: self = .flag
    case .choice, .cell, .perModel, .function: self = .unknown
    case .list(let element): self = .list(Type(element))
    case .optional(let wrapped): self = .optional(Type(wrapped))
    case .layered(let element): self = .layered(Type(element))
    case .artifact(let kind): self = .artifact(kind, [])
    }
  }

  /// The same, where metrics may have any field that some operation reports: what a function's parameter is before it is called.
  init(_ type: ValueType, anyFieldOf catalog: Catalog) {
    switch type {
    case .list(let element): self = .list(Type(element, anyFieldOf: catalog))
    case .artifact(.metrics): self = .artifact(.metrics, catalog.entries.flatMap(\.signature.fields))
    default: self = Type(type)
    }
  }

  /// Whether it is an artifact or a list of them.
  var isMadeOfArtifacts: Bool {
    switch self {
    case .artifact: true
    case .list(let element): element.isMadeOfArtifacts
    default: false
    }
  }
}
