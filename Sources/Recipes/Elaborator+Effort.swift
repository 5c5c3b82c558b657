import Diagnostics
import Operations

/// How much work a recipe may take: a few lines can ask for more than any machine can do, by lists of lists and by functions that call
/// others twice.
extension Elaborator {
  /// Expressions that are worked out, and values that they come to: more than any recipe has that somebody wrote, and a second's work.
  static let mostEffort = 1_000_000

  /// Works an expression out as long as there is effort left; afterwards nothing is known any more.
  mutating func typed(_ expression: Expression, _ here: Surroundings) -> Typed {
    guard spend(1, on: expression.place) else { return .unknown(expression.place) }
    let typed = workedOut(expression, here)
    switch expression.kind {
    case .missing, .number, .flag, .none, .choice, .name, .field: return typed
    case .text, .list, .comprehension, .call, .unary, .binary, .conditional, .match:
      let size = typed.item?.size(upTo: effort + 1) ?? 0
      return spend(size, on: expression.place) ? typed : .unknown(expression.place)
    }
  }

  /// - Returns: Whether there was as much left. That there was not is reported, once.
  private mutating func spend(_ cost: Int, on place: Place) -> Bool {
    guard effort >= 0 else { return false }
    effort -= cost
    if effort < 0 { report(.tooMuchEffort(at: place)) }
    return effort >= 0
  }
}

extension Item {
  /// How many values it is made of, a long text counting as several; what is more than `limit` is not counted.
  fileprivate func size(upTo limit: Int) -> Int {
    switch self {
    case .step: 1
    case .value(let value): value.size(upTo: limit)
    case .formula(let formula): formula.size(upTo: limit)
    case .list(let items), .tuple(let items): sum(items, upTo: limit) { $0.size(upTo: $1) }
    }
  }
}

extension Value {
  fileprivate func size(upTo limit: Int) -> Int {
    switch self {
    case .text(let text): 1 + text.utf8.count / 64
    case .list(let values): sum(values, upTo: limit) { $0.size(upTo: $1) }
    default: 1
    }
  }
}

extension Formula {
  fileprivate func size(upTo limit: Int) -> Int {
    switch self {
    case .value(let value): value.size(upTo: limit)
    case .field: 1
    case .list(let parts), .call(_, let parts): sum(parts, upTo: limit) { $0.size(upTo: $1) }
    case .choose(let condition, let then, let otherwise):
      sum([condition, then, otherwise], upTo: limit) { $0.size(upTo: $1) }
    }
  }
}

private func sum<Part>(_ parts: [Part], upTo limit: Int, _ size: (Part, _ limit: Int) -> Int) -> Int {
  var total = 1
  for part in parts {
    if total > limit { return total }
    total += size(part, limit - total)
  }
  return total
}
