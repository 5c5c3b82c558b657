import Synchronization

/// What a slot is bound to when an operation is made.
public enum Binding: Sendable {
  case value(Value)
  case contents([Content])
  case function(RecipeFunction)
}

/// A property wrapper that declares a slot, and holds its value once the operation is bound.
public protocol SlotWrapper: Decodable, Sendable {
  func slot(named name: String) -> Slot
  /// The same slot with a value; without a binding, its default.
  func bound(to binding: Binding?) -> Self
  /// The artifacts it is bound to.
  var contents: [Content] { get }
}

extension RecipeOperation {
  /// The operation's slots in the order of their declaration, read from an unbound value.
  static var wrappers: [DeclaredSlot] { Declarations.slots(of: Self.self) { Self() } }

  /// Makes the operation of its slots' values. The recipe's check has seen to it that they fit.
  public init(binding bindings: [String: Binding]) throws {
    try self.init(from: BindingDecoder(prototype: Self.wrappers, bindings: bindings))
  }

  /// The artifacts that the operation was bound to, by slot, in the order of declaration.
  public var inputs: [(slot: String, contents: [Content])] {
    let children = Mirror(reflecting: self).children
    return Self.wrappers.enumerated().compactMap { offset, declared in
      // Reflecting on a property takes longer than planning its step, so it is done for inputs alone.
      guard declared.slot.role == .input else { return nil }
      let child = children[children.index(children.startIndex, offsetBy: offset)]
      guard let wrapper = child.value as? any SlotWrapper, !wrapper.contents.isEmpty else { return nil }
      return (declared.slot.name, wrapper.contents)
    }
  }
}

extension ExportFormat {
  static var wrappers: [DeclaredSlot] { Declarations.slots(of: Self.self) { Self() } }

  /// Makes the format of its settings.
  public init(binding bindings: [String: Binding]) throws {
    try self.init(from: BindingDecoder(prototype: Self.wrappers, bindings: bindings))
  }
}

/// A slot as its property declares it: Swift's `weightDecay` is `weight_decay` in recipes.
struct DeclaredSlot: Sendable {
  let property: String
  let wrapper: any SlotWrapper
  let slot: Slot

  init(property: String, wrapper: any SlotWrapper) {
    self.property = property
    self.wrapper = wrapper
    slot = wrapper.slot(
      named: property.reduce(into: "") { name, letter in
        name += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
      })
  }
}

/// The slots of every type that was asked for, looked up once: reflection takes longer than planning a step.
private enum Declarations {
  private static let known = Mutex<[ObjectIdentifier: [DeclaredSlot]]>([:])

  static func slots<Declaring>(of type: Declaring.Type, unbound: () -> Declaring) -> [DeclaredSlot] {
    let id = ObjectIdentifier(type)
    if let slots = known.withLock({ $0[id] }) { return slots }
    let slots = Mirror(reflecting: unbound()).children.map { child in
      guard let label = child.label, let wrapper = child.value as? any SlotWrapper else {
        preconditionFailure("every property of \(type) is an @Input, a @Param or a @Function")
      }
      return DeclaredSlot(property: String(label.drop { $0 == "_" }), wrapper: wrapper)
    }
    known.withLock { $0[id] = slots }
    return slots
  }
}

/// Makes a value of a struct of slots through its synthesised `Decodable`: each property is its prototype's wrapper, bound.
private struct BindingDecoder: Decoder {
  let prototype: [DeclaredSlot]
  let bindings: [String: Binding]

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Slots<Key>(decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { preconditionFailure("slots have names") }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { preconditionFailure("slots have names") }

  private struct Slots<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: BindingDecoder

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { decoder.prototype.compactMap { Key(stringValue: $0.property) } }
    func contains(_ key: Key) -> Bool { decoder.prototype.contains { $0.property == key.stringValue } }
    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Wrapper: Decodable>(_ type: Wrapper.Type, forKey key: Key) throws -> Wrapper {
      let declared = decoder.prototype.first { $0.property == key.stringValue }
      guard let declared,
        let bound = declared.wrapper.bound(to: decoder.bindings[declared.slot.name]) as? Wrapper
      else {
        preconditionFailure("`\(key.stringValue)` is no @Input, @Param or @Function")
      }
      return bound
    }

    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { preconditionFailure("slots are not nested") }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      preconditionFailure("slots are not nested")
    }

    func superDecoder() throws -> any Decoder { preconditionFailure("operations have no superclass") }

    func superDecoder(forKey key: Key) throws -> any Decoder { preconditionFailure("operations have no superclass") }
  }
}
