import Diagnostics
import Plans
import Recipes
import Registry

extension Operand {
  static let recipe = Operand("RECIPE", .one, .recipes, "The recipe's file, such as `Recipes/fisher.rcp`.")
}

extension Command {
  static let plan = Command(
    "plan", .recipes, "Show what applying a recipe would run, and why; run nothing.",
    discussion: """
      Each step has a mark: `=` is there from an earlier run, `+` is new, `~` has changed since its last run, `?` depends on \
      what a step before it gives: if that comes out as it did before, this is there already.
      """,
    operands: [.recipe], options: [Options.set, Options.target, Options.out, Options.json], takesSettings: true,
    examples: ["mergekit plan Recipes/fisher.rcp", "mergekit plan Recipes/fisher.rcp --samples 2048"]
  ) { invocation in
    invocation.program.interruption.listen()
    let loaded = try invocation.loadRecipe()
    let planner = invocation.planner(loaded, registry: try invocation.openRegistry())
    let plan = try planner.plan(targets: invocation.arguments.all(Options.target))
    invocation.warn(of: plan)
    if invocation.arguments.has(Options.json) {
      invocation.print(plan.json(recipe: loaded.name))
    } else {
      let table = PlanTable(plan: plan, recipe: loaded.name, apply: invocation.commandLine(of: "apply", loaded))
      for line in table.lines(invocation.style) { invocation.print(line) }
    }
    return 0
  }
}

extension Invocation {
  func planner(_ loaded: LoadedRecipe, registry: Registry?) -> Planner {
    let cancellation = program.interruption.cancellation
    return Planner(
      graph: loaded.graph, recipe: loaded.name, catalog: catalog, registry: registry,
      isCancelled: { cancellation.isCancelled })
  }

  /// Says what is likely a mistake.
  func warn(of plan: Plan) {
    if !plan.warnings.isEmpty, !isQuiet { program.errors.write(renderer.text(plan.warnings) + "\n") }
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
  private static func shellWord(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || "-_./=:%,+@".unicodeScalars.contains(scalar)
    }
    if plain, !text.isEmpty { return text }
    return "'" + Renderer.printable(text).replacing("'", with: "'\\''") + "'"
  }
}
