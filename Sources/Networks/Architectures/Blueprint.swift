import Diagnostics
import Formats
import Tensors

/// A network that was checked and not yet loaded: an architecture, its head, and which tensors of a checkpoint it uses.
public struct Blueprint: Sendable {
  let architecture: any Architecture
  public let head: Head
  public let config: ModelConfig
  /// What the architecture calls each tensor, and what the checkpoint calls it.
  let names: [(own: String, checkpoint: String, shape: Shape)]
  /// What the architecture calls the statistics that are never trained.
  private let fixed: Set<String>
  /// Its linear layers with weights of their own, in the order in which they are used.
  public let linearLayers: [LinearLayerName]
  /// Where each linear layer is used, by its path.
  public let places: [String: [BlockPlace]]
  /// How many blocks it has, one after the other.
  public let blocks: Int
  /// The block that alone uses a tensor, by what the architecture calls that.
  private let owners: [String: Int]
  /// Its embeddings, as layers that have a number in the place of an input: their weights are (in, out).
  public let embeddings: [LinearLayerName]

  public var input: NetworkInput { architecture.input }

  /// The tensors of the checkpoint that the network uses, in the order in which it uses them.
  public var tensors: [(name: String, shape: Shape)] { names.map { ($0.checkpoint, $0.shape) } }

  /// Those of them that training may change.
  public var trainable: [(name: String, shape: Shape)] {
    names.filter { !fixed.contains($0.own) }.map { ($0.checkpoint, $0.shape) }
  }

  /// - Parameters:
  ///   - config: The model's `config.json`.
  ///   - tensors: Its tensors' names and shapes, from headers.
  ///   - label: What errors call it.
  ///   - head: Another head than the configuration names.
  /// - Throws: `OperationError` where the architecture is not known, or tensors do not fit the configuration.
  public init(config: JSON, tensors: [(name: String, shape: Shape)], of label: String, head: Head? = nil) throws {
    let config = ModelConfig(config, of: label)
    self.config = config
    let architecture = try Architectures.architecture(config)
    self.architecture = architecture
    self.head = try head ?? architecture.head(config)
    let shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
    let asked = try Self.asked(architecture, self.head, config)
    let names: [(own: String, checkpoint: String, shape: Shape)] = try asked.all.map { name, shape in
      let found = Self.candidates(name, architecture).first { shapes[$0] != nil }
      guard let found, let there = shapes[found] else {
        throw OperationError(
          .data, "`\(label)` has no `\(name)`, which its configuration asks for",
          helps: NearestName.of(name, among: shapes.keys.sorted()).map { ["it has `\($0)`"] } ?? [])
      }
      guard there == shape else {
        throw OperationError(
          .data, "`\(found)` of `\(label)` is \(there), and its configuration asks for \(shape)")
      }
      return (name, found, shape)
    }
    self.names = names
    (fixed, places, blocks, owners) = (asked.fixed, asked.places, asked.blocks, asked.owners)
    func layer(_ path: String, isTransposed: Bool) -> LinearLayerName? {
      guard let weight = names.first(where: { $0.own == path + ".weight" }), weight.shape.rank == 2 else { return nil }
      return LinearLayerName(
        path: path, weight: weight.checkpoint, shape: weight.shape, isTransposed: isTransposed)
    }
    linearLayers = asked.linear.compactMap { layer($0, isTransposed: asked.transposed.contains($0 + ".weight")) }
    embeddings = asked.embeddings.compactMap { layer($0, isTransposed: true) }
  }

  /// The tensors that a model of this configuration has, in the order in which it uses them.
  /// - Throws: `OperationError` where the configuration is not one of a network that is known.
  public static func tensors(of config: JSON, label: String) throws -> [(name: String, shape: Shape)] {
    let config = ModelConfig(config, of: label)
    let architecture = try Architectures.architecture(config)
    return try asked(architecture, try architecture.head(config), config).all
  }

  /// What a model of the same body and another head is: its configuration, and its tensors by their full names.
  ///
  /// - Returns: For each tensor what the checkpoint calls it, nil where it belongs to the new head.
  /// - Throws: `OperationError` where the architecture is not known or has no such head, or the body does not fit.
  public static func replacingHead(
    config: JSON, tensors: [(name: String, shape: Shape)], of label: String, with head: Head
  ) throws -> (config: JSON, tensors: [(name: String, shape: Shape, checkpoint: String?)]) {
    let body = try Blueprint(config: config, tensors: tensors, of: label, head: Head.none)
    let shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
    let isOfBody = Set(body.names.map(\.own))
    let all = try asked(body.architecture, head, body.config).all.map { name, shape in
      // A pooler belongs to the body, although only some heads use it.
      let mayBeThere = isOfBody.contains(name) || name.hasPrefix(body.architecture.prefix)
      return (name, shape, mayBeThere ? candidates(name, body.architecture).first { shapes[$0] == shape } : nil)
    }
    return (body.architecture.config(config, with: head), all)
  }

  /// What a pass asks for.
  struct Asked {
    let all: [(name: String, shape: Shape)]
    /// The paths of linear layers.
    let linear: [String]
    /// Where each of them is used.
    let places: [String: [BlockPlace]]
    let blocks: Int
    /// The block that alone uses a weight, by the weight's name.
    let owners: [String: Int]
    let transposed: Set<String>
    let fixed: Set<String>
    /// Whose weight a layer has that has none of its own.
    let tied: [String: String]
    /// The paths of embeddings.
    let embeddings: [String]
  }

  /// All weights that a pass asks for, by a dry one.
  static func asked(
    _ architecture: any Architecture, _ head: Head, _ config: ModelConfig
  ) throws -> Asked {
    let pass = Pass(Tape(Memory(isDry: true), recording: false), Weights(isDry: true))
    let batch = architecture.input.example(1, length: 1)
    var linear: [String] = []
    var places: [String: [BlockPlace]] = [:]
    pass.observer = { [unowned pass] path, _ in
      if !linear.contains(path) { linear.append(path) }
      places[path, default: []].append(pass.place)
    }
    guard architecture.output(head, architecture.hidden(pass, batch), pass, batch) != nil else {
      throw OperationError(.data, "`\(config.label)` is to have \(head), and its architecture has none here")
    }
    let weights = pass.weights
    let owners = weights.uses.compactMapValues { places in
      if places.count == 1, case .inside(let block)? = places.first { block } else { nil }
    }
    return Asked(
      all: weights.all.map { ($0.name, $0.shape) }, linear: linear, places: places, blocks: pass.blocks,
      owners: owners, transposed: weights.transposed,
      fixed: weights.fixed, tied: weights.tied, embeddings: weights.embeddings)
  }

  /// What a checkpoint may call a tensor: a body alone is saved without its prefix.
  private static func candidates(_ name: String, _ architecture: any Architecture) -> [String] {
    let names = [name] + architecture.olderNames(of: name)
    return names
      + names.filter { $0.hasPrefix(architecture.prefix) }.map { String($0.dropFirst(architecture.prefix.count)) }
  }

  /// Entries of the weights of one block, where it alone uses them, or of what lies outside of blocks.
  public func entries(ofBlock block: Int?) -> Int {
    names.reduce(0) { $0 + (owners[$1.own] == block ? $1.shape.count : 0) }
  }

  /// Bytes that a pass over a batch takes at its peak, without the weights, found by a dry run.
  /// - Parameters:
  ///   - length: Tokens of each example.
  ///   - recomputes: Whether blocks are worked out again in the backward pass instead of kept.
  public func peak(examples: Int, length: Int, _ work: NetworkWork, recomputes: Bool = false) -> Int {
    let (memory, weights) = (Memory(isDry: true), Weights(isDry: true))
    let batch = architecture.input.example(examples, length: length)
    func output(_ pass: Pass) -> Variable? {
      architecture.output(head, architecture.hidden(pass, batch), pass, batch)
    }
    _ = output(Pass(Tape(Memory(isDry: true), recording: false), weights))
    for parameter in weights.all { parameter.isTrainable = work != .forward }
    let pass = Pass(Tape(memory, recording: work != .forward), weights, recomputes: recomputes)
    guard let result = output(pass) else { preconditionFailure("a blueprint's head is one that its architecture has") }
    switch work {
    case .forward: break
    case .gradients: pass.tape.backward(from: result, into: SummedGradients(memory)) { _ in }
    case .squares: pass.tape.backward(from: result, into: SquaredGradients(memory)) { _ in }
    }
    return memory.peak
  }

  /// Loads the weights.
  /// - Parameter read: Reads a tensor by the checkpoint's name for it.
  public func network(_ read: (String) throws -> Tensor) rethrows -> Network {
    try network(of: 0..<blocks, read)
  }

  /// Loads the weights of some blocks, and of what lies outside of blocks: no others can be run.
  /// - Parameters:
  ///   - outer: Has what lies outside of blocks already.
  ///   - read: Reads a tensor by the checkpoint's name for it.
  public func network(
    of blocks: Range<Int>, sharing outer: Network? = nil, _ read: (String) throws -> Tensor
  ) rethrows -> Network {
    let weights = Weights()
    for (own, name, shape) in names where owners[own].map(blocks.contains) ?? true {
      if let known = outer?.weights[own] {
        weights.add(known, as: own)
        continue
      }
      let tensor = try read(name)
      precondition(tensor.shape == shape, "`\(name)` was \(shape) in its header")
      weights.add(Parameter(name, tensor, isFixed: fixed.contains(own)), as: own)
    }
    return Network(self, weights)
  }
}

/// A linear layer of a network.
public struct LinearLayerName: Sendable, Hashable {
  /// What its architecture calls it.
  public let path: String
  /// What the checkpoint calls its weight.
  public let weight: String
  /// As the checkpoint keeps it.
  public let shape: Shape
  /// Whether that is (in, out).
  public let isTransposed: Bool

  public var inputs: Int { isTransposed ? shape[0] : shape[1] }
  public var outputs: Int { isTransposed ? shape[1] : shape[0] }
}

/// What a network does with a batch.
public enum NetworkWork: Sendable {
  /// It only gives its output.
  case forward
  /// Gradients of all weights.
  case gradients
  /// Sums of squares of each example's gradients.
  case squares
}
