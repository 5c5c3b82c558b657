extension Command {
  static let completions = Command(
    "completions", .reference, "Print a script that completes mergekit's command lines in a shell.",
    discussion: """
      - bash: `source <(mergekit completions bash)`
      - zsh: `mergekit completions zsh > ~/.zfunc/_mergekit`, with `~/.zfunc` in `fpath`
      - fish: `mergekit completions fish > ~/.config/fish/completions/mergekit.fish`
      """,
    operands: [Operand("SHELL", .one, .choices(Shell.allCases.map(\.rawValue)), "bash, zsh or fish.")]
  ) { invocation in
    guard let shell = Shell(rawValue: invocation.arguments.operand) else {
      throw UsageError(.shellUnknown(invocation.arguments.operand))
    }
    let operations = invocation.catalog.entries.map(\.signature.name) + invocation.catalog.formats.map(\.signature.name)
    let script = CompletionScript(commands: Command.all, operations: operations)
    invocation.program.output.write(script.text(for: shell))
    return 0
  }
}

/// A shell that completes.
enum Shell: String, CaseIterable {
  case bash, zsh, fish
}
