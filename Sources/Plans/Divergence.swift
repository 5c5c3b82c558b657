import Fingerprints
import Registry

/// Where the histories of two results part: the furthest step back at which something else than an input was different.
public struct Divergence: Sendable {
  /// The slots that lead there, from the results backwards.
  public let path: [String]
  public let old: Run
  public let new: Run

  /// What is different there.
  public var comparison: KeyComparison { KeyComparison(old: old.components, new: new.components) }

  /// Follows the first input that differs, and what made it, for as long as inputs are all that differs.
  /// - Returns: Nil where no run made one of them, or where the same run made both.
  public static func find(_ old: Digest, _ new: Digest, in registry: Registry) throws -> Divergence? {
    guard old != new, let a = try registry.runs(producing: old).last, let b = try registry.runs(producing: new).last
    else { return nil }
    return try find(a, b, in: registry)
  }

  public static func find(_ old: Run, _ new: Run, in registry: Registry) throws -> Divergence? {
    var (old, new, path) = (old, new, [String]())
    var seen: Set<Int> = []
    while seen.insert(new.id).inserted {
      let changes = KeyComparison(old: old.components, new: new.components).changes
      guard let first = changes.first else { return path.isEmpty ? nil : Divergence(path: path, old: old, new: new) }
      guard changes.allSatisfy({ $0.role == .input }),
        let a = old.inputs.first(where: { $0.slot == first.name })?.artifact,
        let b = new.inputs.first(where: { $0.slot == first.name })?.artifact,
        let before = try registry.runs(producing: a).last(where: { $0.id < old.id }),
        let after = try registry.runs(producing: b).last(where: { $0.id < new.id })
      else { break }
      path.append(first.name)
      (old, new) = (before, after)
    }
    return Divergence(path: path, old: old, new: new)
  }
}
