import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Registry

extension Command {
  static let verify = Command(
    "verify", .results, "Check that everything in the registry is what it was.",
    discussion: """
      Objects that were touched since they were stored are read and compared with their digests; with `--full` all are, with `--sample` some. The index is only a \
      copy of what objects and receipts say, so `--rebuild-index` can always make it anew. An exported folder is read whole, and compared with what \
      the registry knows of it, or without one with the digest that it tells of itself. Ends with status 76 where something is damaged.
      """,
    operands: [
      Operand("WHAT", .any, .results, "Artifacts or exported folders to look at; the whole registry by default.")
    ],
    options: [Options.full, Options.sample, Options.repair, Options.rebuildIndex, Options.json],
    examples: [
      "mergekit verify --full", "mergekit verify --sample 5%", "mergekit verify merged --full --repair",
      "mergekit verify out/merged",
    ]
  ) { invocation in
    invocation.program.interruption.listen()
    let registry =
      try invocation.arguments.has(Options.rebuildIndex)
      ? invocation.rebuildIndex()
      : invocation.arguments.has(Options.repair) ? invocation.openRegistry() : invocation.openRegistryAsAllowed()
    var (findings, sound) = ([Finding](), [String]())
    var others: [String] = []
    for word in invocation.arguments.operands {
      guard let export = try invocation.exportedFolder(word, in: registry) else {
        others.append(word)
        continue
      }
      let verification = try invocation.verification(of: export, registry)
      findings += verification.findings
      let amount = "\(Measure.count(verification.tensors, "tensor")), \(Measure.bytes(verification.bytes)) read"
      sound.append("all is well in \(Renderer.printable(word)): \(amount)")
    }
    if !others.isEmpty || invocation.arguments.operands.isEmpty {
      guard let registry else {
        throw OperationError(.missing, "nothing was applied here yet, so there is no registry to verify")
      }
      let cancellation = invocation.program.interruption.cancellation
      let artifacts = try others.map { try invocation.findArtifact($0, in: registry) }
      findings += try registry.verify(
        share: invocation.arguments.has(Options.full) ? 1 : invocation.arguments[Options.sample] ?? 0,
        of: artifacts.isEmpty ? nil : Set(artifacts), repair: invocation.arguments.has(Options.repair),
        isCancelled: { cancellation.isCancelled })
      let condition = try registry.condition()
      let extent = "\(Measure.count(condition.artifacts, "artifact")) of \(Measure.count(condition.runs, "run"))"
      let share = invocation.arguments.has(Options.full) ? "every byte was read" : "`--full` reads every byte"
      let what = artifacts.isEmpty ? ": \(extent); \(share)" : ", as far as it was looked at"
      sound.append("all is well in \(Renderer.printable(registry.path))\(what)")
    }
    if invocation.arguments.has(Options.json) {
      invocation.print(JSON.array(findings.map(\.json)))
    } else {
      for finding in findings { for line in finding.lines(invocation.style) { invocation.print(line) } }
      if findings.isEmpty { for line in sound { invocation.print(line) } }
    }
    let isDamaged = findings.contains { $0.weight == .damage && !$0.isRepaired }
    return isDamaged ? OperationError(.corrupt, "").exitStatus : 0
  }
}

extension Invocation {
  /// The exported folder that a word of the command line means; nil where it means anything else.
  fileprivate func exportedFolder(_ word: String, in registry: Registry?) throws -> ExportedFolder? {
    var isFolder: ObjCBool = false
    guard try registry?.resolve(word).isEmpty ?? true,
      FileManager.default.fileExists(atPath: absolute(word), isDirectory: &isFolder), isFolder.boolValue
    else { return nil }
    return try exported(word, in: registry)
  }

  fileprivate func verification(of export: ExportedFolder, _ registry: Registry?) throws -> ExportVerification {
    let (folder, cancellation) = (absolute(export.name), program.interruption.cancellation)
    let isCancelled = { @Sendable in cancellation.isCancelled }
    if let registry, let artifact = export.artifacts.first {
      return try ExportVerification(
        of: export.name, at: folder, holds: artifact, in: registry, changed: export.changed, isCancelled: isCancelled)
    }
    guard let artifact = export.lineage?["artifact"]?.string.flatMap({ Digest($0) }),
      export.lineage?["kind"]?.string == ArtifactKind.checkpoint.name
    else {
      throw OperationError(
        .missing, "no registry here knows `\(export.name)`, and it does not tell enough of itself to be verified",
        helps: ["`--registry DIR` names the registry that it was exported from"])
    }
    return try ExportVerification(
      of: export.name, at: folder, says: artifact,
      order: export.lineage?["order"]?.array?.compactMap(\.string), isCancelled: isCancelled)
  }
}

extension Finding {
  fileprivate func lines(_ style: Style) -> [String] {
    let weight =
      isRepaired ? style("repaired", .green) : style(weight.rawValue, self.weight == .damage ? .red : .yellow)
    let help = isRepaired ? [] : ["  = help: \(Renderer.printable(help))"]
    return ["\(weight): \(Renderer.printable(what))", "  = note: \(Renderer.printable(consequence))"] + help
  }

  fileprivate var json: JSON {
    [
      "weight": .string(weight.rawValue), "what": .string(what), "consequence": .string(consequence),
      "help": .string(help), "repaired": .bool(isRepaired),
    ]
  }
}
