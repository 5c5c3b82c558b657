import Operations

extension Slot {
  /// The type as help and the reference say it, with the choices there are.
  var typeText: String { type.name + (type.isLayered ? ", may change over layers" : "") }

  /// What it is when a recipe leaves it out; nil for what must be given, empty for an input that may be missing.
  var defaultText: String? { defaultValue.map { $0.text(as: type) } }

  /// Where its numbers may lie; nil for anywhere.
  var rangeText: String? { range?.text(as: type) }

  /// Everything about it but its name and sentence: `fraction, 0% to 100%, 20% by default`.
  var facts: String {
    var parts = [typeText]
    if let rangeText { parts.append(rangeText) }
    if role == .input, minimumCount > 1 { parts.append("at least \(minimumCount)") }
    if role == .input {
      if !isRequired { parts.append("may be left out") }
    } else {
      parts.append(defaultText.map { "\($0) by default" } ?? "must be given")
    }
    return parts.joined(separator: ", ")
  }

  /// Its choices in order, with what each means.
  var choiceTexts: [(name: String, text: String)] { type.choiceNames.map { ("." + $0, choices[$0] ?? "") } }

  /// As a call writes it: `density: 20%`, or `models:` where it must be given.
  var argument: String { defaultText.map { "\(name): \($0)" } ?? "\(name):" }
}

extension NumberRange {
  /// Where the numbers of a type may lie: `0% to 100%`, `at least 1`; nil for anywhere.
  func text(as type: ValueType) -> String? {
    let element = type.element.withoutUnit
    let lower = lower.map { Value.number($0).text(as: element) }
    let upper = upper.map { Value.number($0).text(as: element) }
    switch (lower, upper) {
    case (nil, nil): return nil
    case (let lower?, nil): return "at least \(lower)"
    case (nil, let upper?): return "\(excludesUpper ? "below" : "at most") \(upper)"
    case (let lower?, let upper?): return excludesUpper ? "from \(lower) to below \(upper)" : "\(lower) to \(upper)"
    }
  }
}

extension ValueType {
  /// The type of the plain values in it.
  var element: ValueType {
    switch self {
    case .list(let inner), .optional(let inner), .layered(let inner), .perModel(let inner): inner.element
    default: self
    }
  }

  var isLayered: Bool {
    switch self {
    case .layered: true
    case .list(let inner), .optional(let inner), .perModel(let inner): inner.isLayered
    default: false
    }
  }

  var choiceNames: [String] { if case .choice(let names) = element { names } else { [] } }

  var withoutUnit: ValueType { if case .count = self { .count(nil) } else { self } }
}

extension Signature {
  var inputs: [Slot] { slots.filter { $0.role == .input } }
  var parameters: [Slot] { slots.filter { $0.role != .input } }

  /// A call of it with everything that has a default spelt out, in the form that `mergekit fmt` gives it.
  func call(width: Int = 90) -> [String] {
    let arguments = slots.filter { $0.role != .input || $0.isRequired }.map(\.argument)
    let line = "\(name)(\(arguments.joined(separator: ", ")))"
    guard line.count > width else { return [line] }
    return ["\(name)("] + arguments.map { "    \($0)," } + [")"]
  }
}
