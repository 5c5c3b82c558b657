import Registry

extension Command {
  static let completions = Command(
    "completions", .reference, "Print a script that completes mergekit's command lines in a shell.",
    discussion: """
      - bash: `source <(mergekit completions bash)`
      - zsh: `mergekit completions zsh > ~/.zfunc/_mergekit`, with `~/.zfunc` in `fpath`
      - fish: `mergekit completions fish > ~/.config/fish/completions/mergekit.fish`

      `mergekit completions results` prints what the scripts ask for: the names of results, those given with `ref` first, then those \
      in the last recipes that were applied.
      """,
    operands: [
      Operand("SHELL", .one, .choices(Shell.allCases.map(\.rawValue) + ["results"]), "bash, zsh or fish; or results.")
    ]
  ) { invocation in
    if invocation.arguments.operand == "results" {
      try invocation.printResultNames()
      return 0
    }
    guard let shell = Shell(rawValue: invocation.arguments.operand) else {
      throw UsageError(.shellUnknown(invocation.arguments.operand))
    }
    let operations = invocation.catalog.entries.map(\.signature.name) + invocation.catalog.formats.map(\.signature.name)
    let script = CompletionScript(commands: Command.all, operations: operations)
    invocation.program.output.write(script.text(for: shell))
    return 0
  }
}

extension Invocation {
  /// One name on each line; those alone in which no shell sees anything but a word.
  fileprivate func printResultNames() throws {
    guard let registry = try openRegistry(.readOnly) else { return }
    let labels = try registry.applies(limit: 10).flatMap(\.steps).map(\.label)
    var seen: Set<String> = []
    for name in try registry.refs().map(\.name) + labels
    where seen.count < 1000 && name.wholeMatch(of: /[A-Za-z0-9_.@\-\[\]]+/) != nil && seen.insert(name).inserted {
      print(name)
    }
  }
}

/// A shell that completes.
enum Shell: String, CaseIterable {
  case bash, zsh, fish
}
