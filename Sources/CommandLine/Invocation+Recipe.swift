import Diagnostics
import Formats
import Foundation
import Operations
import Recipes

/// A recipe that a command line named, with its parameters set.
struct LoadedRecipe {
  /// The path as it was found, seen from the working directory.
  let name: String
  let text: String
  let graph: Graph
}

extension Invocation {
  /// Reads the recipe that the command names, sets its parameters and checks it; says its warnings.
  /// - Throws: `DiagnosticsError`; `UsageError` where only the settings are wrong.
  func loadRecipe() throws -> LoadedRecipe {
    let (name, recipe) = try readRecipe(arguments.operand)
    let declared = recipe.elaborated(catalog, isChecked: true, reading: readLibrary).parameters.map(\.name)
    let strangers = arguments.settings.filter { !declared.contains($0.parameter) }
    guard strangers.isEmpty else {
      throw UsageError(
        strangers.map { .parameterUnknown($0, of: name, parameters: declared, options: arguments.command.options) })
    }
    let settings = arguments.settings.map { Recipe.Setting(name: $0.parameter, text: $0.value, flag: $0.flag) }
    let (graph, warnings) = try Invocation.blamingFlags {
      try recipe.graph(catalog, settings: settings, reading: readLibrary)
    }
    warn(warnings)
    return LoadedRecipe(name: name, text: recipe.source.text, graph: graph)
  }

  /// Does something with texts of the command line in it: where only those are wrong, that is a mistake of usage.
  static func blamingFlags<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as DiagnosticsError {
      let mistakes = error.diagnostics.filter { $0.severity == .error }
      throw mistakes.allSatisfy { $0.place?.source.name.hasPrefix("--") == true } ? UsageError(mistakes) : error
    }
  }

  /// Reads a recipe's text, wherever its name is written in another case.
  func readRecipe(_ operand: String) throws -> (name: String, recipe: Recipe) {
    guard let name = PathSearch.existing(operand, from: directory) else {
      let nearest = PathSearch.nearest(operand, from: directory)
      throw OperationError(
        .missing, "there is no recipe `\(operand)`", helps: nearest.map { ["did you mean `\($0)`?"] } ?? [])
    }
    let path = absolute(name)
    return (name, Recipe(Source(name: name, text: try readLibrary(path)), path: path))
  }

  /// Reads the text of a recipe's file, or of a library's.
  func readLibrary(_ path: String) throws -> String {
    let bytes = try File.contents(of: path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw OperationError(.data, "`\(path)` is not text: it is not UTF-8")
    }
    return text
  }

  /// The recipes that the command names, those in its folders sorted by their paths.
  func recipeFiles() -> [String] {
    arguments.operands.flatMap { operand -> [String] in
      let name = PathSearch.existing(operand, from: directory) ?? operand
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: absolute(name), isDirectory: &isFolder), isFolder.boolValue else {
        return [name]
      }
      let paths = (try? FileManager.default.subpathsOfDirectory(atPath: absolute(name))) ?? []
      return paths.filter { $0.hasSuffix(".rcp") }.sorted().map { name == "." ? $0 : Invocation.join(name, $0) }
    }
  }
}

extension Diagnostic {
  static func parameterUnknown(
    _ setting: Arguments.Setting, of recipe: String, parameters: [String], options: [any OptionDeclaration]
  ) -> Diagnostic {
    let flags = parameters.map { $0.replacing("_", with: "-") } + options.map(\.name)
    let nearest = NearestName.of(setting.name, among: flags)
    return Diagnostic(
      "`\(recipe)` has no parameter `\(setting.parameter)`", at: nil,
      notes: parameters.isEmpty ? ["it has no parameters at all"] : [],
      helps: [nearest.map { "did you mean `--\($0)`?" } ?? "`mergekit help \(recipe)` lists them"])
  }
}
