import Diagnostics

/// Reads a command line. Options may stand anywhere; `--` ends them.
struct ArgumentParser {
  private let commands: [Command]
  private var rest: ArraySlice<String>
  private var command: Command?
  private var operands: [String] = []
  private var settings: [Arguments.Setting] = []
  private var values: [String: [String]] = [:]
  private var mistakes: [Diagnostic] = []

  init(_ arguments: [String], commands: [Command]) {
    self.commands = commands
    rest = arguments[...]
  }

  /// - Throws: `UsageError` with every mistake there is.
  static func parse(_ arguments: [String], commands: [Command]) throws -> Arguments {
    var parser = ArgumentParser(arguments, commands: commands)
    return try parser.parse()
  }

  private mutating func parse() throws -> Arguments {
    var hasEnded = false
    while let argument = rest.popFirst() {
      if hasEnded || argument == "-" || !argument.hasPrefix("-") {
        try take(operand: argument)
      } else if argument == "--" {
        hasEnded = true
      } else if argument.hasPrefix("--") {
        readLong(argument)
      } else {
        readShort(argument)
      }
    }
    if let asked = askedForHelp { return asked }
    guard let command else { throw UsageError(mistakes.isEmpty ? [.commandMissing()] : mistakes) }
    checkOptions(of: command)
    checkOperands(of: command)
    guard mistakes.isEmpty else { throw UsageError(mistakes) }
    return Arguments(command: command, operands: operands, settings: settings, values: values)
  }

  /// `--help` and `--version` mean the commands of these names.
  private var askedForHelp: Arguments? {
    for (flag, operands) in [(Options.help, command.map { [$0.name] } ?? []), (Options.version, [])] {
      guard values[flag.name] != nil, let command = commands.first(where: { $0.name == flag.name }) else { continue }
      return Arguments(command: command, operands: operands, values: values)
    }
    return nil
  }

  // MARK: Operands

  private mutating func take(operand: String) throws {
    guard command == nil else {
      operands.append(operand)
      return
    }
    command = commands.first { $0.name == operand }
    if command == nil { throw UsageError(mistakes + [.unknownCommand(operand, among: commands)]) }
  }

  private mutating func checkOperands(of command: Command) {
    var left = operands.count
    for operand in command.operands {
      switch operand.arity {
      case .one where left == 0, .some where left == 0: mistakes.append(.operandMissing(operand, of: command))
      case .one, .optional: left = max(0, left - 1)
      case .any, .some: left = 0
      }
    }
    if left > 0 { mistakes.append(.operandUnexpected(operands[operands.count - left], of: command)) }
  }

  // MARK: Options

  /// The options that may stand here; before the command is known, those of every command.
  private var known: [any OptionDeclaration] {
    Options.everywhere + (command.map(\.options) ?? commands.flatMap(\.options))
  }

  private mutating func checkOptions(of command: Command) {
    for name in values.keys.sorted() where !known.contains(where: { $0.name == name }) {
      mistakes.append(.optionUnknown("--" + name, of: command, among: known))
    }
    for assignment in values[Options.set.name, default: []] {
      let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      settings.append(.init(name: parts[0], value: parts[1], flag: "--set " + parts[0]))
    }
    var seen: Set<String> = []
    for setting in settings where !seen.insert(setting.parameter).inserted {
      mistakes.append(.settingRepeated(setting))
    }
  }

  private mutating func readLong(_ argument: String) {
    let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
      String.init)
    let (name, value) = (parts[0], parts.count > 1 ? parts[1] : nil)
    if let option = known.first(where: { $0.name == name }) {
      read(option, value: value)
    } else if command?.takesSettings == true, !name.isEmpty {
      // A switch needs no value; what its value may be, only the recipe knows.
      let given = value ?? (rest.first.map(ArgumentParser.isValue) == true ? rest.removeFirst() : "true")
      settings.append(.init(name: name, value: given, flag: "--" + name))
    } else {
      mistakes.append(.optionUnknown("--" + name, of: command, among: known))
    }
  }

  private mutating func readShort(_ argument: String) {
    let name = argument[argument.index(after: argument.startIndex)]
    guard let option = known.first(where: { $0.short == name }) else {
      mistakes.append(.optionUnknown("-\(name)", of: command, among: known))
      return
    }
    let attached = String(argument.dropFirst(2))
    read(option, value: attached.isEmpty ? nil : attached)
  }

  private mutating func read(_ option: any OptionDeclaration, value: String?) {
    var text = value
    if option.valueName == nil {
      if let value { return mistakes.append(.optionTakesNoValue(option, value)) }
      text = ""
    } else if text == nil, option.isValueOptional {
      text = ""
    } else if text == nil, rest.first.map(ArgumentParser.isValue) == true {
      text = rest.removeFirst()
    }
    guard let text else { return mistakes.append(.optionValueMissing(option)) }
    if option.valueName != nil, !(option.isValueOptional && text.isEmpty), let wanted = option.complaint(about: text) {
      return mistakes.append(.optionValueUnfit(option, text, wanted: wanted))
    }
    if option.valueName != nil, !option.isRepeatable, values[option.name] != nil {
      return mistakes.append(.optionRepeated(option))
    }
    values[option.name, default: []].append(text)
  }

  /// Whether an argument can be a value: a negative number is one, another option is not.
  private static func isValue(_ argument: String) -> Bool {
    guard argument.hasPrefix("-"), let second = argument.dropFirst().first else { return true }
    return second.isNumber || second == "."
  }
}
