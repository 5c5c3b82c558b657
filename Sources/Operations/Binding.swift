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
    return Self.wrappers.compactMap { declared in
      // Reflecting on a property takes longer than planning its step, so it is done for inputs alone.
      guard declared.slot.role == .input else { return nil }
      let child = children[children.index(children.startIndex, offsetBy: declared.place)]
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
  /// The number of the property that has it.
  let place: Int
  /// The property that includes it, where it is a setting that operations share.
  let inclusion: String?

  init(property: String, wrapper: any SlotWrapper, place: Int, inclusion: String? = nil) {
    self.property = property
    self.wrapper = wrapper
    self.place = place
    self.inclusion = inclusion
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
    let slots = properties(of: unbound()).enumerated().flatMap { place, property in
      if let wrapper = property.value as? any SlotWrapper {
        return [DeclaredSlot(property: property.name, wrapper: wrapper, place: place)]
      }
      guard let inclusion = property.value as? any Inclusion else {
        preconditionFailure("every property of \(type) is an @Input, a @Param, a @Function or an @Include")
      }
      return properties(of: inclusion.settings).map { shared in
        guard let wrapper = shared.value as? any SlotWrapper, wrapper.slot(named: shared.name).role == .parameter else {
          preconditionFailure("every property of \(inclusion.settings) is a @Param")
        }
        return DeclaredSlot(property: shared.name, wrapper: wrapper, place: place, inclusion: property.name)
      }
    }
    known.withLock { $0[id] = slots }
    return slots
  }

  private static func properties(of value: Any) -> [(name: String, value: Any)] {
    Mirror(reflecting: value).children.map { (String(($0.label ?? "").drop { $0 == "_" }), $0.value) }
  }
}

/// Makes a value of a struct of slots through its synthesised `Decodable`: each property is its prototype's wrapper, bound.
private struct BindingDecoder: Decoder {
  let prototype: [DeclaredSlot]
  let bindings: [String: Binding]
  /// The property whose included settings are made.
  var inclusion: String?

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
    var allKeys: [Key] { decoder.prototype.compactMap { Key(stringValue: $0.inclusion ?? $0.property) } }
    func contains(_ key: Key) -> Bool { allKeys.contains { $0.stringValue == key.stringValue } }
    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Wrapper: Decodable>(_ type: Wrapper.Type, forKey key: Key) throws -> Wrapper {
      if Wrapper.self is any Inclusion.Type {
        var members = decoder
        members.inclusion = key.stringValue
        return try Wrapper(from: members)
      }
      let declared = decoder.prototype.first { $0.property == key.stringValue && $0.inclusion == decoder.inclusion }
      guard let declared,
        let bound = declared.wrapper.bound(to: decoder.bindings[declared.slot.name]) as? Wrapper
      else {
        preconditionFailure("`\(key.stringValue)` is no @Input, @Param, @Function or @Include")
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
