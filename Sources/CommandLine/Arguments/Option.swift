import Foundation

/// What an option says of itself: parsing, help, errors and completions all read this.
protocol OptionDeclaration: Sendable {
  /// Without dashes: `jobs`.
  var name: String { get }
  var short: Character? { get }
  /// What help calls its value, such as `N`; none for a flag.
  var valueName: String? { get }
  /// Whether the value may be left out: `--tensors` or `--tensors=PATTERN`.
  var isValueOptional: Bool { get }
  var isRepeatable: Bool { get }
  /// One sentence.
  var text: String { get }
  var completion: Completion { get }
  /// What is wanted, where a value is not that; nil where it is.
  func complaint(about value: String) -> String?
}

extension OptionDeclaration {
  /// As errors name it: `--jobs`.
  var flag: String { "--" + name }
}

/// What a shell offers for a value.
enum Completion: Sendable, Hashable {
  case nothing
  case choices([String])
  case recipes
  case files
  /// Names of results, and files.
  case results
  /// What the recipe that the command line names calls its steps.
  case steps
  case folders
  case commands
  case operations
  /// All that `mergekit help` explains.
  case topics
}

/// An option with a value.
struct Option<Value: Sendable>: OptionDeclaration {
  let name: String
  let short: Character?
  let valueName: String?
  let isValueOptional: Bool
  let isRepeatable: Bool
  let text: String
  let reader: ValueReader<Value>

  init(
    _ name: String, short: Character? = nil, _ valueName: String, _ reader: ValueReader<Value>,
    isValueOptional: Bool = false,
    isRepeatable: Bool = false, _ text: String
  ) {
    self.name = name
    self.short = short
    self.valueName = valueName
    self.reader = reader
    self.isValueOptional = isValueOptional
    self.isRepeatable = isRepeatable
    self.text = text
  }

  var completion: Completion { reader.completion }

  func complaint(about value: String) -> String? { reader.read(value) == nil ? reader.expectation : nil }
}

/// An option that is there or not.
struct Flag: OptionDeclaration {
  let name: String
  let short: Character?
  let text: String

  init(_ name: String, short: Character? = nil, _ text: String) {
    self.name = name
    self.short = short
    self.text = text
  }

  var valueName: String? { nil }
  var isValueOptional: Bool { false }
  var isRepeatable: Bool { false }
  var completion: Completion { .nothing }
  func complaint(about value: String) -> String? { nil }
}

/// How the text of an option's value becomes a value.
struct ValueReader<Value: Sendable>: Sendable {
  /// What is wanted, as errors say it: `a whole number from 1`.
  let expectation: String
  let completion: Completion
  let read: @Sendable (String) -> Value?
}

extension ValueReader where Value == String {
  static let text = ValueReader(expectation: "a text", completion: .nothing) { $0 }
  static let folder = ValueReader(expectation: "a folder", completion: .folders) { $0.isEmpty ? nil : $0 }
  static let file = ValueReader(expectation: "a file's path", completion: .files) { $0.isEmpty ? nil : $0 }
  static let step = ValueReader(expectation: "a step's name", completion: .steps) { $0.isEmpty ? nil : $0 }
  static let operation = ValueReader(expectation: "an operation", completion: .operations) { $0.isEmpty ? nil : $0 }
  static let result = ValueReader(expectation: "a result", completion: .results) { $0.isEmpty ? nil : $0 }
  static let recipe = ValueReader(expectation: "a recipe's path", completion: .recipes) { $0.isEmpty ? nil : $0 }

  /// `samples=2048`: a name and, behind the first `=`, anything.
  static let assignment = ValueReader(expectation: "NAME=VALUE", completion: .nothing) { text in
    text.dropFirst().contains("=") && !text.hasPrefix("=") ? text : nil
  }

  static func choice(of names: [String]) -> ValueReader {
    let list = names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    return ValueReader(expectation: list, completion: .choices(names)) { names.contains($0) ? $0 : nil }
  }
}

extension ValueReader where Value == Int {
  static let wholeFromOne = ValueReader(expectation: "a whole number from 1", completion: .nothing) { text in
    Int(text).flatMap { $0 >= 1 ? $0 : nil }
  }

  static let wholeFromZero = ValueReader(expectation: "a whole number from 0", completion: .nothing) { text in
    Int(text).flatMap { $0 >= 0 ? $0 : nil }
  }

  /// A size with its unit, as recipes write one, with or without the blank: `2GiB`, `512 MiB`.
  static let bytes = ValueReader(
    expectation: "a size with its unit, such as `2GiB`", completion: .choices(["1GiB", "2GiB", "4GiB", "8GiB"])
  ) { text in
    let units = ["TiB": 40, "GiB": 30, "MiB": 20, "KiB": 10, "B": 0]
    let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let amount = Double(digits), let exponent = units[String(unit)] else { return nil }
    let bytes = amount * Double(1 << exponent)
    return bytes >= 1 && bytes < 9e18 ? Int(bytes) : nil
  }
}

extension ValueReader where Value == Double {
  /// Seconds, written with a unit: `90s`, `30min`, `12h`, `14d`.
  static let duration = ValueReader(
    expectation: "a time with its unit, such as `12h` or `14d`", completion: .choices(["12h", "1d", "14d"])
  ) { text in
    let units = ["s": 1.0, "min": 60, "h": 3600, "d": 86400]
    let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    guard let amount = Double(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
    return amount * unit < 1e11 ? amount * unit : nil
  }

  /// `5%`, from more than nothing to all.
  static let share = ValueReader(expectation: "a share such as `5%`", completion: .choices(["5%", "20%"])) { text in
    guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100 else { return nil }
    return percent / 100
  }
}

extension ValueReader where Value == Date {
  /// A day of the local calendar, with or without minutes, or a time before now.
  static let time = ValueReader(
    expectation: "a date such as `2026-11-23` or `2026-11-23T14:02`, or a time ago such as `12h`", completion: .nothing
  ) { text in
    if let seconds = ValueReader<Double>.duration.read(text) { return Date(timeIntervalSinceNow: -seconds) }
    let numbers = text.split { "-T:".contains($0) }.map { Int($0) }
    let isShaped = text.wholeMatch(of: /\d{4}-\d\d-\d\d(T\d\d:\d\d)?/) != nil
    guard isShaped, numbers.count == 3 || numbers.count == 5 else { return nil }
    let (hour, minute) = numbers.count == 5 ? (numbers[3], numbers[4]) : (0, 0)
    let parts = DateComponents(year: numbers[0], month: numbers[1], day: numbers[2], hour: hour, minute: minute)
    let calendar = Calendar(identifier: .gregorian)
    return parts.isValidDate(in: calendar) ? calendar.date(from: parts) : nil
  }
}
