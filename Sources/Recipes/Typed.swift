import Diagnostics
import Operations

/// The type of an expression.
indirect enum Type: Sendable, Hashable {
  case number, fraction, bytes, duration, text, flag, none
  case count(CountUnit?)
  case choice(String)
  case list(Type)
  case tuple([Type])
  case optional(Type)
  /// A `gradient` or a `match` on tensors or layers.
  case layered(Type)
  /// Metrics carry the fields that they report.
  case artifact(ArtifactKind, [Field])
  case function(String)
  case library(String)
  /// Of something that was reported already: it fits everywhere, so that one mistake is one message.
  case unknown

  static func artifact(_ kind: ArtifactKind) -> Type { .artifact(kind, []) }

  /// The type with its article, as errors write it: `a checkpoint`.
  var text: String {
    switch self {
    case .number: "a number"
    case .fraction: "a fraction"
    case .bytes: "a size"
    case .duration: "a duration"
    case .text: "a text"
    case .flag: "a flag"
    case .none: "`none`"
    case .count(let unit): unit.map { "a count of \($0)" } ?? "a count"
    case .choice(let name): "the choice `.\(name)`"
    case .list(.unknown): "an empty list"
    case .list(let element): "a list of \(element.plural)"
    case .tuple: "several values together"
    case .optional(let wrapped): "\(wrapped.text) or `none`"
    case .layered: "a setting by layer"
    case .artifact(let kind, _): kind.withArticle
    case .function: "a function"
    case .library: "a library"
    case .unknown: "unknown"
    }
  }

  private var plural: String {
    switch self {
    case .artifact(.metrics, _): "metrics"
    case .artifact(let kind, _): kind.name + "s"
    case .number: "numbers"
    case .fraction: "fractions"
    case .count: "counts"
    case .text: "texts"
    case .flag: "flags"
    case .list: "lists"
    default: "values"
    }
  }

  var isNumeric: Bool {
    switch self {
    case .number, .fraction, .count, .unknown: true
    default: false
    }
  }
}

extension ArtifactKind {
  /// `a checkpoint`, `an adapter`, `metrics`.
  var withArticle: String {
    if self == .metrics { return "metrics" }
    return "aeiou".contains(name.prefix(1)) ? "an \(name)" : "a \(name)"
  }
}

extension ValueType {
  /// What a slot wants, with its article.
  var wanted: String {
    switch self {
    case .number: "a number"
    case .fraction: "a fraction"
    case .count(let unit): unit.map { "a count of \($0)" } ?? "a count"
    case .bytes: "a size in bytes"
    case .duration: "a duration"
    case .text, .path: "a text"
    case .flag: "`true` or `false`"
    case .choice: "a choice"
    case .cell: "a number or a text"
    case .list(.artifact(let kind)): "a list of \(kind == .metrics ? "metrics" : kind.name + "s")"
    case .list(let element): "a list, each element \(element.wanted)"
    case .optional(let wrapped): wrapped.wanted
    case .layered(let element): element.wanted
    case .perModel(let element): "\(element.wanted), or a list with one for each model"
    case .artifact(let kind): kind.withArticle
    case .function(let shape): "a function `\(shape.name)`"
    }
  }
}

/// What an expression comes to: always its type, and its value where that is known.
struct Typed: Sendable {
  let type: Type
  /// Nil within a function that is checked before it is called, and after a mistake.
  let item: Item?
  let place: Place
  /// A list's elements, each with its own place, where the list is written out.
  var elements: [Typed] = []
  /// The unit or sign that a literal was written with.
  var literal: Literal = .no

  enum Literal: Sendable {
    case no, bare
    case withUnit(Place)
  }

  static func unknown(_ place: Place) -> Typed { Typed(type: .unknown, item: nil, place: place) }
}

/// A value of the language while a recipe is worked out.
indirect enum Item: Sendable {
  case value(Value)
  case step(StepID)
  case formula(Formula)
  case list([Item])
  case tuple([Item])

  /// As a formula, if it is made of values and metrics.
  var formula: Formula? {
    switch self {
    case .value(let value): return .value(value)
    case .formula(let formula): return formula
    case .list(let items):
      let parts = items.compactMap(\.formula)
      return parts.count == items.count ? .list(parts) : nil
    case .step, .tuple: return nil
    }
  }

  /// As a plain value, if nothing in it waits for a run.
  var plain: Value? {
    switch self {
    case .value(let value): return value
    case .list(let items):
      let values = items.compactMap(\.plain)
      return values.count == items.count ? .list(values) : nil
    case .step, .formula, .tuple: return nil
    }
  }

  /// The steps, if it is an artifact or a list of them.
  var steps: [StepID]? {
    switch self {
    case .step(let step): return [step]
    case .list(let items):
      let steps = items.compactMap(\.steps)
      return steps.count == items.count ? steps.flatMap { $0 } : nil
    case .value(.list(let values)): return values.isEmpty ? [] : nil
    case .value, .formula, .tuple: return nil
    }
  }

  /// The elements of a list.
  var elements: [Item]? {
    switch self {
    case .list(let items): items
    case .value(.list(let values)): values.map { .value($0) }
    default: nil
    }
  }
}
