/// A setting of an operation.
///
/// `@Param("Share of each task vector that is kept, largest first.", in: 0...1) var density: Layered<Fraction> = 0.2`
@propertyWrapper
public struct Param<Value: ParamValue>: SlotWrapper {
  private let text: String
  private let range: NumberRange?
  private let unit: CountUnit?
  private let defaultValue: Value?
  private var bound: Value?

  /// A setting that a recipe may leave out.
  ///
  /// - Parameters:
  ///   - text: One sentence that says what it is.
  ///   - range: Where its numbers may lie.
  ///   - unit: What it counts, for a whole number.
  public init(wrappedValue: Value, _ text: String, in range: (any NumberRangeExpression)? = nil, unit: CountUnit? = nil)
  {
    self.text = text
    self.range = range?.numberRange
    self.unit = unit
    defaultValue = wrappedValue
  }

  /// A setting that a recipe must give.
  public init(_ text: String, in range: (any NumberRangeExpression)? = nil, unit: CountUnit? = nil) {
    self.text = text
    self.range = range?.numberRange
    self.unit = unit
    defaultValue = nil
  }

  /// The same setting with another default.
  public func defaulting(to value: Value) -> Param { Param(copying: self, defaultValue: value) }

  private init(copying other: Param, defaultValue: Value) {
    (text, range, unit, bound) = (other.text, other.range, other.unit, other.bound)
    self.defaultValue = defaultValue
  }

  public var wrappedValue: Value {
    guard let value = bound ?? defaultValue else {
      preconditionFailure("an operation's setting was read before it was bound")
    }
    return value
  }

  public func slot(named name: String) -> Slot {
    Slot(
      name: name, role: .parameter, type: Value.type.counting(unit), text: text, defaultValue: defaultValue?.value,
      range: range ?? (Value.type.isFraction ? NumberRange(lower: 0, upper: 1) : nil), minimumCount: 0,
      choices: Self.choiceTexts)
  }

  public func bound(to binding: Binding?) -> Param {
    var result = self
    switch binding {
    case .value(let value): result.bound = Value(value)
    case nil: break
    case .contents, .function: preconditionFailure("what is no value was bound to a setting")
    }
    return result
  }

  public var contents: [Content] { [] }

  private static var choiceTexts: [String: String] {
    if let choice = Value.self as? any Choice.Type { return choice.choiceTexts }
    return (Value.self as? any ChoiceTexts.Type)?.texts ?? [:]
  }

  public init(from decoder: any Decoder) { preconditionFailure("operations are bound, not decoded") }
}

extension ValueType {
  /// The same type, its counts counting this unit.
  fileprivate func counting(_ unit: CountUnit?) -> ValueType {
    switch self {
    case .count: .count(unit)
    case .list(let element): .list(element.counting(unit))
    case .optional(let wrapped): .optional(wrapped.counting(unit))
    case .layered(let element): .layered(element.counting(unit))
    case .perModel(let element): .perModel(element.counting(unit))
    default: self
    }
  }

  fileprivate var isFraction: Bool {
    switch self {
    case .fraction: true
    case .list(let inner), .optional(let inner), .layered(let inner), .perModel(let inner): inner.isFraction
    default: false
    }
  }
}

/// A list or optional of choices; lets a parameter ask for their texts without knowing its type.
protocol ChoiceTexts {
  static var texts: [String: String] { get }
}

extension Optional: ChoiceTexts where Wrapped: Choice {
  static var texts: [String: String] { Wrapped.choiceTexts }
}

extension Array: ChoiceTexts where Element: Choice {
  static var texts: [String: String] { Element.choiceTexts }
}

extension Choice {
  static var choiceTexts: [String: String] {
    Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0.text) })
  }
}
