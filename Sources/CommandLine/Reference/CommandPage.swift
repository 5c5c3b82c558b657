/// What a terminal shows of a command, and of all of them.
enum CommandPage {
  static func overview(width: Int, style: Style) -> [String] {
    var lines = [
      "mergekit makes models out of models: it runs what a recipe asks for and keeps every result with its history.",
      "",
      "Usage: mergekit COMMAND [ARGUMENTS]",
    ]
    for group in Command.Group.allCases {
      let items = Command.all.filter { $0.group == group }.map { ($0.name, $0.summary) }
      lines += ["", style(group.rawValue, .bold)] + Prose.definitions(items, width: width, style: style)
    }
    lines += ["", style("Everywhere", .bold)] + options(Options.everywhere, width: width, style: style)
    return lines + [
      "", "`mergekit help COMMAND` explains one; `mergekit help OPERATION` and `mergekit help RECIPE` work too.",
    ]
  }

  static func lines(_ command: Command, width: Int, style: Style) -> [String] {
    var lines = Prose.wrapped(command.summary, width: width) + ["", "Usage: \(command.usage)"]
    if !command.operands.isEmpty {
      let items = command.operands.map { ($0.name, $0.text) }
      lines += [""] + Prose.definitions(items, width: width, style: style)
    }
    if !command.discussion.isEmpty { lines += [""] + Prose.markdown(command.discussion, width: width) }
    if !command.options.isEmpty {
      lines += ["", style("Options", .bold)] + options(command.options, width: width, style: style)
    }
    lines += ["", style("Everywhere", .bold)] + options(Options.everywhere, width: width, style: style)
    if !command.examples.isEmpty { lines += ["", style("Examples", .bold)] + command.examples.map { "  " + $0 } }
    return lines
  }

  private static func options(_ options: [any OptionDeclaration], width: Int, style: Style) -> [String] {
    Prose.definitions(options.map { ($0.usage, $0.text) }, width: width, style: style)
  }
}

extension OptionDeclaration {
  /// As help shows it: `-j, --jobs N`.
  var usage: String {
    let value = valueName.map { isValueOptional ? "[=\($0)]" : " \($0)" } ?? ""
    return (short.map { "-\($0), " } ?? "") + flag + value
  }
}
