import Registry

extension Command {
  static let completions = Command(
    "completions", .reference, "Print a script that completes mergekit's command lines in a shell.",
    discussion: """
      - bash: `source <(mergekit completions bash)`
      - zsh: `mergekit completions zsh > ~/.zfunc/_mergekit`, with `~/.zfunc` in `fpath`
      - fish: `mergekit completions fish > ~/.config/fish/completions/mergekit.fish`

      The scripts ask for what only the program knows: `mergekit completions results` prints the names of results, those given with \
      `ref` first, then those in the last recipes that were applied; `steps RECIPE` what a recipe calls its steps, and `parameters RECIPE` \
      the options that set its parameters.
      """,
    operands: [
      Operand("SHELL", .one, .choices(Shell.allCases.map(\.rawValue)), "bash, zsh or fish."),
      Operand("RECIPE", .optional, .recipes, "Where the scripts ask for what is in one."),
    ]
  ) { invocation in
    let operands = invocation.arguments.operands
    switch (operands[0], operands.count) {
    case ("results", 1): return try invocation.printResultNames()
    case ("steps", 2): return try invocation.printStepNames(operands[1])
    case ("parameters", 2): return try invocation.printParameters(operands[1])
    default: break
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
  fileprivate func printResultNames() throws -> Int32 {
    guard let registry = try openRegistry(.readOnly) else { return 0 }
    return print(names: try registry.refs().map(\.name) + registry.applies(limit: 10).flatMap(\.steps).map(\.label))
  }

  fileprivate func printStepNames(_ operand: String) throws -> Int32 {
    let (_, recipe) = try readRecipe(operand)
    return print(names: recipe.elaborated(catalog, isChecked: true, reading: readLibrary).graph.origins.map(\.label))
  }

  fileprivate func printParameters(_ operand: String) throws -> Int32 {
    let (_, recipe) = try readRecipe(operand)
    let parameters = recipe.elaborated(catalog, isChecked: true, reading: readLibrary).parameters
    return print(names: parameters.map { "--" + $0.name.replacing("_", with: "-") })
  }

  /// One name on each line, each once; those alone in which no shell sees anything but a word.
  private func print(names: [String]) -> Int32 {
    var seen: Set<String> = []
    for name in names
    where seen.count < 1000 && name.wholeMatch(of: /[A-Za-z0-9_.@\-\[\]]+/) != nil && seen.insert(name).inserted {
      print(name)
    }
    return 0
  }
}

/// A shell that completes.
enum Shell: String, CaseIterable {
  case bash, zsh, fish
}
