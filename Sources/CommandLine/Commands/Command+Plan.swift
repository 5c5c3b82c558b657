import Diagnostics
import Plans
import Recipes
import Registry

extension Operand {
  static let recipe = Operand("RECIPE", .one, .recipes, "The recipe's file, such as `Recipes/fisher.rcp`.")
  static let recipeOrPlan = Operand(
    "RECIPE", .one, .recipes, "The recipe's file, such as `Recipes/fisher.rcp`, or a plan that `plan --save` wrote.")
}

extension Command {
  static let plan = Command(
    "plan", .recipes, "Show what applying a recipe would run, and why; run nothing.",
    discussion: """
      Each step has a mark: `=` is there from an earlier run, `+` is new, `~` has changed since its last run, `?` depends on \
      what a step before it gives: if that comes out as it did before, this is there already. A plan that was looked at can be kept: \
      `--save FILE` writes it, and `mergekit apply FILE` does what it says, unless a setting, an input or anything else that \
      decides a step has changed since.
      """,
    operands: [.recipe],
    options: [Options.set, Options.target, Options.out, Options.why, Options.save, Options.exitCode, Options.json],
    takesSettings: true,
    examples: [
      "mergekit plan Recipes/fisher.rcp", "mergekit plan Recipes/fisher.rcp --samples 2048",
      "mergekit plan Recipes/fisher.rcp --why merged", "mergekit plan Recipes/fisher.rcp --save plan.json",
    ]
  ) { invocation in
    invocation.program.interruption.listen()
    let loaded = try invocation.loadRecipe()
    let file = invocation.arguments[Options.save]
    // What inputs were is only known once they are fingerprinted, which a registry remembers.
    let registry = try invocation.openRegistryAsAllowed() ?? (file == nil ? nil : invocation.createRegistry())
    let planner = invocation.planner(loaded, registry: registry)
    let plan = try planner.plan(targets: invocation.arguments.all(Options.target))
    invocation.warn(plan.warnings)
    if let step = invocation.arguments[Options.why] {
      try invocation.printWhy(step, in: plan, registry)
      return 0
    }
    var next = invocation.commandLine(of: "apply", loaded)
    if let file {
      let text = SavedPlan.json(of: plan, recipe: loaded.name, invocation.arguments).pretty
      try TextFile.write(text, to: invocation.absolute(file))
      next = "mergekit apply " + Invocation.shellWord(file)
    }
    if invocation.arguments.has(Options.json) {
      invocation.print(plan.json(recipe: loaded.name))
    } else {
      let table = PlanTable(
        plan: plan, recipe: loaded.name, apply: next, registry: registry,
        exports: try PlannedExports(plan, registry.map(invocation.exporter)))
      for line in try table.lines(invocation.style) { invocation.print(line) }
    }
    return invocation.arguments.has(Options.exitCode) && !plan.toRun.isEmpty ? 2 : 0
  }
}

extension Invocation {
  /// Says of one step of a plan what it is to be, and what of its key has changed.
  fileprivate func printWhy(_ name: String, in plan: Plan, _ registry: Registry?) throws {
    guard let step = plan.steps.first(where: { $0.label == name }) else {
      let nearest = NearestName.of(name, among: plan.steps.map(\.label))
      throw UsageError(
        Diagnostic(
          "the plan has no step `\(name)`", at: nil,
          helps: [nearest.map { "did you mean `\($0)`?" } ?? "`mergekit plan` lists them"]))
    }
    // What only follows from another step is told of that one.
    var cause = step
    while case .undecided(let before) = cause.state, let next = plan[before] { cause = next }
    let comparison: KeyComparison? =
      if case .runs(.changed(let changes, let run)) = cause.state { KeyComparison(run, changes: changes) } else { nil }
    let table = comparison.map { KeyTable(comparison: $0, registry: registry) }
    if arguments.has(Options.json) {
      return print([
        "label": .string(name), "state": .string(step.stateName), "because_of": .string(cause.label),
        "reason": .string(cause.reason), "components": table?.json ?? .array([]),
      ])
    }
    let place = step.origin.place
    let line = "\(place.source.name):\(place.source.position(of: place.range.lowerBound).line)"
    print("\(style(Renderer.printable(name), .bold)) (\(Renderer.printable(line))) \(step.verdict)")
    if cause.id != step.id { print("\(style(Renderer.printable(cause.label), .bold)) \(cause.verdict)") }
    if let cause = try table?.cause() { print(cause) }
    for line in table?.lines(style) ?? [] { print(line) }
  }

  func planner(_ loaded: LoadedRecipe, registry: Registry?, hashesLate: Bool = false) -> Planner {
    let cancellation = program.interruption.cancellation
    return Planner(
      graph: loaded.graph, recipe: loaded.name, catalog: catalog, registry: registry, hashesLate: hashesLate,
      isCancelled: { cancellation.isCancelled })
  }

  /// The same recipe, settings and targets for another command, as one would type them.
  func commandLine(of command: String, _ loaded: LoadedRecipe) -> String {
    let settings = arguments.settings.flatMap { setting in
      setting.flag.hasPrefix("--set ") ? ["--set", "\(setting.name)=\(setting.value)"] : [setting.flag, setting.value]
    }
    let targets = arguments.all(Options.target).flatMap { ["--target", $0] }
    let out = arguments[Options.out].map { ["--out", $0] } ?? []
    return (["mergekit", command, loaded.name] + settings + targets + out).map(Invocation.shellWord).joined(
      separator: " ")
  }

  /// A word as a shell needs it.
  static func shellWord(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || "-_./=:%,+@".unicodeScalars.contains(scalar)
    }
    if plain, !text.isEmpty { return text }
    return "'" + Renderer.printable(text).replacing("'", with: "'\\''") + "'"
  }
}

extension PlannedStep {
  /// Why it is in its state, as the plan says it.
  var reason: String {
    switch state {
    case .cached(let run): "there, from run \(run.id)"
    case .runs(let reason): reason.text
    case .undecided: "depends on a step that will run"
    }
  }

  /// What becomes of it, as a sentence without its subject.
  fileprivate var verdict: String {
    switch state {
    case .cached(let run): "will not run: its result is there, from run \(run.id)"
    case .runs(.new): "will run: there is no earlier result for this step"
    case .runs(.lost(let run)): "will run: the result of run \(run.id) is no longer there"
    case .runs(.changed(let changes, let run)):
      "will run: its key differs from that of run \(run.id)"
        + (changes.first.map { ": " + Renderer.printable($0.sentence) } ?? ": it is made another way")
    case .undecided:
      "may run: it reads what another step will give, and is there already if that comes out as it did before"
    }
  }
}
