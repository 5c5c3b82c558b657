/// Settings that several operations have, declared once: a struct of `@Param`s that each of them includes.
///
/// `@Include var reading: TextReading`, or `@Include var batches = Batches(of: 32)` where an operation has a default of its own. For
/// recipes, help, checks and keys its settings are the operation's own, in the place of the property.
public protocol SharedSettings: Decodable, Sendable {
  init()
}

/// Settings that an operation shares with others.
@propertyWrapper
public struct Include<Group: SharedSettings>: Decodable, Sendable {
  public let wrappedValue: Group

  public init(wrappedValue: Group) { self.wrappedValue = wrappedValue }

  /// With the defaults that the settings have of themselves.
  public init() { wrappedValue = Group() }

  public init(from decoder: any Decoder) throws { wrappedValue = try Group(from: decoder) }
}

/// Lets a declaration be read without knowing which settings it includes.
protocol Inclusion {
  var settings: any SharedSettings { get }
}

extension Include: Inclusion {
  var settings: any SharedSettings { wrappedValue }
}
