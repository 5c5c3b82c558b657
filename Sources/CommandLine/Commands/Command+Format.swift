import Diagnostics
import Operations
import Recipes

extension Command {
  static let format = Command(
    "fmt", .recipes, "Write recipes in their one form.",
    discussion:
      "There are no settings. Folders are searched for `*.rcp`, to any depth. The names of changed files are printed.",
    operands: [Operand("PATH", .some, .recipes, "Recipes, or folders of them.")], options: [Options.check],
    examples: ["mergekit fmt Recipes", "mergekit fmt --check Recipes"]
  ) { invocation in
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
