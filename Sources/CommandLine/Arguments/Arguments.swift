/// A command line, read: which command it is, and what it is told.
struct Arguments: Sendable {
  /// A parameter of the recipe that was set: with `--samples 2048`, or with `--set samples=2048`.
  struct Setting: Sendable, Hashable {
    /// As it was written, dashes and all: `rte-share`.
    let name: String
    let value: String
    /// What errors call it: `--rte-share`, `--set rte-share`.
    let flag: String

    /// The parameter's name as recipes write it: `rte_share`.
    var parameter: String { name.replacing("-", with: "_") }
  }

  let command: Command
  var operands: [String] = []
  var settings: [Setting] = []
  /// The values of each option that is there, by name; a flag has an empty one.
  var values: [String: [String]] = [:]

  subscript<Value>(option: Option<Value>) -> Value? { all(option).last }

  func all<Value>(_ option: Option<Value>) -> [Value] {
    values[option.name, default: []].compactMap(option.reader.read)
  }

  func has(_ option: some OptionDeclaration) -> Bool { values[option.name] != nil }

  /// The operand of a command that needs just one.
  var operand: String {
    guard let first = operands.first else { preconditionFailure("`\(command.name)` ran without its operand") }
    return first
  }
}
