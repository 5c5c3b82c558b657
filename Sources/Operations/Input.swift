/// An artifact, or several, that an operation takes.
///
/// `@Input("The model to measure.") var model: Checkpoint`, `@Input("…", count: 2...) var models: [Checkpoint]`,
/// `@Input("…") var base: Checkpoint?` and `@Input("…", count: 0...) var fishers: [Fisher]` (which a recipe may leave
/// out).
@propertyWrapper
public struct Input<Value: InputValue>: SlotWrapper {
  private let text: String
  private let minimumCount: Int
  private var bound: Value?

  /// - Parameters:
  ///   - text: One sentence that says what it is.
  ///   - count: How many there must be at least, for a list.
  public init(_ text: String, count: PartialRangeFrom<Int> = 1...) {
    self.text = text
    minimumCount = count.lowerBound
  }

  public var wrappedValue: Value {
    guard let bound else { preconditionFailure("an operation's input was read before it was bound") }
    return bound
  }

  public func slot(named name: String) -> Slot {
    Slot(
      name: name, role: .input, type: Value.type, text: text, defaultValue: absent == nil ? nil : Operations.Value.none,
      range: nil, minimumCount: minimumCount, choices: [:])
  }

  public func bound(to binding: Binding?) -> Input {
    var result = self
    switch binding {
    case .contents(let contents): result.bound = Value(contents: contents)
    case nil:
      guard let absent else { preconditionFailure("a step was made without an input it needs") }
      result.bound = absent
    case .value, .function: preconditionFailure("what is no artifact was bound to an input")
    }
    return result
  }

  public var contents: [Content] { bound?.contents ?? [] }

  /// What it is when a recipe leaves it out; nil where it must not.
  private var absent: Value? { Value.absent ?? (minimumCount == 0 ? Value(contents: []) : nil) }

  public init(from decoder: any Decoder) { preconditionFailure("operations are bound, not decoded") }
}

/// What an `@Input` can be: an artifact, a list of them, or one that may be left out.
public protocol InputValue: Sendable {
  static var type: ValueType { get }
  /// What it is when a recipe leaves it out; nil where it must not.
  static var absent: Self? { get }
  init(contents: [Content])
  var contents: [Content] { get }
}

extension Artifact {
  public static var type: ValueType { .artifact(kind) }
  public static var absent: Self? { nil }
  public init(contents: [Content]) { self.init(contents[0]) }
  public var contents: [Content] { [content] }
}

extension Checkpoint: InputValue {}
extension Adapter: InputValue {}
extension Inventory: InputValue {}
extension Delta: InputValue {}
extension Dataset: InputValue {}
extension Fisher: InputValue {}
extension Statistics: InputValue {}
extension Metrics: InputValue {}

extension Array: InputValue where Element: InputValue & Artifact {
  public static var type: ValueType { .list(Element.type) }
  public static var absent: [Element]? { nil }
  public init(contents: [Content]) { self = contents.map { Element($0) } }
  public var contents: [Content] { map { $0.content } }
}

extension Optional: InputValue where Wrapped: InputValue & Artifact {
  public static var type: ValueType { .optional(Wrapped.type) }
  public static var absent: Wrapped?? { .some(nil) }
  public init(contents: [Content]) { self = contents.first.map { Wrapped($0) } }
  public var contents: [Content] { self?.contents ?? [] }
}
