import Diagnostics
import Formats
import Operations

extension Command {
  static let operations = Command(
    "ops", .reference, "List all operations, with what each makes.", options: [Options.json]
  ) { invocation in
    let catalog = invocation.catalog
    if invocation.arguments.has(Options.json) {
      invocation.print(JSON.array(catalog.entries.map(\.brief)))
      return 0
    }
    let style = invocation.style
    for plugin in catalog.plugins where !plugin.operations.isEmpty {
      invocation.print("\(style(plugin.name, .bold)): \(plugin.summary)")
      let items = catalog.entries.filter { $0.plugin == plugin.name }.map {
        ($0.signature.name, $0.signature.about.summary)
      }
      for line in Prose.definitions(items, width: invocation.width, style: style) { invocation.print(line) }
      invocation.print()
    }
    if !catalog.formats.isEmpty {
      invocation.print("\(style("Export formats", .bold)): Written behind `as` in an export.")
      let items = catalog.formats.map { ($0.signature.name, $0.signature.about.summary) }
      for line in Prose.definitions(items, width: invocation.width, style: style) { invocation.print(line) }
      invocation.print()
    }
    invocation.say("`mergekit describe OPERATION` tells all about one")
    return 0
  }

  static let describe = Command(
    "describe", .reference, "Tell all about an operation or an export format.",
    operands: [Operand("OPERATION", .one, .operations, "The operation's name, as recipes write it.")],
    options: [Options.json], examples: ["mergekit describe fisher"]
  ) { invocation in
    let name = invocation.arguments.operand
    let entry = invocation.catalog[name]
    let format = invocation.catalog.format(name)
    guard let signature = entry?.signature ?? format?.signature else {
      throw UsageError(.unknownOperation(name, in: invocation.catalog))
    }
    if invocation.arguments.has(Options.json) {
      invocation.print(signature.json.setting("plugin", to: entry.map { .string($0.plugin) } ?? .null))
    } else {
      invocation.printPage(entry, format)
    }
    return 0
  }
}

extension Invocation {
  /// Shows the page of an operation, or of an export format.
  func printPage(_ entry: Catalog.Entry?, _ format: Catalog.Format?) {
    let page =
      entry.map { SignaturePage(signature: $0.signature, kind: "an operation of the plugin \($0.plugin)") }
      ?? format.map { SignaturePage(signature: $0.signature, kind: "an export format", accepts: $0.format.accepts) }
    for line in page?.lines(width: width, style: style) ?? [] { print(line) }
  }
}

extension Catalog.Entry {
  fileprivate var brief: JSON {
    [
      "name": .string(signature.name), "summary": .string(signature.about.summary), "plugin": .string(plugin),
      "output": .string(signature.output.name), "version": .integer(signature.version),
    ]
  }
}

extension Diagnostic {
  static func unknownOperation(_ name: String, in catalog: Catalog) -> Diagnostic {
    let names = catalog.entries.map(\.signature.name) + catalog.formats.map(\.signature.name)
    return Diagnostic(
      "there is no operation `\(name)`", at: nil,
      helps: [NearestName.of(name, among: names).map { "did you mean `\($0)`?" } ?? "`mergekit ops` lists them"])
  }
}
