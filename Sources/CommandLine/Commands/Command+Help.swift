import Diagnostics
import Plans

extension Command {
  static let help = Command(
    "help", .reference, "Explain a command, an operation, an export format or a recipe.",
    operands: [Operand("TOPIC", .optional, .topics, "What to explain; everything in short by default.")],
    examples: ["mergekit help apply", "mergekit help fisher_merge", "mergekit help Recipes/fisher.rcp"]
  ) { invocation in
    guard let topic = invocation.arguments.operands.first else {
      for line in CommandPage.overview(width: invocation.width, style: invocation.style) { invocation.print(line) }
      return 0
    }
    let entry = invocation.catalog[topic]
    let format = invocation.catalog.format(topic)
    if let command = Command.all.first(where: { $0.name == topic }) {
      for line in CommandPage.lines(command, width: invocation.width, style: invocation.style) {
        invocation.print(line)
      }
    } else if entry != nil || format != nil {
      invocation.printPage(entry, format)
    } else if topic.hasSuffix(".rcp") || topic.contains("/") {
      try invocation.printRecipePage(topic)
    } else {
      let names =
        Command.all.map(\.name) + invocation.catalog.entries.map(\.signature.name)
        + invocation.catalog.formats.map(\.signature.name)
      throw UsageError(.unknownTopic(topic, among: names))
    }
    return 0
  }

  static let version = Command("version", .reference, "Print the version.", options: [Options.json]) { invocation in
    if invocation.arguments.has(Options.json) {
      invocation.print(["version": .string(Version.current)])
    } else {
      invocation.print("mergekit \(Version.current)")
    }
    return 0
  }
}

extension Diagnostic {
  static func unknownTopic(_ name: String, among names: [String]) -> Diagnostic {
    Diagnostic(
      "there is no help on `\(name)`", at: nil,
      helps: [
        NearestName.of(name, among: names).map { "did you mean `\($0)`?" }
          ?? "`mergekit help` lists the commands, `mergekit ops` the operations"
      ])
  }
}
