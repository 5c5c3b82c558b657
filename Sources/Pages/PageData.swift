import Diagnostics
import Formats
import Operations

/// What the script of a page knows: each step with all that decided it. What many steps share is written once.
struct PageData {
  private let graphs: JSON
  /// The colour of each kind.
  private let colors: JSON
  /// For each step the values of `fields`, in their order.
  private let steps: [JSON]
  /// Names and texts that steps refer to by number.
  private let rows: [JSON]

  init(_ lineage: Lineage, graphs: JSON) {
    self.graphs = graphs
    colors = .object(
      Set(lineage.steps.map(\.kind)).sorted().map { .init(Renderer.printable($0), .string(Kind($0).rawValue)) })
    var table = RowTable()
    steps = lineage.steps.map { step in
      .array([
        Self.text(step.label), Self.text(step.operation), Self.text(step.kind), .integer(step.run),
        .string(step.artifact.description), .string(step.key.description), .string(Measure.minute(step.started)),
        .string(Measure.duration(step.seconds)),
        .array(
          step.inputs.map {
            .array([table.number($0.slot, ""), Self.text($0.label), $0.maker.map(JSON.integer) ?? .null])
          }),
        .array(step.settings.map { table.number($0.name, $0.value) }),
        .array(Facts(step.facts).lines.map { table.number($0.name, $0.text) }),
        .array([table.number("size", step.size)] + step.exports.map { table.number("exported", $0) }),
        .array([
          table.number("version", "\(step.operation) \(step.version)"), table.number("recipe", step.recipe),
        ]),
      ])
    }
    rows = table.rows
  }

  /// A block of data that a browser runs no part of.
  var html: HTML {
    let json: JSON = [
      "fields": .array(Self.fields.map(JSON.string)), "rows": .array(rows), "colors": colors, "steps": .array(steps),
      "graphs": graphs,
    ]
    // `<` could end the block, or begin a comment in it.
    let text = json.compact.replacing("<", with: #"\u003c"#)
    return HTML(sound: "<script type=\"application/json\" id=\"data\">\(text)</script>")
  }

  private static let fields = [
    "label", "operation", "kind", "run", "artifact", "key", "began", "took", "inputs", "settings", "facts", "result",
    "origin",
  ]

  private static func text(_ text: String) -> JSON { .string(Renderer.printable(text)) }

  /// Pairs of texts, each once.
  private struct RowTable {
    private(set) var rows: [JSON] = []
    private var numbers: [[String]: Int] = [:]

    mutating func number(_ name: String, _ text: String) -> JSON {
      if let number = numbers[[name, text]] { return .integer(number) }
      numbers[[name, text]] = rows.count
      rows.append(.array([PageData.text(name), PageData.text(text)]))
      return .integer(rows.count - 1)
    }
  }
}
