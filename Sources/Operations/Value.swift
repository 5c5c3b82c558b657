/// A setting, in the one form that is checked, hashed, stored and handed to operations.
///
/// Units are gone by then: a fraction is 0.2, a size is in bytes, a duration in seconds.
public indirect enum Value: Sendable, Hashable {
  case none
  case flag(Bool)
  case number(Double)
  case text(String)
  /// One of a slot's choices, without its dot.
  case choice(String)
  case list([Value])
  /// Piecewise linear over depth, from the first layer to the last.
  case gradient([Value])
  /// By the tensor's name; the first arm that fits wins, and a last arm `*` is always there.
  case matchTensor([TensorArm])
  /// By the layer's number; the last arm has no range and fits whatever no other did.
  case matchLayer([LayerArm])

  public struct TensorArm: Sendable, Hashable {
    public let pattern: Pattern
    public let value: Value

    public init(_ pattern: Pattern, _ value: Value) {
      self.pattern = pattern
      self.value = value
    }
  }

  public struct LayerArm: Sendable, Hashable {
    public let layers: Range<Int>?
    public let value: Value

    public init(_ layers: Range<Int>?, _ value: Value) {
      self.layers = layers
      self.value = value
    }
  }
}

extension Value {
  /// The shortest text that means this value again; what plans print and keys are made of.
  public var canonical: String {
    switch self {
    case .none: "none"
    case .flag(let flag): flag ? "true" : "false"
    case .number(let number): Value.canonical(number)
    case .text(let text): Value.quoted(text)
    case .choice(let name): "." + name
    case .list(let values): "[" + values.map(\.canonical).joined(separator: ", ") + "]"
    case .gradient(let values): "gradient([" + values.map(\.canonical).joined(separator: ", ") + "])"
    case .matchTensor(let arms):
      "match tensor { "
        + arms.map { "\(Value.quoted($0.pattern.text)) => \($0.value.canonical)" }.joined(separator: ", ")
        + " }"
    case .matchLayer(let arms):
      "match layer { "
        + arms.map { arm in
          let range = arm.layers.map { "\($0.lowerBound)..<\($0.upperBound)" } ?? "_"
          return "\(range) => \(arm.value.canonical)"
        }.joined(separator: ", ") + " }"
    }
  }

  /// Whole numbers without a point, all others as the shortest text that reads back the same.
  private static func canonical(_ number: Double) -> String {
    if number == number.rounded(), abs(number) < 9_007_199_254_740_992 {
      return number == 0 ? "0" : String(Int(number))
    }
    return "\(number)"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\", "{": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default: result += scalar.value < 32 ? "\\u\(scalar.value);" : String(scalar)
      }
    }
    return result + "\""
  }

  /// The plain values in it: a list's elements, a gradient's points, what the arms give.
  public var leaves: [Value] {
    switch self {
    case .list(let values), .gradient(let values): values.flatMap(\.leaves)
    case .matchTensor(let arms): arms.flatMap(\.value.leaves)
    case .matchLayer(let arms): arms.flatMap(\.value.leaves)
    default: [self]
    }
  }

  /// The patterns of all the `match tensor` in it.
  public var patterns: [Pattern] {
    switch self {
    case .list(let values), .gradient(let values): values.flatMap(\.patterns)
    case .matchTensor(let arms): arms.flatMap { [$0.pattern] + $0.value.patterns }
    case .matchLayer(let arms): arms.flatMap(\.value.patterns)
    default: []
    }
  }
}
