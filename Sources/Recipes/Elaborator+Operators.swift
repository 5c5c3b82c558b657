import Diagnostics
import Operations

extension Elaborator {
  mutating func unary(_ builtin: Builtin, _ operand: Expression, _ place: Place, _ here: Surroundings) -> Typed {
    let value = typed(operand, here)
    switch (builtin, value.type) {
    case (_, .unknown): return .unknown(place)
    case (.not, .flag): return apply(.not, [value.item], .flag, place)
    case (.negate, .artifact(.delta, _)): return scaled(value, by: .value(.number(-1)), place, here)
    case (.negate, let type) where type.isNumeric: return apply(.negate, [value.item], type, place)
    default:
      report(.operandUnfit(builtin, value.type, at: value.place))
      return .unknown(place)
    }
  }

  mutating func binary(
    _ builtin: Builtin, _ left: Expression, _ right: Expression, _ sign: Place, _ place: Place, _ here: Surroundings
  ) -> Typed {
    let (a, b) = (typed(left, here.labelled(".left")), typed(right, here.labelled(".right")))
    if a.type == .unknown || b.type == .unknown { return .unknown(place) }
    if a.type.isArtifact || b.type.isArtifact { return onArtifacts(builtin, a, b, sign, place, here) }
    guard let type = Self.result(of: builtin, a.type, b.type) else {
      report(.operandsUnfit(sign, (a.type, a.place), (b.type, b.place)))
      return .unknown(place)
    }
    return apply(builtin, [a.item, b.item], type, place)
  }

  /// The type that an operator on plain values gives.
  private static func result(of builtin: Builtin, _ a: Type, _ b: Type) -> Type? {
    let areSizes = a == b && (a == .bytes || a == .duration)
    let areNumbers = a.isNumeric && b.isNumeric
    switch builtin {
    case .and, .or: return a == .flag && b == .flag ? .flag : nil
    case .equal, .notEqual:
      let isComparable = areNumbers || areSizes || a == b && (a == .text || a == .flag) || a == .none || b == .none
      return isComparable ? .flag : nil
    case .less, .lessOrEqual, .greater, .greaterOrEqual: return areNumbers || areSizes ? .flag : nil
    case .add, .subtract:
      if areSizes { return a }
      if a == .fraction, b == .fraction { return .fraction }
      if case .count = a, case .count = b { return a == b ? a : .count(nil) }
      return areNumbers ? .number : nil
    case .multiply:
      if a == .bytes || a == .duration { return b.isNumeric ? a : nil }
      if b == .bytes || b == .duration { return a.isNumeric ? b : nil }
      if case .count = a, case .count = b { return .count(nil) }
      return areNumbers ? .number : nil
    case .divide: return areNumbers || areSizes ? .number : a == .bytes && b.isNumeric ? .bytes : nil
    default: return nil
    }
  }

  // MARK: Arithmetic on models

  /// Sugar for operations: `checkpoint - checkpoint`, `checkpoint ± delta`, `checkpoint ± adapter`, `delta ± delta`,
  /// `number * delta`.
  private mutating func onArtifacts(
    _ builtin: Builtin, _ a: Typed, _ b: Typed, _ sign: Place, _ place: Place, _ here: Surroundings
  ) -> Typed {
    switch (a.type.kind, builtin, b.type.kind) {
    case (.checkpoint?, .subtract, .checkpoint?): return made("subtract", [("a", [a]), ("b", [b])], place, here)
    case (.checkpoint?, .add, .checkpoint?):
      report(.addedCheckpoints(a.place, sign, b.place))
      return Typed(type: .artifact(.checkpoint), item: nil, place: place)
    case (.checkpoint?, .add, .delta?): return made("add", [("base", [a]), ("delta", [b])], place, here)
    case (.checkpoint?, .add, .adapter?): return made("attach", [("base", [a]), ("adapter", [b])], place, here)
    case (.checkpoint?, .subtract, .adapter?): return made("residual", [("base", [a]), ("adapter", [b])], place, here)
    case (.delta?, .add, .checkpoint?): return made("add", [("base", [b]), ("delta", [a])], place, here)
    case (.checkpoint?, .subtract, .delta?):
      return made("add", [("base", [a]), ("delta", [negated(b, here)])], place, here)
    case (.delta?, .add, .delta?): return made("total", [("deltas", [a, b])], place, here)
    case (.delta?, .subtract, .delta?): return made("total", [("deltas", [a, negated(b, here)])], place, here)
    case (.delta?, .multiply, nil) where b.type.isNumeric: return scaled(a, by: b.item, place, here)
    case (nil, .multiply, .delta?) where a.type.isNumeric: return scaled(b, by: a.item, place, here)
    case (.delta?, .divide, nil) where b.type.isNumeric:
      let inverse = apply(.divide, [.value(.number(1)), b.item], .number, b.place)
      return scaled(a, by: inverse.item, place, here)
    case (.checkpoint?, .multiply, nil), (nil, .multiply, .checkpoint?):
      report(
        .operandsUnfit(
          sign, (a.type, a.place), (b.type, b.place),
          helps: ["scale what a model adds to its base: `base + 0.4 * (model - base)`"]))
      return .unknown(place)
    default:
      report(.operandsUnfit(sign, (a.type, a.place), (b.type, b.place)))
      return .unknown(place)
    }
  }

  private mutating func negated(_ delta: Typed, _ here: Surroundings) -> Typed {
    scaled(delta, by: .value(.number(-1)), delta.place, here.labelled(".right"))
  }

  private mutating func scaled(_ delta: Typed, by factor: Item?, _ place: Place, _ here: Surroundings) -> Typed {
    guard let factor else { return Typed(type: .artifact(.delta), item: nil, place: place) }
    let argument: Argument? = factor.plain.map { .value($0) } ?? factor.formula.map { .formula($0) }
    guard let argument else { return .unknown(place) }
    return made("scale", [("delta", [delta])], place, here, settings: ["by": argument])
  }

  /// The step of an operation that an operator stands for.
  private mutating func made(
    _ name: String, _ inputs: [(slot: String, values: [Typed])], _ place: Place, _ here: Surroundings,
    settings: [String: Argument] = [:]
  ) -> Typed {
    guard let signature = catalog[name]?.signature else {
      report(.operationNotThere(name, at: place))
      return .unknown(place)
    }
    var arguments = settings
    for (slot, values) in inputs {
      let steps = values.compactMap { $0.item?.steps }.flatMap { $0 }
      guard steps.count == values.count else {
        return Typed(type: .artifact(signature.output), item: nil, place: place)
      }
      arguments[slot] = .steps(steps)
    }
    let step = step(
      signature, arguments, at: place, arguments: [:], label: here.label.isEmpty ? signature.name : here.label)
    return Typed(type: .artifact(signature.output), item: .step(step), place: place)
  }
}

extension Type {
  /// The kind of an artifact; nil for everything else.
  fileprivate var kind: ArtifactKind? { if case .artifact(let kind, _) = self { kind } else { nil } }
}
