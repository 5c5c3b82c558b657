import Diagnostics
import Foundation
import Plans
import Recipes
import Registry

extension Command {
  static let apply = Command(
    "apply", .recipes, "Run what a recipe needs and is not there yet, and write its exports.",
    discussion: """
      Every step's result is kept under a digest of all that decides it, so a step runs only when something that it depends \
      on has changed. Ctrl-C stops the run; what was finished is kept, and the next apply goes on from there.
      """,
    operands: [.recipeOrPlan],
    options: [
      Options.set, Options.target, Options.out, Options.force, Options.withPaths, Options.jobs, Options.memory,
      Options.progress,
      Options.report, Options.json,
    ],
    takesSettings: true,
    examples: [
      "mergekit apply Recipes/fisher.rcp", "mergekit apply Recipes/fisher.rcp --samples 2048 --out results --jobs 4",
    ]
  ) { invocation in
    let saved = try invocation.savedPlan()
    return try ApplyCommand(invocation: invocation.with(saved?.arguments ?? invocation.arguments), saved: saved).run()
  }
}

/// One `mergekit apply`.
private struct ApplyCommand {
  let invocation: Invocation
  /// The plan that is to be kept to, where the command line names one.
  let saved: SavedPlan?

  private var arguments: Arguments { invocation.arguments }
  private var interruption: Interruption { invocation.program.interruption }

  func run() throws -> Int32 {
    interruption.listen()
    let loaded = try invocation.loadRecipe()
    let targets = arguments.all(Options.target)
    let existing = try invocation.openRegistry()
    // Mistakes that a plan shows must not leave an empty registry behind.
    if existing == nil { _ = try invocation.planner(loaded, registry: nil).plan(targets: targets) }
    let registry = try existing ?? invocation.createRegistry()
    // A plan that is to be kept to says what inputs were.
    let planner = invocation.planner(loaded, registry: registry, hashesLate: saved == nil)
    let plan = try planner.plan(targets: targets)
    try saved?.check(plan)
    invocation.warn(plan.warnings)
    var exporter = invocation.exporter(registry)
    exporter.recipe = (loaded.name, loaded.text, loaded.graph.title)
    exporter.keepsPaths = arguments.has(Options.withPaths)
    let application = Application(plan, planner: planner, registry: registry, exporter: exporter)
    try application.check()
    if !arguments.has(Options.force), let warning = try PlannedExports(plan, exporter).warning {
      invocation.warn([warning])
    }

    let display = progress(of: plan)
    display.start()
    defer { display.finish() }
    let report = try application.apply(
      recipeText: loaded.text, command: invocation.commandLine(of: "apply", loaded), limits: limits,
      cancellation: interruption.cancellation, observe: display.observe)
    display.finish()

    let summary = ApplySummary(report: report, plan: plan, registry: registry, out: arguments[Options.out])
    try show(summary)
    if let file = arguments[Options.report], let apply = try registry.apply(id: report.number) {
      let source = LineageSource(registry: registry, catalog: invocation.catalog, directory: invocation.directory)
      try invocation.writePage(of: source.lineage(of: [apply]), to: file)
    }
    return report.exitStatus == 130 ? interruption.exitStatus : report.exitStatus
  }

  private func show(_ summary: ApplySummary) throws {
    if !summary.diagnostics.isEmpty { invocation.program.errors.write(invocation.renderer.text(summary.diagnostics)) }
    if arguments.has(Options.json) {
      invocation.print(try summary.json())
    } else {
      for line in try summary.results(invocation.style) { invocation.print(line) }
    }
    // Programs read lines of JSON there.
    if arguments[Options.progress] == "json" { return }
    for line in summary.remarks(invocation.errorStyle) { invocation.say(line) }
  }

  private var limits: Runner.Limits {
    let machine = ProcessInfo.processInfo
    return Runner.Limits(
      jobs: arguments[Options.jobs] ?? machine.activeProcessorCount,
      memory: arguments[Options.memory] ?? Int(clamping: machine.physicalMemory / 4 * 3))
  }

  private func progress(of plan: Plan) -> any ProgressObserver {
    let errors = invocation.program.errors
    if arguments[Options.progress] == "json" { return ProgressJournal(plan, stream: errors) }
    return ProgressDisplay(
      plan, mode: progressMode, memory: limits.memory, stream: errors, style: invocation.errorStyle)
  }

  /// What draws in place needs a terminal: a file would only fill with what moves the cursor.
  private var progressMode: ProgressDisplay.Mode {
    if invocation.isQuiet { return .none }
    let errors = invocation.program.errors
    let environment = invocation.program.environment
    switch arguments[Options.progress] {
    case "none": return .none
    case "plain": return .plain
    case "live": return errors.isTerminal ? .live : .plain
    default: return errors.isTerminal && environment["TERM"] != "dumb" && environment["CI"] == nil ? .live : .plain
    }
  }
}
