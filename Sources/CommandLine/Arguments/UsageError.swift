import Diagnostics

/// Mistakes on the command line.
struct UsageError: Error {
  let diagnostics: [Diagnostic]

  init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  init(_ diagnostic: Diagnostic) { diagnostics = [diagnostic] }

  static let exitStatus: Int32 = 64
}

/// The texts of all mistakes that the parser finds, alphabetically.
extension Diagnostic {
  static func commandMissing() -> Diagnostic {
    Diagnostic("a command is missing", at: nil, helps: ["`mergekit help` lists them"])
  }

  static func operandMissing(_ operand: Operand, of command: Command) -> Diagnostic {
    Diagnostic("`\(command.name)` needs \(operand.name)", at: nil, helps: ["write `\(command.usage)`"])
  }

  static func operandUnexpected(_ text: String, of command: Command) -> Diagnostic {
    let message =
      command.operands.isEmpty
      ? "`\(command.name)` takes no argument, but got `\(text)`" : "`\(command.name)` has no use for `\(text)`"
    return Diagnostic(message, at: nil, helps: ["write `\(command.usage)`"])
  }

  static func optionRepeated(_ option: any OptionDeclaration) -> Diagnostic {
    Diagnostic("`\(option.flag)` is given twice", at: nil, helps: ["give it once"])
  }

  static func optionTakesNoValue(_ option: any OptionDeclaration, _ value: String) -> Diagnostic {
    Diagnostic("`\(option.flag)` takes no value, but got `\(value)`", at: nil, helps: ["write `\(option.flag)`"])
  }

  static func optionUnknown(_ text: String, of command: Command?, among options: [any OptionDeclaration]) -> Diagnostic
  {
    let name = String(text.drop { $0 == "-" })
    let nearest = NearestName.of(name, among: options.map(\.name))
    let owner = command?.name ?? "mergekit"
    return Diagnostic(
      "`\(owner)` has no option `\(text)`", at: nil,
      helps: [
        nearest.map { "did you mean `--\($0)`?" }
          ?? "`mergekit help\(command.map { " " + $0.name } ?? "")` lists its options"
      ])
  }

  static func optionValueMissing(_ option: any OptionDeclaration) -> Diagnostic {
    Diagnostic("`\(option.flag)` needs a value", at: nil, helps: ["write `\(option.flag) \(option.valueName ?? "")`"])
  }

  static func optionValueUnfit(_ option: any OptionDeclaration, _ value: String, wanted: String) -> Diagnostic {
    Diagnostic("`\(option.flag)` wants \(wanted), but got `\(value)`", at: nil)
  }

  static func settingRepeated(_ setting: Arguments.Setting) -> Diagnostic {
    Diagnostic("`\(setting.parameter)` is set twice", at: nil, helps: ["set it once"])
  }

  static func shellUnknown(_ name: String) -> Diagnostic {
    Diagnostic(
      "there is no completion for the shell `\(name)`", at: nil,
      helps: ["there is one for \(Shell.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))"])
  }

  static func unknownCommand(_ name: String, among commands: [Command]) -> Diagnostic {
    let nearest = NearestName.of(name, among: commands.map(\.name))
    let help =
      nearest.map { "did you mean `\($0)`?" }
      ?? (name.hasSuffix(".rcp") ? "to run a recipe, write `mergekit apply \(name)`" : "`mergekit help` lists them")
    return Diagnostic("mergekit has no command `\(name)`", at: nil, helps: [help])
  }
}
