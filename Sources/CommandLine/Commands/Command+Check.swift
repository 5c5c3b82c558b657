import Diagnostics
import Formats
import Operations
import Plans
import Recipes

extension Command {
  static let check = Command(
    "check", .recipes, "Find the mistakes of recipes without running anything.",
    discussion: """
      Everything that can be known beforehand is checked: names, types, ranges and units, and, from the inputs' headers alone, shapes and \
      patterns of tensor names. Folders are searched for `*.rcp`.
      """,
    operands: [Operand("RECIPE", .some, .recipes, "Recipes or libraries, or folders of them.")],
    options: [Options.format],
    examples: ["mergekit check Recipes", "mergekit check Recipes/fisher.rcp --format json"]
  ) { invocation in
    let isJSON = invocation.arguments[Options.format] == "json"
    var found: [Diagnostic] = []
    var status: Int32 = 0
    for file in invocation.recipeFiles() {
      let (name, recipe) = try invocation.readRecipe(file)
      let verdict = invocation.verdict(on: recipe, name)
      found += verdict.diagnostics
      if status == 0 { status = verdict.status }
      if !isJSON, verdict.status == 0 { invocation.print("\(Renderer.printable(name)): \(verdict.summary)") }
    }
    if isJSON {
      invocation.print(JSON.array(Diagnostic.sorted(found).map(\.json)))
    } else if !found.isEmpty {
      invocation.program.errors.write(invocation.renderer.text(found))
    }
    return status
  }
}

/// What `check` has to say of one file.
private struct Verdict {
  let diagnostics: [Diagnostic]
  let status: Int32
  /// What it comes to, where nothing is wrong.
  let summary: String
}

extension Invocation {
  fileprivate func verdict(on recipe: Recipe, _ name: String) -> Verdict {
    let elaboration = recipe.elaborated(catalog, isChecked: true, reading: readLibrary)
    guard !elaboration.hasErrors else {
      return Verdict(diagnostics: elaboration.diagnostics, status: OperationError(.data, "").exitStatus, summary: "")
    }
    guard recipe.title != nil else {
      return Verdict(diagnostics: elaboration.diagnostics, status: 0, summary: "a library")
    }
    // A parameter without a value leaves steps without settings, so there is nothing to plan yet.
    let open = elaboration.parameters.filter { $0.defaultText == nil && $0.type != .optional($0.type.element) }
    guard open.isEmpty else {
      let names = open.map { "`\($0.name)`" }.joined(separator: ", ")
      return Verdict(diagnostics: elaboration.diagnostics, status: 0, summary: "well formed; \(names) must be given")
    }
    do {
      let plan = try Planner(graph: elaboration.graph, recipe: name, catalog: catalog, registry: nil).plan()
      let exports = plan.goals.filter { if case .export = $0 { true } else { false } }.count
      let summary = "\(Measure.count(plan.steps.count, "step")), \(Measure.count(exports, "export"))"
      return Verdict(diagnostics: elaboration.diagnostics, status: 0, summary: summary)
    } catch let error as PlanningError {
      return Verdict(diagnostics: elaboration.diagnostics + error.diagnostics, status: error.exitStatus, summary: "")
    } catch {
      let error = error as? OperationError ?? OperationError(.io, "\(error)")
      return Verdict(diagnostics: elaboration.diagnostics + [Diagnostic(error)], status: error.exitStatus, summary: "")
    }
  }
}

extension Diagnostic {
  /// The diagnostic as data; lines and columns count from 1, columns in characters.
  fileprivate var json: JSON {
    var json: JSON = ["severity": .string(severity.rawValue), "message": .string(message)]
    if let place { json = json.setting("place", to: place.json(label)) }
    return json.setting("others", to: .array(others.map { $0.place.json($0.text) }))
      .setting("notes", to: .array(notes.map(JSON.string))).setting("helps", to: .array(helps.map(JSON.string)))
  }
}

extension Place {
  fileprivate func json(_ label: String) -> JSON {
    let (start, end) = (source.position(of: range.lowerBound), source.position(of: range.upperBound))
    return [
      "file": .string(source.name), "line": .integer(start.line), "column": .integer(start.column),
      "end_line": .integer(end.line), "end_column": .integer(end.column), "label": .string(label),
    ]
  }
}
