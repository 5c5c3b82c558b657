import Synchronization

/// An operation's face: what a recipe may give it and what it gives back, read from its declaration.
public struct Signature: Sendable {
  public let name: String
  public let about: About
  public let version: Int
  private let declared: DeclaredSlots
  public let output: ArtifactKind
  /// What it gives back where an optional input is given.
  private let outputs: [String: ArtifactKind]
  /// The metrics of the result, where it is `metrics`.
  public let fields: [Field]

  init<Operation: RecipeOperation>(_ operation: Operation.Type) {
    about = operation.about
    name = about.name
    version = operation.version
    declared = DeclaredSlots { operation.wrappers.map(\.slot) }
    output = Operation.Output.kind
    outputs = operation.outputs
    fields = operation.fields
  }

  init<Format: ExportFormat>(format: Format.Type) {
    about = format.about
    name = about.name
    version = 1
    declared = DeclaredSlots { format.wrappers.map(\.slot) }
    output = format.accepts[0]
    outputs = [:]
    fields = []
  }

  /// In the order of declaration; a call's first argument may drop its label.
  public var slots: [Slot] { declared.slots }

  /// What a call gives back that gives these slots something.
  public func output(given names: some Sequence<String>) -> ArtifactKind {
    names.compactMap { outputs[$0] }.first ?? output
  }

  public func slot(_ name: String) -> Slot? { slots.first { $0.name == name } }
}

/// Slots that are read from a declaration once somebody asks for them: of all operations there are, a recipe asks for a few.
private final class DeclaredSlots: Sendable {
  private let read: @Sendable () -> [Slot]
  private let known = Mutex<[Slot]?>(nil)

  init(_ read: @escaping @Sendable () -> [Slot]) { self.read = read }

  var slots: [Slot] {
    known.withLock { known in
      let slots = known ?? read()
      known = slots
      return slots
    }
  }
}
