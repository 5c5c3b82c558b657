import Diagnostics
import Formats
import Foundation
import Recipes

extension Command {
  static let format = Command(
    "fmt", .recipes, "Write recipes in their one form.",
    discussion: """
      There are no settings. Folders are searched for `*.rcp`, and what those within them hold too. The names of changed \
      files are printed.
      """,
    operands: [Operand("PATH", .some, .recipes, "Recipes, or folders of them.")], options: [Options.check],
    examples: ["mergekit fmt Recipes", "mergekit fmt --check Recipes"]
  ) { invocation in
    let isCheck = invocation.arguments.has(Options.check)
    var mistakes: [Diagnostic] = []
    var changed = 0
    for name in try invocation.recipeFiles() {
      let path = invocation.absolute(name)
      let text = try invocation.text(ofRecipe: path)
      do {
        let formatted = try Recipe.formatted(Source(name: name, text: text))
        guard formatted != text else { continue }
        if !isCheck { try ReferencePages.write(formatted, to: path) }
        invocation.print(name)
        changed += 1
      } catch let error as DiagnosticsError {
        mistakes += error.diagnostics
      }
    }
    guard mistakes.isEmpty else { throw DiagnosticsError(mistakes) }
    guard isCheck, changed > 0 else { return 0 }
    invocation.say("\(Measure.count(changed, "file")) not in the one form; `mergekit fmt` changes that")
    return 1
  }
}

extension Invocation {
  /// The recipes that the command names, those in its folders sorted by their paths.
  fileprivate func recipeFiles() throws -> [String] {
    try arguments.operands.flatMap { operand -> [String] in
      let name = PathSearch.existing(operand, from: directory) ?? operand
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: absolute(name), isDirectory: &isFolder) else {
        throw OperationError(.missing, "there is no file `\(operand)`")
      }
      guard isFolder.boolValue else { return [name] }
      let paths = try FileManager.default.subpathsOfDirectory(atPath: absolute(name)).filter { $0.hasSuffix(".rcp") }
      return paths.sorted().map { Invocation.join(name, $0) }
    }
  }

  /// The text of a recipe's file.
  func text(ofRecipe path: String) throws -> String {
    let bytes = try File.contents(of: path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw OperationError(.data, "`\(path)` is not text: it is not UTF-8")
    }
    return text
  }
}
