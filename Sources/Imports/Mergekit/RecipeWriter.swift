import Diagnostics
import Operations

/// Writes the recipe of all merges of a file.
struct RecipeWriter {
  let source: Source
  var finder: ModelFinder
  let catalog: Catalog
  var diagnostics: [Diagnostic] = []
  private var merges: [String] = []
  private var export = ""

  init(source: Source, finder: ModelFinder, catalog: Catalog) {
    self.source = source
    self.finder = finder
    self.catalog = catalog
  }

  mutating func write(_ documents: [MergeDocument]) {
    for (index, document) in documents.enumerated() {
      let isLast = index == documents.count - 1
      let name = isLast ? "merged" : finder.unusedName(document.name?.value ?? "stage")
      var translation = Translation(document, isLast: isLast, catalog: catalog, finder: finder)
      let result = translation.translated(as: name)
      finder = translation.finder
      diagnostics += translation.diagnostics
      if let stage = document.name, !isLast {
        finder.define(stage.value, recipeName: name, outline: result?.outline)
      }
      guard let result else { continue }
      merges += translation.statements
      add(result.text, as: name, remarks: translation.remarks)
      if isLast { exportMerged(precision: result.isRounded ? nil : document.precision?.value) }
    }
  }

  /// Gives an expression a name in the recipe.
  mutating func add(_ expression: String, as name: String, remarks: [String]) {
    merges.append(Self.comment(remarks) + "let \(name) = \(expression)")
  }

  /// Exports what is called `merged`, its floats rounded where it says to what.
  mutating func exportMerged(precision: FloatPrecision?) {
    let format = precision.map { " as safetensors(precision: .\($0.rawValue))" }
    export = "export merged to \"merged\"\(format ?? "")"
  }

  var text: String {
    let file = source.name.split(separator: "/").last.map(String.init) ?? source.name
    let title = file.split(separator: ".").first.map(String.init) ?? file
    let models = finder.models.compactMap { _, model in model.expression.map { "let \(model.name) = \($0)" } }
    return """
      ## What `\(file)` says, a file of arcee's mergekit.
      recipe \(Value.text(title).canonical)

      \(models.joined(separator: "\n"))

      \(merges.joined(separator: "\n\n"))

      \(export)

      """
  }

  /// Paragraphs as comments, to the width of a recipe.
  private static func comment(_ paragraphs: [String]) -> String {
    var result = ""
    for paragraph in paragraphs {
      var line = "#"
      for word in paragraph.split(separator: " ") {
        if line.count + 1 + word.count > 90 {
          result += line + "\n"
          line = "#"
        }
        line += " " + word
      }
      result += line + "\n"
    }
    return result
  }
}
