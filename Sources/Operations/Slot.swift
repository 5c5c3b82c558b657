/// One place of an operation's signature that a recipe fills: an input, a parameter or a function.
public struct Slot: Sendable, Hashable {
  public enum Role: String, Sendable { case input, parameter, function }

  public let name: String
  public let role: Role
  public let type: ValueType
  /// One sentence.
  public let text: String
  /// What it is when a recipe leaves it out; a slot without one must be filled.
  public let defaultValue: Value?
  /// Where its numbers may lie.
  public let range: NumberRange?
  /// How many elements a list must have at least.
  public let minimumCount: Int
  /// What each choice means, for a slot of choices.
  public let choices: [String: String]

  public var isRequired: Bool { defaultValue == nil }
}

/// A range of numbers, either end of which may be open or missing.
public struct NumberRange: Sendable, Hashable {
  public let lower: Double?
  public let upper: Double?
  /// Whether the upper end itself lies outside.
  public let excludesUpper: Bool

  public init(lower: Double? = nil, upper: Double? = nil, excludesUpper: Bool = false) {
    self.lower = lower
    self.upper = upper
    self.excludesUpper = excludesUpper
  }

  public func contains(_ number: Double) -> Bool {
    if let lower, !(number >= lower) { return false }
    if let upper, !(excludesUpper ? number < upper : number <= upper) { return false }
    return !number.isNaN
  }
}

/// The ways in which a declaration says a range: `0...1`, `1...`, `0..<1`.
public protocol NumberRangeExpression {
  var numberRange: NumberRange { get }
}

extension ClosedRange: NumberRangeExpression where Bound: NumberBound {
  public var numberRange: NumberRange { NumberRange(lower: lowerBound.asDouble, upper: upperBound.asDouble) }
}

extension PartialRangeFrom: NumberRangeExpression where Bound: NumberBound {
  public var numberRange: NumberRange { NumberRange(lower: lowerBound.asDouble) }
}

extension Range: NumberRangeExpression where Bound: NumberBound {
  public var numberRange: NumberRange {
    NumberRange(lower: lowerBound.asDouble, upper: upperBound.asDouble, excludesUpper: true)
  }
}

/// A number that can bound a range.
public protocol NumberBound {
  var asDouble: Double { get }
}

extension Int: NumberBound {
  public var asDouble: Double { Double(self) }
}

extension Double: NumberBound {
  public var asDouble: Double { self }
}
