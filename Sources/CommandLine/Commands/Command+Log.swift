import Diagnostics
import Fingerprints
import Formats
import Foundation
import Pages
import Plans
import Registry

extension Command {
  static let log = Command(
    "log", .results, "Show the history: what was applied, which steps ran, and what each was made from.",
    discussion: """
      Without an argument it shows the last applies, newest first. Given a recipe's file, it shows the applies of that recipe; given an \
      artifact or an exported folder, everything that it was made from; given a run's number, all that decided it.
      """,
    operands: [
      Operand("WHAT", .optional, .results, "A recipe's file, a digest, a name, a run's number, or an exported folder.")
    ],
    options: [
      Options.limit, Options.since, Options.operation, Options.status, Options.table, Options.follow, Options.html,
      Options.json, Options.jsonLines,
    ],
    examples: [
      "mergekit log", "mergekit log merged", "mergekit log out/merged", "mergekit log Recipes/fisher.rcp --limit 3",
      "mergekit log merged --html merged.html",
      "mergekit log --since 2d --status failed --table",
    ]
  ) { invocation in
    guard let registry = try invocation.openRegistry(.readOnly) else {
      if let path = invocation.arguments.operands.first, let export = try invocation.exported(path, in: nil) {
        try invocation.printTold(by: export)
        return 0
      }
      invocation.sayNothingYet()
      if invocation.arguments.has(Options.json) { invocation.print(JSON.array([])) }
      return 0
    }
    guard let named = invocation.arguments.operands.first else {
      try invocation.printApplies(try invocation.applies(in: registry), registry)
      if invocation.arguments.has(Options.follow) { try invocation.follow(registry) }
      return 0
    }
    switch try invocation.find(named, in: registry) {
    case .recipe(let path), .model(let path):
      if try registry.recipes().contains(where: { invocation.isSameFile($0, path) }) {
        try invocation.printApplies(try invocation.applies(in: registry, of: path), registry)
      } else if let export = try invocation.exported(path, in: registry) {
        try invocation.printLineage(of: export, registry)
      } else {
        throw path.hasSuffix(".rcp") ? OperationError.neverApplied(path) : OperationError.notExported(path)
      }
    case .artifact(let digest): try invocation.printLineage(of: [digest], registry)
    case .run(let run) where invocation.arguments.has(Options.html):
      try invocation.printLineage(of: [run.output], registry)
    case .run(let run): invocation.printRun(run)
    }
    return 0
  }
}

extension Invocation {
  fileprivate var limit: Int { arguments[Options.limit] ?? 20 }

  /// Where nothing was ever applied.
  fileprivate func sayNothingYet() { say("nothing was applied here yet; `mergekit apply RECIPE` is how it begins") }

  /// The applies that the command line asks for, newest first.
  /// - Parameter recipe: A recipe's file, where only its are wanted.
  fileprivate func applies(in registry: Registry, of recipe: String? = nil) throws -> [Apply] {
    var filter = Registry.ApplyFilter()
    filter.recipes = try recipe.map { name in try registry.recipes().filter { isSameFile($0, name) } }
    filter.since = arguments[Options.since]
    filter.operation = arguments[Options.operation]
    let status = arguments[Options.status]
    // Whether one was killed, only its process's lock says.
    filter.status = status == "killed" ? .running : status.flatMap(ApplyStatus.init)
    let found = try registry.applies(limit: status == "killed" || status == "running" ? .max : limit, filter)
    return Array(found.filter { status == nil || $0.outcome == status }.prefix(limit))
  }

  fileprivate func printApplies(_ applies: [Apply], _ registry: Registry) throws {
    if arguments.has(Options.jsonLines) {
      for apply in applies { print(line: try apply.json(registry)) }
      return
    }
    if let file = arguments[Options.html] {
      return try writePage(
        of: try LineageSource(registry: registry, catalog: catalog, directory: directory).lineage(of: applies), to: file
      )
    }
    if arguments.has(Options.json) { return print(JSON.array(try applies.map { try $0.json(registry) })) }
    if applies.isEmpty {
      return arguments.has(Options.since) || arguments.has(Options.operation) || arguments.has(Options.status)
        ? say("no apply is like that") : sayNothingYet()
    }
    let history = History(registry: registry, style: style, columns: program.output.columns)
    for line in try arguments.has(Options.table) ? history.table(applies) : history.lines(applies) { print(line) }
  }

  /// Shows applies as they end, until the user stops it.
  fileprivate func follow(_ registry: Registry) throws {
    program.interruption.listen()
    var shown = Set(try registry.applies(limit: 1000).filter { $0.finished != nil }.map(\.id))
    let newest = shown.max() ?? 0
    while !program.interruption.cancellation.isCancelled, program.output.failure == nil {
      let ended = try registry.applies(limit: 1000).filter {
        $0.finished != nil && $0.id > newest - 1000 && !shown.contains($0.id)
      }
      if !ended.isEmpty { try printApplies(ended.reversed(), registry) }
      shown.formUnion(ended.map(\.id))
      usleep(200_000)
    }
  }

  /// Shows where an export comes from: as the registry knows it, else as the folder tells.
  fileprivate func printLineage(of export: ExportedFolder, _ registry: Registry) throws {
    let isForPrograms = arguments.has(Options.html) || arguments.has(Options.json) || arguments.has(Options.jsonLines)
    let label = try export.artifacts.first.flatMap { try registry.runs(producing: $0).last?.label }
    if export.artifacts.isEmpty { return try printTold(by: export) }
    if !isForPrograms { print(export.heading(label: label, style)) }
    try printLineage(of: export.artifacts, registry)
  }

  /// Shows what an exported folder tells of itself, where no registry knows more.
  fileprivate func printTold(by export: ExportedFolder) throws {
    if arguments.has(Options.html) {
      throw OperationError(
        .missing, "no registry here knows `\(export.name)`, and what it tells of itself is too little for a page",
        helps: ["`mergekit log \(export.name)` shows that"])
    }
    if arguments.has(Options.json) || arguments.has(Options.jsonLines) {
      return arguments.has(Options.json) ? print(export.lineage ?? .null) : print(line: export.lineage ?? .null)
    }
    print(export.heading(label: nil, style))
    for line in export.told(style) { print(line) }
  }

  fileprivate func printLineage(of artifacts: [Digest], _ registry: Registry) throws {
    if let file = arguments[Options.html] {
      return try writePage(
        of: LineageSource(registry: registry, catalog: catalog, directory: directory).lineage(of: artifacts), to: file)
    }
    let history = History(registry: registry, style: style, columns: program.output.columns)
    let runs = try history.lineage(of: artifacts)
    if arguments.has(Options.jsonLines) {
      for entry in runs { print(line: entry.run.json) }
      return
    }
    if arguments.has(Options.json) { return print(JSON.array(runs.map(\.run.json))) }
    for line in arguments.has(Options.table) ? history.table(runs) : history.lines(runs) { print(line) }
  }

  /// Writes a lineage as a page for a browser.
  func writePage(of lineage: Lineage, to file: String) throws {
    try TextFile.write(LineagePage(lineage, version: Version.current).text, to: absolute(file))
    say("\(Renderer.printable(file)) written: open it in a browser")
  }

  func printRun(_ run: Run) {
    if arguments.has(Options.jsonLines) { return print(line: run.json) }
    if arguments.has(Options.json) { return print(run.json) }
    for line in run.lines(style) { print(line) }
  }
}

extension OperationError {
  static func notExported(_ path: String) -> OperationError {
    OperationError(
      .missing,
      "`\(path)` was not exported from here, and has no `\(ExportedFiles.lineage)` that tells where it comes from",
      helps: ["`mergekit show \(path)` shows what is in it"])
  }

  static func neverApplied(_ recipe: String) -> OperationError {
    OperationError(.missing, "`\(recipe)` was never applied here", helps: ["`mergekit apply \(recipe)` does it"])
  }
}
