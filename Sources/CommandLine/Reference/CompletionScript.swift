/// Scripts that complete command lines, made from the commands' declarations.
struct CompletionScript {
  let commands: [Command]
  /// Names of operations and export formats.
  let operations: [String]

  func text(for shell: Shell) -> String {
    let lines =
      switch shell {
      case .bash: bash
      case .zsh: zsh
      case .fish: fish
      }
    return lines.joined(separator: "\n") + "\n"
  }

  private func words(_ completion: Completion) -> [String] {
    switch completion {
    case .choices(let names): names
    case .commands: commands.map(\.name)
    case .operations: operations
    case .topics: commands.map(\.name) + operations
    case .nothing, .recipes, .files, .folders, .results, .steps: []
    }
  }

  private func options(_ command: Command?) -> [any OptionDeclaration] { (command?.options ?? []) + Options.everywhere }

  private func names(_ options: [any OptionDeclaration]) -> String {
    options.flatMap { [$0.flag] + ($0.short.map { ["-\($0)"] } ?? []) }.joined(separator: " ")
  }

  // MARK: bash

  private var bash: [String] {
    let all = options(nil) + commands.flatMap(\.options)
    var seen: Set<String> = []
    let valued = all.filter { $0.valueName != nil && !$0.isValueOptional && seen.insert($0.name).inserted }
    func names(_ option: any OptionDeclaration) -> String {
      ([option.flag] + (option.short.map { ["-\($0)"] } ?? [])).joined(separator: "|")
    }
    let values = valued.map { "    \(names($0))) \(bashReply($0.completion)); return ;;" }
    let flags = commands.map { command in
      let parameters = command.takesSettings ? " $(mergekit completions parameters \"$recipe\" 2>/dev/null)" : ""
      return "      \(command.name)) words=\"\(self.names(options(command)))\(parameters)\" ;;"
    }
    let operands = commands.flatMap { command in
      command.operands.enumerated().map { place, operand in
        let isLast = operand.arity == .any || operand.arity == .some
        return "    \"\(command.name) \"\(isLast ? "*" : "\(place)")) \(bashReply(operand.completion)) ;;"
      }
    }
    return [
      "_mergekit() {",
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"",
      "  local command=\"\" recipe=\"\" isValue=\"\" operand=0 word words",
      "  COMPREPLY=()",
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do",
      "    if [[ -n \"$isValue\" ]]; then isValue=\"\"; continue; fi",
      "    case \"$word\" in",
      "      \(valued.map(names).joined(separator: "|"))) isValue=1 ;;",
      "      -*) ;;",
      "      *) if [[ -z \"$command\" ]]; then command=\"$word\"; else operand=$((operand + 1)); fi ;;",
      "    esac",
      "    if [[ \"$word\" == *.rcp ]]; then recipe=\"$word\"; fi",
      "  done",
      "  case \"$previous\" in",
    ] + values + [
      "  esac",
      "  if [[ \"$current\" == -* ]]; then",
      "    case \"$command\" in",
    ] + flags + [
      "      *) words=\"\(self.names(options(nil)))\" ;;",
      "    esac",
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))",
      "    return",
      "  fi",
      "  case \"$command $operand\" in",
    ] + operands + [
      "    \" 0\") \(bashReply(.commands)) ;;",
      "  esac",
      "}",
      "complete -o filenames -F _mergekit mergekit",
    ]
  }

  private func bashReply(_ completion: Completion) -> String {
    switch completion {
    case .nothing: ":"
    case .files: "COMPREPLY=($(compgen -f -- \"$current\"))"
    case .folders: "COMPREPLY=($(compgen -d -- \"$current\"))"
    case .recipes: "COMPREPLY=($(compgen -f -X '!*.rcp' -- \"$current\") $(compgen -d -- \"$current\"))"
    case .results:
      "COMPREPLY=($(compgen -W \"$(mergekit completions results 2>/dev/null)\" -- \"$current\") $(compgen -f -- \"$current\"))"
    case .steps:
      "COMPREPLY=($(compgen -W \"$(mergekit completions steps \"$recipe\" 2>/dev/null)\" -- \"$current\"))"
    case .choices, .commands, .operations, .topics:
      "COMPREPLY=($(compgen -W \"\(words(completion).joined(separator: " "))\" -- \"$current\"))"
    }
  }

  // MARK: zsh

  private var zsh: [String] {
    let list = commands.map { "    \(quoted("\($0.name):\($0.summary)"))" }
    let cases = commands.flatMap { command -> [String] in
      let operands = command.operands.map { operand in
        let several = operand.arity == .any || operand.arity == .some
        return quoted("\(several ? "*" : ""):\(operand.name.lowercased()):\(zshAction(operand.completion))")
      }
      let parameters = command.takesSettings ? ["$parameters"] : []
      let all = parameters + options(command).flatMap(zshOption) + operands
      return ["        \(command.name)) _arguments \\"] + all.map { "          \($0) \\" } + ["          ;;"]
    }
    return ["#compdef mergekit", "_mergekit() {", "  local -a commands", "  commands=("] + list + [
      "  )",
      "  local state line",
      "  local -a recipe=(${(M)words:#*.rcp}) parameters",
      "  parameters=(${(f)\"$(mergekit completions parameters $recipe[1] 2>/dev/null)\"})",
      "  parameters=(${parameters/%/'=:value: '})",
      "  _arguments -C \\",
    ] + options(nil).flatMap(zshOption).map { "    \($0) \\" } + [
      "    '1:command:->command' '*::argument:->argument'",
      "  case $state in",
      "    command) _describe command commands ;;",
      "    argument)",
      "      case $line[1] in",
    ] + cases + [
      "      esac ;;",
      "  esac",
      "}",
      "_mergekit \"$@\"",
    ]
  }

  private func zshOption(_ option: any OptionDeclaration) -> [String] {
    let text = "[" + option.text.replacing("[", with: "(").replacing("]", with: ")").replacing(":", with: "\\:") + "]"
    let isValued = option.valueName != nil
    let value = isValued ? ":\((option.valueName ?? "").lowercased()):\(zshAction(option.completion))" : ""
    let star = option.isRepeatable ? "*" : ""
    let long = quoted("\(star)\(option.flag)\(isValued ? "=" : "")\(text)\(option.isValueOptional ? ":" : "")\(value)")
    return [long] + (option.short.map { [quoted("\(star)-\($0)\(isValued ? "+" : "")\(text)\(value)")] } ?? [])
  }

  private func zshAction(_ completion: Completion) -> String {
    switch completion {
    case .nothing: " "
    case .files: "_files"
    case .folders: "_files -/"
    case .recipes: "_files -g \"*.rcp\""
    case .results: "{ compadd -- ${(f)\"$(mergekit completions results 2>/dev/null)\"}; _files }"
    case .steps: "{ compadd -- ${(f)\"$(mergekit completions steps $recipe[1] 2>/dev/null)\"} }"
    case .choices, .commands, .operations, .topics: "(\(words(completion).joined(separator: " ")))"
    }
  }

  // MARK: fish

  private var fish: [String] {
    let names = commands.map(\.name).joined(separator: " ")
    var lines = ["complete -c mergekit -f"]
    for command in commands {
      lines.append(
        "complete -c mergekit -n 'not __fish_seen_subcommand_from \(names)' -a \(command.name) -d \(quoted(command.summary))"
      )
    }
    lines += Options.everywhere.map { "complete -c mergekit" + fishOption($0) }
    for command in commands {
      let start = "complete -c mergekit -n '__fish_seen_subcommand_from \(command.name)'"
      lines += command.options.map { start + fishOption($0) }
      lines += command.operands.filter { $0.completion != .nothing }.map { start + fishAction($0.completion) }
      if command.takesSettings { lines.append(start + " -a '(mergekit completions parameters \(Self.fishRecipe))'") }
    }
    return lines
  }

  /// The recipe on the line that is completed.
  private static let fishRecipe = "(commandline -opc | string match \"*.rcp\")[1] 2>/dev/null"

  private func fishOption(_ option: any OptionDeclaration) -> String {
    let short = option.short.map { " -s \($0)" } ?? ""
    let argument = [.files, .results].contains(option.completion) ? " -r" : " -x"
    let value = option.valueName == nil || option.isValueOptional ? "" : argument + fishAction(option.completion)
    return " -l \(option.name)\(short)\(value) -d \(quoted(option.text))"
  }

  private func fishAction(_ completion: Completion) -> String {
    switch completion {
    case .nothing: ""
    case .files: " -F"
    case .folders: " -a '(__fish_complete_directories)'"
    case .recipes: " -a '(__fish_complete_suffix .rcp)'"
    case .results: " -F -a '(mergekit completions results 2>/dev/null)'"
    case .steps: " -a '(mergekit completions steps \(Self.fishRecipe))'"
    case .choices, .commands, .operations, .topics: " -a \(quoted(words(completion).joined(separator: " ")))"
    }
  }

  private func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}
