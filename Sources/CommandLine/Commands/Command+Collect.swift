import Diagnostics
import Fingerprints
import Formats
import Foundation
import Registry

extension Command {
  static let collect = Command(
    "gc", .results, "Show which results nothing needs any more, and delete them when told to.",
    discussion: """
      Kept is what has a name (`mergekit ref add`), what the last applies made or found, what was made lately, and all metrics. \
      Only bytes are deleted: the history stays, and applying a recipe again makes anew what it needs. Exported folders are never touched. \
      While others use the registry, `--delete` waits for them a few seconds and then gives up with status 75.
      """,
    options: [
      Options.delete, Options.keepRuns, Options.keepWithin, Options.maxSize, Options.whyKept, Options.json,
    ],
    examples: ["mergekit gc", "mergekit gc --delete --keep-runs 5 --keep-within 2d", "mergekit gc --why-kept merged"]
  ) { invocation in
    invocation.program.interruption.listen()
    let deletes = invocation.arguments.has(Options.delete)
    guard
      let registry = try deletes ? invocation.openRegistry(.alone(patience: 10)) : invocation.openRegistryAsAllowed()
    else {
      throw OperationError(.missing, "nothing was applied here yet, so there is nothing to delete")
    }
    if let named = invocation.arguments[Options.whyKept] {
      try invocation.printWhyKept(invocation.findArtifact(named, in: registry), named, registry)
      return 0
    }
    let found = try registry.garbage(invocation.limits)
    if deletes { try registry.delete(found) }
    if invocation.arguments.has(Options.json) {
      invocation.print(found.json(isDeleted: deletes))
    } else {
      let next = deletes ? nil : invocation.deletingCommand
      for line in try found.lines(registry, next: next, invocation.style) { invocation.print(line) }
    }
    return 0
  }
}

extension Invocation {
  fileprivate var limits: GarbageCollection.Limits {
    var limits = GarbageCollection.Limits()
    limits.applies = arguments[Options.keepRuns] ?? limits.applies
    limits.seconds = arguments[Options.keepWithin] ?? limits.seconds
    limits.bytes = arguments[Options.maxSize] ?? limits.bytes
    return limits
  }

  /// What deletes just what is shown.
  fileprivate var deletingCommand: String {
    let limits: [any OptionDeclaration] = [Options.keepRuns, Options.keepWithin, Options.maxSize]
    let given = limits.flatMap { limit in (arguments.values[limit.name] ?? []).map { " \(limit.flag) \($0)" } }
    return "mergekit gc --delete" + given.joined()
  }

  fileprivate func printWhyKept(_ artifact: Digest, _ named: String, _ registry: Registry) throws {
    let found = try registry.garbage(limits)
    let reason = found.kept[artifact]?.text
    let isGarbage = found.garbage.contains { $0.artifact == artifact }
    if arguments.has(Options.json) {
      return print([
        "artifact": .string(artifact.description), "kept": .bool(!isGarbage),
        "reason": reason.map(JSON.string) ?? .null,
      ])
    }
    let name = "`\(Renderer.printable(named))` (\(artifact.short))"
    if let reason {
      print("\(name) is kept: \(reason)")
    } else {
      print(isGarbage ? "\(name) is not kept" : "\(name) is kept: another that is kept shares tensors with it")
    }
  }
}

extension GarbageCollection.Reason {
  /// Why, as a clause.
  fileprivate var text: String {
    switch self {
    case .named(let name): "its name is `\(name)`"
    case .measured: "it is what was measured"
    case .applied(let apply): "apply \(apply) made it or found it there"
    case .recent(let run): "run \(run) made it lately"
    }
  }
}

extension GarbageCollection {
  /// How many of the dropped are listed.
  private static let listed = 20

  /// - Parameter next: The command that deletes it all; nil where it is deleted.
  fileprivate func lines(_ registry: Registry, next: String?, _ style: Style) throws -> [String] {
    guard !garbage.isEmpty else { return ["Nothing to delete: \(remaining)."] }
    var table = Table()
    for object in garbage.prefix(Self.listed) {
      let run = try registry.runs(producing: object.artifact).last
      table.add(
        .init(object.artifact.short, .yellow),
        .init(run.map { Renderer.printable($0.label) } ?? "no run's result", .bold),
        .init(Measure.bytes(object.bytes), isNumber: true),
        .init(run.map { "run \($0.id), \(Measure.minute($0.started))" } ?? "", .faint))
    }
    let more = garbage.count - Self.listed
    let size = "\(Measure.bytes(garbageBytes)) in \(Measure.count(garbage.count, "object"))"
    let verdict = "\(next == nil ? "Deleted" : "To delete") \(size); \(remaining)."
    return table.lines(style) + (more > 0 ? ["  and \(Measure.grouped(more)) more"] : []) + ["", verdict]
      + (next.map { ["Next: `\($0)` deletes them."] } ?? [])
  }

  private var remaining: String { "\(Measure.bytes(keptBytes)) in \(Measure.count(keptObjects, "object")) stay" }

  fileprivate func json(isDeleted: Bool) -> JSON {
    [
      "deleted": .bool(isDeleted), "garbage_bytes": .integer(garbageBytes),
      "garbage": .array(
        garbage.map { ["artifact": .string($0.artifact.description), "bytes": .integer($0.bytes)] }),
      "kept_objects": .integer(keptObjects), "kept_bytes": .integer(keptBytes),
    ]
  }
}
