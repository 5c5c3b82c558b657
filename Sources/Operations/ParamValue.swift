/// A Swift type that a `@Param` can have.
///
/// The recipe is checked against `type` before any value is made, so `init(_:)` may trust what it gets.
public protocol ParamValue: Sendable {
  static var type: ValueType { get }
  init(_ value: Value)
  var value: Value { get }
}

extension Double: ParamValue {
  public static var type: ValueType { .number }
  public init(_ value: Value) { self = value.checkedNumber }
  public var value: Value { .number(self) }
}

/// A whole number; its unit is said by the slot.
extension Int: ParamValue {
  public static var type: ValueType { .count(nil) }
  /// Beyond 2⁵³ a number is no longer a whole one for certain, so that is as far as it goes.
  public init(_ value: Value) { self.init(value.checkedNumber.clamped(to: -0x1p53...0x1p53)) }
  public var value: Value { .number(Double(self)) }
}

extension Bool: ParamValue {
  public static var type: ValueType { .flag }
  public init(_ value: Value) {
    guard case .flag(let flag) = value else { value.mismatch("flag") }
    self = flag
  }
  public var value: Value { .flag(self) }
}

extension String: ParamValue {
  public static var type: ValueType { .text }
  public init(_ value: Value) {
    guard case .text(let text) = value else { value.mismatch("text") }
    self = text
  }
  public var value: Value { .text(self) }
}

/// A share of a whole, 0 to 1 unless its slot says otherwise; recipes write `20%`.
public struct Fraction: ParamValue, Hashable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  public let share: Double

  public init(_ share: Double) { self.share = share }
  public init(floatLiteral share: Double) { self.share = share }
  public init(integerLiteral share: Int) { self.share = Double(share) }

  public static var type: ValueType { .fraction }
  public init(_ value: Value) { share = value.checkedNumber }
  public var value: Value { .number(share) }
}

/// A size in bytes; recipes write `2 GiB`.
public struct ByteCount: ParamValue, Hashable {
  public let bytes: Int

  public init(bytes: Int) { self.bytes = bytes }

  public static var type: ValueType { .bytes }
  public init(_ value: Value) { bytes = Int(value.checkedNumber) }
  public var value: Value { .number(Double(bytes)) }

  public static func gibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 30) }
}

/// A file or folder outside the registry, as an absolute path. Its content, not its name, enters the key.
public struct SourcePath: ParamValue, Hashable {
  public let path: String

  public init(path: String) { self.path = path }

  public static var type: ValueType { .path }
  public init(_ value: Value) { path = String(value) }
  public var value: Value { .text(path) }
}

/// What a table's cell may hold.
public enum Cell: ParamValue, Hashable {
  case number(Double)
  case text(String)

  public static var type: ValueType { .cell }
  public init(_ value: Value) {
    switch value {
    case .number(let number): self = .number(number)
    case .text(let text): self = .text(text)
    default: value.mismatch("number or text")
    }
  }
  public var value: Value {
    switch self {
    case .number(let number): .number(number)
    case .text(let text): .text(text)
    }
  }
}

/// A choice among names: an enumeration of strings whose raw values are what recipes write after the dot.
public protocol Choice: ParamValue, CaseIterable, RawRepresentable<String> {
  /// What each choice means, for help; in the order of the cases.
  var text: String { get }
}

extension Choice {
  public static var type: ValueType { .choice(allCases.map(\.rawValue)) }
  public init(_ value: Value) {
    guard case .choice(let name) = value, let choice = Self(rawValue: name) else { value.mismatch("choice") }
    self = choice
  }
  public var value: Value { .choice(rawValue) }
}

extension Array: ParamValue where Element: ParamValue {
  public static var type: ValueType { .list(Element.type) }
  public init(_ value: Value) {
    guard case .list(let values) = value else { value.mismatch("list") }
    self = values.map(Element.init)
  }
  public var value: Value { .list(map(\.value)) }
}

extension Optional: ParamValue where Wrapped: ParamValue {
  public static var type: ValueType { .optional(Wrapped.type) }
  public init(_ value: Value) { self = value == .none ? nil : Wrapped(value) }
  public var value: Value { map(\.value) ?? .none }
}

extension Value {
  fileprivate var checkedNumber: Double {
    guard case .number(let number) = self else { mismatch("number") }
    return number
  }

  fileprivate func mismatch(_ wanted: String) -> Never {
    preconditionFailure("the recipe's check let \(canonical) through where a \(wanted) was wanted")
  }
}

extension Double {
  fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
    min(max(self, range.lowerBound), range.upperBound)
  }
}
