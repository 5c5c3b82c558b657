import Diagnostics
import Foundation
import Recipes

/// What a terminal shows of a recipe: its title, its text, and what can be set.
struct RecipePage {
  let name: String
  let recipe: Recipe
  let elaboration: Recipe.Elaboration

  func lines(width: Int, style: Style) -> [String] {
    let title = recipe.title ?? "\((name as NSString).lastPathComponent), a library"
    var lines = [style(Renderer.printable(title), .bold)]
    if !recipe.documentation.isEmpty { lines += [""] + Prose.markdown(printable(recipe.documentation), width: width) }
    guard recipe.title != nil else { return lines }
    let settings = elaboration.parameters.isEmpty ? "" : " [--PARAMETER VALUE]…"
    lines += ["", "Usage: mergekit apply \(Renderer.printable(name))\(settings) [OPTIONS]"]
    if !elaboration.parameters.isEmpty {
      lines += ["", style("Parameters", .bold)]
      lines += elaboration.parameters.flatMap { parameter in
        ["  \(style(parameter.flag, .bold))  \(style(parameter.facts, .faint))"]
          + Prose.markdown(printable(parameter.documentation), width: width - 6).filter { !$0.isEmpty }.map {
            "      " + $0
          }
      }
    }
    let exports = elaboration.graph.goals.compactMap { goal -> String? in
      if case .export(let export) = goal { "  " + Renderer.printable(export.path) } else { nil }
    }
    return lines + (exports.isEmpty ? [] : ["", style("Exports", .bold)] + exports)
  }

  /// A text of several lines, each of which is harmless to a terminal.
  private func printable(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { Renderer.printable(String($0)) }
      .joined(separator: "\n")
  }
}

extension Recipe.Parameter {
  /// How it is set on the command line: `--rte-share`, or `--set jobs=` where `apply` has an option of that name.
  fileprivate var flag: String {
    let option = name.replacing("_", with: "-")
    let isTaken = (Command.apply.options + Options.everywhere).contains { $0.name == option }
    return isTaken ? "--set \(name)=" : "--" + option
  }

  /// `count, 1 to 1_000_000, 4096 examples by default`.
  fileprivate var facts: String {
    [type.name, range?.text(as: type), defaultText.map { "\(Renderer.printable($0)) by default" } ?? "must be given"]
      .compactMap { $0 }.joined(separator: ", ")
  }
}

extension Invocation {
  func printRecipePage(_ operand: String) throws {
    let (name, recipe) = try readRecipe(operand)
    let elaboration = recipe.elaborated(catalog, isChecked: true, reading: readLibrary)
    guard !elaboration.hasErrors else { throw DiagnosticsError(elaboration.diagnostics) }
    for line in RecipePage(name: name, recipe: recipe, elaboration: elaboration).lines(width: width, style: style) {
      print(line)
    }
  }
}
