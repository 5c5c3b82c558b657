import Diagnostics
import Operations
import Recipes

extension Command {
  static let format = Command(
    "fmt", .recipes, "Write recipes in their one form.",
    discussion: """
      There are no settings. Folders are searched for `*.rcp`, to any depth. The names of changed files are printed; with `--check` \
      nothing is changed, and what would be is printed, too.
      """,
    operands: [Operand("PATH", .any, .recipes, "Recipes, or folders of them.")],
    options: [Options.check, Options.stdin],
    examples: ["mergekit fmt Recipes", "mergekit fmt --check Recipes", "mergekit fmt --stdin < fisher.rcp"]
  ) { invocation in
    if invocation.arguments.has(Options.stdin) { return try invocation.formatInput() }
    guard !invocation.arguments.operands.isEmpty else {
      throw UsageError(
        Diagnostic("`fmt` needs PATH", at: nil, helps: ["write `mergekit fmt PATH…`, or `mergekit fmt --stdin`"]))
    }
    let isCheck = invocation.arguments.has(Options.check)
    var mistakes: [Diagnostic] = []
    var changed = 0
    for file in invocation.recipeFiles() {
      let (name, recipe) = try invocation.readRecipe(file)
      do {
        let formatted = try Recipe.formatted(recipe.source)
        guard formatted != recipe.source.text else { continue }
        if !isCheck { try TextFile.write(formatted, to: invocation.absolute(name)) }
        invocation.print(Renderer.printable(name))
        if isCheck {
          let difference = LineDifference(from: recipe.source.text, to: formatted)
          for line in difference.text(invocation.style) { invocation.print(line) }
        }
        changed += 1
      } catch let error as DiagnosticsError {
        mistakes += error.diagnostics
      }
    }
    guard mistakes.isEmpty else { throw DiagnosticsError(mistakes) }
    guard isCheck, changed > 0 else { return 0 }
    invocation.say("\(Measure.count(changed, "file")) would change; `mergekit fmt` does it")
    return 1
  }
}

extension Invocation {
  /// Writes the recipe on standard input in its one form to standard output, as editors want it.
  fileprivate func formatInput() throws -> Int32 {
    guard arguments.operands.isEmpty else {
      throw UsageError(Diagnostic("`--stdin` reads standard input, so there is no use for a path", at: nil))
    }
    guard let text = String(validating: try program.input(), as: UTF8.self) else {
      throw OperationError(.data, "standard input is not text: it is not UTF-8")
    }
    let formatted = try Recipe.formatted(Source(name: "standard input", text: text))
    if arguments.has(Options.check) { return formatted == text ? 0 : 1 }
    program.output.write(formatted)
    return 0
  }
}
