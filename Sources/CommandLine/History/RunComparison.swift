import Diagnostics
import Fingerprints
import Formats
import Plans
import Registry

/// Two runs side by side: what decided them, what they gave, how long they took and where.
struct RunComparison: Comparison {
  private let old: Run
  private let new: Run
  private let key: KeyTable
  /// The facts of what they gave, where those are numbers.
  private let metrics: [(name: String, old: JSON?, new: JSON?)]

  init(_ old: Run, _ new: Run, in registry: Registry) throws {
    (self.old, self.new) = (old, new)
    key = KeyTable(comparison: KeyComparison(old: old.components, new: new.components), registry: registry)
    let facts = try [old, new].map { try registry.info(of: $0.output)?.facts.object ?? [] }
    metrics = JSON.differences(facts[0], facts[1])
  }

  /// Time and machine decide nothing.
  var isSame: Bool { old.key == new.key && old.output == new.output }

  func lines(top: Int, _ style: Style) throws -> [String] {
    let heads = [old, new].map {
      "\(style("run \($0.id)", .bold)) of \($0.operation): `\(Renderer.printable($0.label))`, \(Measure.minute($0.started))"
    }
    var result = Table()
    result.add(.init("made", .faint), .init(change(old.output.short, new.output.short)))
    result.add(.init("took", .faint), .init(change(Measure.duration(old.seconds), Measure.duration(new.seconds))))
    for name in Set(old.environment.keys).union(new.environment.keys).sorted()
    where old.environment[name] != new.environment[name] {
      result.add(
        .init(Renderer.printable(name), .faint),
        .init(Renderer.printable(change(old.environment[name] ?? "none", new.environment[name] ?? "none"))))
    }
    for metric in metrics {
      result.add(
        .init(Renderer.printable(metric.name), .faint),
        .init(Renderer.printable(change(Self.text(metric.old), Self.text(metric.new)))))
    }
    let cause = try key.cause().map { [$0] } ?? []
    return heads + cause + key.lines(style) + ["", style("What came of it", .bold)] + result.lines(style)
  }

  private func change(_ old: String, _ new: String) -> String { old == new ? old : "\(old) → \(new)" }

  static func text(_ value: JSON?) -> String {
    guard let value else { return "none" }
    return value.number.map(Measure.figure) ?? KeyTable.short(value.string ?? value.compact)
  }

  var json: JSON {
    [
      "same": .bool(isSame), "old": old.json, "new": new.json, "components": key.json,
      "facts": .array(
        metrics.map { ["name": .string($0.name), "old": $0.old ?? .null, "new": $0.new ?? .null] }),
    ]
  }
}

extension JSON {
  /// The members that differ between two objects: those of the new one in its order, then those that are gone.
  static func differences(_ old: [Member], _ new: [Member]) -> [(name: String, old: JSON?, new: JSON?)] {
    let before = Dictionary(old.map { ($0.name, $0.value) }) { first, _ in first }
    let after = Set(new.map(\.name))
    return new.filter { before[$0.name] != $0.value }.map { ($0.name, before[$0.name], $0.value) }
      + old.filter { !after.contains($0.name) }.map { ($0.name, $0.value, nil) }
  }
}
