import Registry

/// The components of a step's key beside those of an earlier run.
public struct KeyComparison: Sendable {
  /// All components, in the key's order; then those that are gone.
  public let components: [Reason.Change]

  public init(old: [Run.Component], new: [Run.Component]) {
    let before = Dictionary(old.map { (Name($0), $0.value) }) { first, _ in first }
    let after = Set(new.map { Name($0) })
    components =
      new.map { Reason.Change(role: $0.role, name: $0.name, old: before[Name($0)], new: $0.value) }
      + old.filter { !after.contains(Name($0)) }.map {
        Reason.Change(role: $0.role, name: $0.name, old: $0.value, new: nil)
      }
  }

  /// An earlier run beside what is known to have changed since.
  public init(_ run: Run, changes: [Reason.Change]) {
    func isOf(_ component: Run.Component, _ change: Reason.Change) -> Bool {
      change.role == component.role && change.name == component.name
    }
    components =
      run.components.map { component in
        changes.first { isOf(component, $0) }
          ?? .init(role: component.role, name: component.name, old: component.value, new: component.value)
      } + changes.filter { change in !run.components.contains { isOf($0, change) } }
  }

  /// What differs, in the key's order: the first of it names why the step does not count as the same.
  public var changes: [Reason.Change] { components.filter { $0.old != $0.new } }

  private struct Name: Hashable {
    let role: Run.Component.Role
    let name: String

    init(_ component: Run.Component) {
      role = component.role
      name = component.name
    }
  }
}
