import Diagnostics
import Fingerprints
import Formats
import Plans
import Registry

/// The components of a key, then and now, and where it all began.
struct KeyTable {
  let comparison: KeyComparison
  let registry: Registry?

  /// The first component that differs, in a sentence with both values; nil where none does.
  var reason: String? { comparison.changes.first.map { Renderer.printable($0.sentence) } }

  func lines(_ style: Style) -> [String] {
    var table = Table()
    for component in comparison.components {
      let isSame = component.old == component.new
      let values =
        isSame
        ? KeyTable.short(component.new) : "\(KeyTable.short(component.old)) → \(KeyTable.short(component.new))"
      table.add(
        .init(component.role.rawValue, .faint), .init(Renderer.printable(component.name), isSame ? .faint : .bold),
        .init(Renderer.printable(values), isSame ? .faint : nil),
        .init(isSame ? "same" : "changed", isSame ? .faint : .yellow))
    }
    return table.lines(style)
  }

  /// What made the first input that differs differ, as a sentence; nil where no input is what differs first.
  func cause() throws -> String? {
    guard let registry, let change = comparison.changes.first, change.role == .input,
      let old = change.old.flatMap({ Digest($0) }), let new = change.new.flatMap({ Digest($0) }),
      let origin = try Divergence.find(old, new, in: registry)
    else { return nil }
    return "`\(Renderer.printable(change.name))` differs because \(origin.clause)."
  }

  var json: JSON {
    .array(
      comparison.components.map { component in
        [
          "role": .string(component.role.rawValue), "name": .string(component.name),
          "old": component.old.map(JSON.string) ?? .null, "new": component.new.map(JSON.string) ?? .null,
        ]
      })
  }

  /// A digest by its first digits, anything else as it is.
  static func short(_ value: String?) -> String {
    guard let value else { return "nothing" }
    if let digest = Digest(value), value.hasPrefix("b3:") { return digest.short }
    return value.count <= 60 ? value : String(value.prefix(59)) + "…"
  }
}

extension Reason.Change {
  /// What has changed, with both values: `samples: 128 → 256`.
  var sentence: String {
    switch role {
    case .input, .source: "`\(name)`: \(KeyTable.short(old)) → \(KeyTable.short(new))"
    case .operation, .version, .parameter: text
    }
  }
}

extension Divergence {
  /// `` `train` (run 7) differs from run 1: limit: 1000 → 500 ``; where another name or recipe stands behind one, it is said, too.
  var clause: String {
    let recipe = new.recipe == old.recipe ? "" : " of \(Renderer.printable(new.recipe))"
    let before = new.label == old.label ? "run \(old.id)" : "`\(Renderer.printable(old.label))` (run \(old.id))"
    let differs = "`\(Renderer.printable(new.label))` (run \(new.id)\(recipe)) differs from \(before)"
    guard let change = comparison.changes.first else { return "\(differs) although nothing in its key does" }
    return "\(differs): \(Renderer.printable(change.sentence))"
  }
}
