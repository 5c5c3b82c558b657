import Diagnostics
import Fingerprints
import Formats
import Plans
import Registry

extension Command {
  static let why = Command(
    "why", .results, "Say why a step ran, or how one artifact came to be in another.",
    discussion: """
      With one argument it compares the newest run of a step with the one before it, and names the first part of its key that differs, \
      with both values. With two it shows the way from one artifact to another that was made from it. \
      `mergekit plan RECIPE --why STEP` says why a step would run now.
      """,
    operands: [
      Operand("STEP", .one, .results, "What a recipe calls a step, a run's number, or a digest."),
      Operand("OTHER", .optional, .results, "Another one, made from the first or the other way round."),
    ],
    options: [Options.json], examples: ["mergekit why merged", "mergekit why base merged"]
  ) { invocation in
    guard let registry = try invocation.openRegistry(.readOnly) else {
      throw OperationError(.missing, "nothing was applied here yet, so nothing has run")
    }
    let run = try invocation.findRun(invocation.arguments.operands[0], in: registry)
    guard invocation.arguments.operands.count > 1 else {
      try invocation.printWhy(run, registry)
      return 0
    }
    let other = try invocation.findRun(invocation.arguments.operands[1], in: registry)
    try invocation.printPath(run, other, registry)
    return 0
  }
}

extension Invocation {
  /// The run that a word means: by its number, by what a recipe calls it, or the newest that gave an artifact.
  fileprivate func findRun(_ word: String, in registry: Registry) throws -> Run {
    for case .run(let number) in try registry.resolve(word) {
      if let run = try registry.run(id: number) { return run }
    }
    let digest = try findArtifact(word, in: registry)
    guard let run = try registry.runs(producing: digest).last else {
      throw OperationError(.missing, "no run has made `\(word)`")
    }
    return run
  }

  fileprivate func printWhy(_ run: Run, _ registry: Registry) throws {
    let before = try registry.runBefore(run)
    let name = "`\(Renderer.printable(run.label))`"
    let table = before.map { before in
      KeyTable(comparison: KeyComparison(old: before.components, new: run.components), registry: registry)
    }
    if arguments.has(Options.json) {
      return print([
        "run": .integer(run.id), "label": .string(run.label), "before": before.map { .integer($0.id) } ?? .null,
        "reason": table?.reason.map(JSON.string) ?? .null, "components": table?.json ?? .array([]),
      ])
    }
    guard let before, let table else {
      return print(
        "\(name) ran (run \(run.id)) because no step was called so before in \(Renderer.printable(run.recipe))")
    }
    guard let reason = table.reason else {
      return print(
        "\(name) ran again (run \(run.id)) with the key of run \(before.id): what that had made was no longer there")
    }
    print("\(name) ran (run \(run.id)) because its key differs from that of run \(before.id): \(reason)")
    if let cause = try table.cause() { print(cause) }
    for line in table.lines(style) { print(line) }
  }

  /// Shows how one result leads to another, whichever of the two came first.
  fileprivate func printPath(_ a: Run, _ b: Run, _ registry: Registry) throws {
    let (first, last) = a.id <= b.id ? (a, b) : (b, a)
    let path = try registry.path(from: first.output, to: last)
    if arguments.has(Options.json) { return print(JSON.array(path.map(\.json))) }
    let labels = try History(registry: registry, style: style).labels(of: [last.output])
    func label(_ run: Run) -> String { Renderer.printable(labels[run.output] ?? run.label) }
    let names = [first, last].map { "`\(label($0))` (run \($0.id))" }
    guard !path.isEmpty else { return print("\(names[1]) was not made from \(names[0])") }
    print("\(names[1]) was made from \(names[0]):")
    var table = Table()
    for (index, run) in path.enumerated() {
      let next = index + 1 < path.count ? path[index + 1] : nil
      let slot = next?.inputs.first { $0.artifact == run.output }?.slot
      table.add(
        .init(label(run), .bold), .init(run.operation), .init(run.output.short, .yellow),
        .init(slot.map { "→ \(Renderer.printable($0)) of \(next.map(label) ?? "")" } ?? "", .faint))
    }
    for line in table.lines(style) { print(line) }
  }
}
