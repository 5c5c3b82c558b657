import Tensors

/// The parameters of a network by the names that its architecture gives them.
///
/// A dry one makes every parameter as it is asked for: after a dry pass it knows all names and shapes, which is how an
/// architecture tells them without a list of its own.
public final class Weights {
  /// In the order in which they came.
  public private(set) var all: [Parameter] = []
  private var byName: [String: Parameter] = [:]
  private let isDry: Bool
  /// The names of those that are kept as (in, out), as far as they were used.
  private(set) var transposed: Set<String> = []
  /// The names of statistics, which are never trained, as far as they were used.
  private(set) var fixed: Set<String> = []
  /// The paths of embeddings, as far as they were used.
  private(set) var embeddings: [String] = []
  /// Whose weight a linear layer has that has none of its own, by the name that it would have, as far as they were used.
  private(set) var tied: [String: String] = [:]
  /// Where each is used, as far as they were; only a dry one looks.
  private(set) var uses: [String: Set<BlockPlace>] = [:]
  /// What adapters make of linear layers, by the path of the module.
  public var changes: [String: any LayerChange] = [:]
  /// What adapters make of embeddings, by the path of the module.
  public var lookups: [String: any LookupChange] = [:]
  /// What modules have in the place of the weight that a pass asks for, by their paths.
  public var substitutes: [String: (Pass, Variable) -> Variable] = [:]

  public init() { isDry = false }

  init(isDry: Bool) { self.isDry = isDry }

  public subscript(name: String) -> Parameter? { byName[name] }

  /// Adds a parameter under the name that a pass asks for, which may be another than the parameter's own.
  public func add(_ parameter: Parameter, as name: String) {
    precondition(byName[name] == nil, "`\(name)` is there already")
    byName[name] = parameter
    all.append(parameter)
  }

  /// Puts another parameter where one is that the checkpoint calls by a name.
  /// - Returns: Whether there was one of its shape.
  public func replace(_ name: String, by parameter: Parameter) -> Bool {
    guard let index = all.firstIndex(where: { $0.name == name }), all[index].shape == parameter.shape else {
      return false
    }
    for (own, old) in byName where old === all[index] { byName[own] = parameter }
    all[index] = parameter
    return true
  }

  /// Says that a parameter is a statistic, which is never trained.
  func noteFixed(_ name: String) { fixed.insert(name) }

  func noteUse(of name: String, at place: BlockPlace) { if isDry { uses[name, default: []].insert(place) } }

  func noteTransposed(_ name: String) { transposed.insert(name) }

  func noteEmbedding(_ path: String) { if !embeddings.contains(path) { embeddings.append(path) } }

  func noteTied(_ name: String, to other: String) { tied[name] = other }

  func parameter(_ name: String, _ shape: Shape) -> Parameter {
    if let found = byName[name] {
      precondition(found.shape == shape, "`\(name)` is \(found.shape) and was used as \(shape)")
      return found
    }
    precondition(isDry, "`\(name)` was used and never loaded")
    let parameter = Parameter(name, shape: shape, block: Memory(isDry: true).block(shape.count))
    add(parameter, as: name)
    return parameter
  }
}

/// What an adapter makes of a linear layer while a network runs.
public protocol LayerChange {
  /// - Parameter layer: The layer as it was; it may be given another input, or left out.
  func output(_ pass: Pass, _ x: Variable, layer: (Variable) -> Variable) -> Variable
}

/// What an adapter makes of an embedding while a network runs.
public protocol LookupChange {
  /// - Parameters:
  ///   - rows: What the embedding gives, (examples, places, width).
  ///   - lookup: Rows of another table of as many, by the same numbers.
  func output(_ pass: Pass, _ rows: Variable, lookup: (Variable) -> Variable) -> Variable
}
