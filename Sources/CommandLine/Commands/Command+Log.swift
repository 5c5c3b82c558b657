import Diagnostics
import Fingerprints
import Formats
import Pages
import Plans
import Registry

extension Command {
  static let log = Command(
    "log", .results, "Show the history: what was applied, which steps ran, and what each was made from.",
    discussion: """
      Without an argument it shows the last applies, newest first. Given a recipe's file, it shows the applies of that recipe; given an \
      artifact, everything that it was made from; given a run's number, all that decided it.
      """,
    operands: [Operand("WHAT", .optional, .recipes, "A recipe's file, a digest, a name, or a run's number.")],
    options: [Options.limit, Options.html, Options.json],
    examples: [
      "mergekit log", "mergekit log merged", "mergekit log Recipes/fisher.rcp --limit 3",
      "mergekit log merged --html merged.html",
    ]
  ) { invocation in
    guard let registry = try invocation.openRegistry(.readOnly) else {
      invocation.sayNothingYet()
      if invocation.arguments.has(Options.json) { invocation.print(JSON.array([])) }
      return 0
    }
    guard let named = invocation.arguments.operands.first else {
      try invocation.printApplies(try registry.applies(limit: invocation.limit), registry)
      return 0
    }
    switch try invocation.find(named, in: registry) {
    case .recipe(let name), .model(let name):
      let applies = try registry.applies(limit: .max).filter { invocation.isSameFile($0.recipe, name) }
      guard !applies.isEmpty else { throw OperationError.neverApplied(name) }
      try invocation.printApplies(Array(applies.prefix(invocation.limit)), registry)
    case .artifact(let digest): try invocation.printLineage(of: digest, registry)
    case .run(let run) where invocation.arguments.has(Options.html):
      try invocation.printLineage(of: run.output, registry)
    case .run(let run): invocation.printRun(run)
    }
    return 0
  }
}

extension Invocation {
  fileprivate var limit: Int { arguments[Options.limit] ?? 20 }

  /// Where nothing was ever applied.
  fileprivate func sayNothingYet() { say("nothing was applied here yet; `mergekit apply RECIPE` is how it begins") }

  fileprivate func printApplies(_ applies: [Apply], _ registry: Registry) throws {
    if let file = arguments[Options.html] {
      return try writePage(
        of: try LineageSource(registry: registry, directory: directory).lineage(of: applies), to: file)
    }
    if arguments.has(Options.json) { return print(JSON.array(try applies.map { try $0.json(registry) })) }
    if applies.isEmpty { return sayNothingYet() }
    for line in try History(registry: registry, style: style).lines(applies) { print(line) }
  }

  fileprivate func printLineage(of artifact: Digest, _ registry: Registry) throws {
    if let file = arguments[Options.html] {
      return try writePage(of: LineageSource(registry: registry, directory: directory).lineage(of: artifact), to: file)
    }
    let history = History(registry: registry, style: style)
    if arguments.has(Options.json) {
      return print(JSON.array(try history.lineage(of: artifact).map(\.run.json)))
    }
    for line in try history.lines(lineageOf: artifact) { print(line) }
  }

  /// Writes a lineage as a page for a browser.
  func writePage(of lineage: Lineage, to file: String) throws {
    try TextFile.write(LineagePage(lineage, version: Version.current).text, to: absolute(file))
    say("\(Renderer.printable(file)) written: open it in a browser")
  }

  func printRun(_ run: Run) {
    if arguments.has(Options.json) { return print(run.json) }
    for line in run.lines(style) { print(line) }
  }
}

extension OperationError {
  static func neverApplied(_ recipe: String) -> OperationError {
    OperationError(.missing, "`\(recipe)` was never applied here", helps: ["`mergekit apply \(recipe)` does it"])
  }
}
