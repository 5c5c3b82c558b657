/// The reference page of all commands.
enum CommandMarkdown {
  static var text: String {
    var parts = [
      "# Commands", "Options that every command takes:", options(Options.everywhere),
    ]
    for group in Command.Group.allCases {
      parts.append("## \(group.rawValue)")
      for command in Command.all where command.group == group {
        parts += ["### `mergekit \(command.name)`", command.summary, SignatureMarkdown.code([command.usage])]
        if !command.operands.isEmpty {
          parts.append(MarkdownTable.text(["argument", ""], command.operands.map { ["`\($0.name)`", $0.text] }))
        }
        if !command.discussion.isEmpty { parts.append(command.discussion) }
        if !command.options.isEmpty { parts.append(options(command.options)) }
        if !command.examples.isEmpty { parts += ["For example:", SignatureMarkdown.code(command.examples)] }
      }
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static func options(_ options: [any OptionDeclaration]) -> String {
    MarkdownTable.text(["option", ""], options.map { ["`\($0.usage)`", $0.text] })
  }
}
