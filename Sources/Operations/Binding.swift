/// What a slot is bound to when an operation is made.
public enum Binding: Sendable {
  case value(Value)
  case contents([Content])
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
  static var wrappers: [DeclaredSlot] { Self().boundWrappers }

  var boundWrappers: [DeclaredSlot] { slotWrappers(of: self) }

  /// Makes the operation of its slots' values. The recipe's check has seen to it that they fit.
  public init(binding bindings: [String: Binding]) throws {
    try self.init(from: BindingDecoder(prototype: Self.wrappers, bindings: bindings))
  }

  /// The artifacts that the operation was bound to, by slot, in the order of declaration.
  public var inputs: [(slot: String, contents: [Content])] {
    boundWrappers.filter { !$0.wrapper.contents.isEmpty }.map { ($0.name, $0.wrapper.contents) }
  }
}

extension ExportFormat {
  static var wrappers: [DeclaredSlot] { slotWrappers(of: Self()) }

  /// Makes the format of its settings.
  public init(binding bindings: [String: Binding]) throws {
    try self.init(from: BindingDecoder(prototype: Self.wrappers, bindings: bindings))
  }
}

/// A slot as its property declares it: Swift's `weightDecay` is `weight_decay` in recipes.
struct DeclaredSlot {
  let property: String
  let wrapper: any SlotWrapper

  var name: String {
    property.reduce(into: "") { name, letter in name += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
    }
  }
}

private func slotWrappers(of value: Any) -> [DeclaredSlot] {
  Mirror(reflecting: value).children.compactMap { child in
    guard let label = child.label, let wrapper = child.value as? any SlotWrapper else { return nil }
    return DeclaredSlot(property: String(label.drop { $0 == "_" }), wrapper: wrapper)
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
      let slot = decoder.prototype.first { $0.property == key.stringValue }
      guard let slot, let bound = slot.wrapper.bound(to: decoder.bindings[slot.name]) as? Wrapper else {
        preconditionFailure("`\(key.stringValue)` is neither an @Input nor a @Param")
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
