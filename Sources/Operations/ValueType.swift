/// What a count counts. A literal may carry the unit, and then it must be the right one.
public enum CountUnit: String, Sendable, Hashable, CaseIterable {
  case examples, tokens, steps, epochs, generations, models, layers
}

/// The types of the recipe language.
public indirect enum ValueType: Sendable, Hashable {
  case number
  case fraction
  case count(CountUnit?)
  case bytes
  case duration
  case text
  /// A text that names a file or folder; what is found there, not its name, enters the key.
  case path
  case flag
  /// One of a slot's own choices, such as `.mass`.
  case choice([String])
  /// A number or a text: what a cell of a table may hold.
  case cell
  case list(ValueType)
  case optional(ValueType)
  /// A plain value, a `gradient([…])` over depth, or a `match` on tensors or layers.
  case layered(ValueType)
  /// One value for all models, or a list with one for each.
  case perModel(ValueType)
  case artifact(ArtifactKind)
  /// A function of the recipe, given by its name.
  case function(FunctionShape)

  /// Whether it names files outside the registry.
  public var isPath: Bool {
    switch self {
    case .path: true
    case .list(let inner), .optional(let inner): inner.isPath
    default: false
    }
  }

  /// The type as a recipe or an error writes it.
  public var name: String {
    switch self {
    case .number: "number"
    case .fraction: "fraction"
    case .count: "count"
    case .bytes: "bytes"
    case .duration: "duration"
    case .text, .path: "text"
    case .flag: "flag"
    case .choice(let names): names.map { "." + $0 }.joined(separator: " or ")
    case .cell: "number or text"
    case .list(let element): "[\(element.name)]"
    case .optional(let wrapped): "\(wrapped.name)?"
    case .layered(let element): element.name
    case .perModel(let element): "\(element.name) or [\(element.name)]"
    case .artifact(let kind): kind.name
    case .function(let shape): shape.name
    }
  }
}

/// A metric that an operation reports, as `scores.accuracy` reads it.
public struct Field: Sendable, Hashable {
  public let name: String
  public let type: ValueType
  /// One sentence: what it is, in which unit, which way is better.
  public let text: String

  public init(_ name: String, _ text: String, type: ValueType = .number) {
    self.name = name
    self.type = type
    self.text = text
  }
}
