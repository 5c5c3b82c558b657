/// A text of a YAML file and what YAML's core schema (1.2.2, section 10.3) takes it for.
public struct YAMLScalar: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case null
    case flag(Bool)
    case number(Double)
    case text
  }

  public let text: String
  /// Whether it stands without quotes; all others are texts whatever they hold.
  public let isPlain: Bool

  public init(_ text: String, isPlain: Bool) {
    self.text = text
    self.isPlain = isPlain
  }

  public var value: Value {
    guard isPlain else { return .text }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .flag(true)
    case "false", "False", "FALSE": return .flag(false)
    default: return number.map(Value.number) ?? .text
    }
  }

  /// The flag that YAML 1.1 takes it for and YAML 1.2 does not: `yes`, `no`, `on`, `off`.
  ///
  /// Python's `yaml`, which arcee's mergekit reads its files with, follows 1.1.
  public var flagOfYAML11: Bool? {
    guard isPlain else { return nil }
    switch text {
    case "yes", "Yes", "YES", "on", "On", "ON": return true
    case "no", "No", "NO", "off", "Off", "OFF": return false
    default: return nil
    }
  }

  /// Whether the two versions of YAML read different numbers: `010` is 8 in 1.1 and 10 in 1.2.
  public var isAmbiguousNumber: Bool {
    guard isPlain else { return false }
    let digits = text.drop { $0 == "+" || $0 == "-" }
    return digits.count > 1 && digits.first == "0" && digits.allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// The number that the text spells, with or without quotes; nil for anything else, `.inf` and `.nan` among it.
  public var spelledNumber: Double? { number }

  private var number: Double? {
    let digits = text.drop { $0 == "+" || $0 == "-" }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
      return Int(text.dropFirst(2), radix: radix).map(Double.init)
    }
    // What Swift reads beside decimal numbers (`inf`, `nan`, hexadecimal) is no number here.
    let isDecimal = digits.allSatisfy { $0.isASCII && ($0.isNumber || ".eE+-".contains($0)) }
    guard isDecimal, text.count - digits.count <= 1, let first = digits.first, first.isNumber || first == "." else {
      return nil
    }
    // `1.` and `.5` are numbers of YAML's, and a lone point is not.
    guard digits.contains(where: \.isNumber), let number = Double(text), number.isFinite else { return nil }
    return number
  }

  /// What it is, with its article, as messages say it.
  var kind: String {
    switch value {
    case .null: "nothing"
    case .flag: "a flag"
    case .number: "a number"
    case .text: "a text"
    }
  }
}
