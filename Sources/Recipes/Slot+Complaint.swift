import Diagnostics
import Operations

/// What keeps a value from its slot, in the parts of a diagnostic.
public struct Complaint: Sendable, Hashable {
  public let message: String
  public let label: String
  public let helps: [String]
}

extension Slot {
  /// What is wrong with a value whose type fits: it lies out of range, or is not whole.
  public func complaint(about value: Value, of operation: String) -> Complaint? {
    type.complaint(about: value, name: "`\(name)` of `\(operation)`", range: range)
  }
}

extension ValueType {
  /// What is wrong with a value of this type: it lies out of range, or is not whole.
  func complaint(about value: Value, name: String, range: NumberRange?) -> Complaint? {
    for case .number(let number) in value.leaves {
      if isCount, number != number.rounded() || abs(number) > 9_007_199_254_740_992 {
        return Complaint(
          message: "\(name) is a whole number", label: "this is \(Value.number(number).canonical)", helps: [])
      }
      guard let range, !range.contains(number) else { continue }
      let isShare = isFraction
      let isPercentMeant = isShare && number > 1 && number <= 100
      return Complaint(
        message: "\(name) \(range.text(isShare))", label: "this is \(Self.text(number, isShare))",
        helps: isPercentMeant ? ["for \(Self.text(number, false)) percent, write `\(Self.text(number, false))%`"] : [])
    }
    return nil
  }

  fileprivate static func text(_ number: Double, _ isShare: Bool) -> String {
    isShare ? Value.number(number * 100).canonical + "%" : Printer.spelled(Value.number(number).canonical)
  }

  private var isCount: Bool {
    switch self {
    case .count, .bytes: true
    case .list(let inner), .optional(let inner), .layered(let inner), .perModel(let inner): inner.isCount
    default: false
    }
  }

  private var isFraction: Bool {
    switch self {
    case .fraction: true
    case .list(let inner), .optional(let inner), .layered(let inner), .perModel(let inner): inner.isFraction
    default: false
    }
  }
}

extension NumberRange {
  /// `lies from 0% to 100%`.
  func text(_ isShare: Bool) -> String {
    let low = lower.map { ValueType.text($0, isShare) }
    let high = upper.map { ValueType.text($0, isShare) }
    switch (low, high) {
    case (let low?, let high?):
      return excludesUpper ? "is at least \(low) and less than \(high)" : "lies from \(low) to \(high)"
    case (let low?, nil): return "is at least \(low)"
    case (nil, let high?): return excludesUpper ? "is less than \(high)" : "is at most \(high)"
    case (nil, nil): return "is a number"
    }
  }
}
