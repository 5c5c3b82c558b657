import Diagnostics
import Formats
import Operations
import Registry

extension Command {
  static let verify = Command(
    "verify", .results, "Check that everything in the registry is what it was.",
    discussion: """
      Objects that were touched since they were stored are read and compared with their digests; with `--full` all are, with `--sample` some. The index is only a \
      copy of what objects and receipts say, so `--rebuild-index` can always make it anew. Ends with status 76 where something is damaged.
      """,
    operands: [Operand("WHAT", .any, .results, "Artifacts to look at; the whole registry by default.")],
    options: [Options.full, Options.sample, Options.repair, Options.rebuildIndex, Options.json],
    examples: ["mergekit verify --full", "mergekit verify --sample 5%", "mergekit verify merged --full --repair"]
  ) { invocation in
    invocation.program.interruption.listen()
    let registry =
      try invocation.arguments.has(Options.rebuildIndex)
      ? invocation.rebuildIndex()
      : invocation.arguments.has(Options.repair) ? invocation.openRegistry() : invocation.openRegistryAsAllowed()
    guard let registry else {
      throw OperationError(.missing, "nothing was applied here yet, so there is no registry to verify")
    }
    let cancellation = invocation.program.interruption.cancellation
    let artifacts = try invocation.arguments.operands.map { try invocation.findArtifact($0, in: registry) }
    let findings = try registry.verify(
      share: invocation.arguments.has(Options.full) ? 1 : invocation.arguments[Options.sample] ?? 0,
      of: artifacts.isEmpty ? nil : Set(artifacts), repair: invocation.arguments.has(Options.repair),
      isCancelled: { cancellation.isCancelled })
    if invocation.arguments.has(Options.json) {
      invocation.print(JSON.array(findings.map(\.json)))
    } else {
      for finding in findings { for line in finding.lines(invocation.style) { invocation.print(line) } }
      if findings.isEmpty {
        let condition = try registry.condition()
        let extent = "\(Measure.count(condition.artifacts, "artifact")) of \(Measure.count(condition.runs, "run"))"
        let share = invocation.arguments.has(Options.full) ? "every byte was read" : "`--full` reads every byte"
        let what = artifacts.isEmpty ? ": \(extent); \(share)" : ", as far as it was looked at"
        invocation.print("all is well in \(Renderer.printable(registry.path))\(what)")
      }
    }
    let isDamaged = findings.contains { $0.weight == .damage && !$0.isRepaired }
    return isDamaged ? OperationError(.corrupt, "").exitStatus : 0
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
