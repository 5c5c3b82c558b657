import Formats
import Operations

/// Metrics as one JSON file: an object, or for a list an array of objects.
struct JSONFormat: ExportFormat {
  static let about = About(
    "json",
    "Write metrics as one JSON file.",
    discussion: """
      An object whose members are the metrics by their names (`accuracy`, `accuracy_interval`, `examples`); a list \
      becomes an array of such objects, in its order. What the recipe calls the metrics stands in `name`, where it \
      calls them anything.
      """,
    examples: [Example("The default for metrics", "json")])

  static let accepts: [ArtifactKind] = [.metrics]
  static let acceptsLists = true
  static let makesFolder = false

  func write(_ contents: [Content], isList: Bool, to path: String) throws {
    let objects = contents.map { content -> JSON in
      let name = content.label.isEmpty ? [] : [JSON.Member("name", .string(content.label))]
      return .object(name + (content.facts.object ?? []))
    }
    let json = isList ? JSON.array(objects) : objects[0]
    try NewFile.write(Array(json.pretty.utf8), to: path)
  }
}
