import Diagnostics
import Networks
import Operations
import Tensors

extension AdaptedModel {
  /// Puts the adapter into a running network: its own tensors become parameters, and the model's no longer are trainable.
  ///
  /// - Parameter isTrainable: Whether the adapter's tensors are trained.
  /// - Throws: `OperationError` where the adapter does something that can only be folded into a model.
  public func install(on network: Network, isTrainable: Bool) throws {
    for parameter in network.weights.all { parameter.isTrainable = false }
    if let name = reading.whole.first?.name {
      throw OperationError(
        .step, "`\(reading.content.label)` replaces `\(name)` as a whole, which a running network does not do yet",
        helps: ["`attach(base:, adapter:)` makes a checkpoint of both"])
    }
    let layers = Dictionary(uniqueKeysWithValues: network.blueprint.linearLayers.map { ($0.weight, $0) })
    let frozen = type(of: reading.kind).parts.filter { !$0.isTrained }.map { "." + $0.name }
    for (path, layer) in reading.layers {
      guard let target = layers[path + ".weight"] else {
        throw OperationError(
          .step, "`\(reading.content.label)` changes `\(path)`, which is no linear layer of the running network",
          helps: ["`attach(base:, adapter:)` makes a checkpoint of both"])
      }
      guard let running = RunningLayer(layer, isTransposed: target.isTransposed) else {
        throw OperationError(
          .step, "what `\(reading.content.label)` does at `\(path)` can be folded into a model, and not trained",
          notes: ["it is an adapter of type `\(type(of: reading.kind).type)`"],
          helps: ["`attach(base:, adapter:)` makes a checkpoint of both"])
      }
      for entry in layer.tensors where network.weights[entry.name] == nil {
        let isTrained = !frozen.contains { entry.name.hasSuffix($0) }
        let parameter = Parameter(entry.name, try reading.read(entry), isTrainable: isTrainable && isTrained)
        network.weights.add(parameter, as: entry.name)
      }
      network.weights.changes[target.path] = running
    }
  }

  /// The adapter with the tensors that a network it was put into has now.
  public func content(from network: Network) -> Content {
    var result = reading.content
    result.tensors = result.tensors.map { entry in
      guard let tensor = network.weights[entry.name]?.tensor.converted(to: entry.dtype) else { return entry }
      return TensorEntry(entry.name, tensor)
    }
    return result
  }
}

/// What an adapter makes of a layer, worked out factor by factor while a network runs: y = o ∘ (W (i ∘ x) + b + M x + N y₀ + c).
private struct RunningLayer: LayerChange {
  private let layer: AdaptedLayer

  /// Nil where something in it is not worked out in this way: DoRA's lengths, Kronecker products, mixtures of skills.
  init?(_ layer: AdaptedLayer, isTransposed: Bool) {
    let maps = [layer.onInput, layer.onOutput].compactMap { $0 }
    guard layer.keepsWeight, layer.lengths == nil, maps.allSatisfy(\.canRun), layer.isTransposed == isTransposed else {
      return nil
    }
    guard layer.offset?.size.map({ $0.columns == 1 }) ?? true, layer.offset?.vector != nil || layer.offset == nil else {
      return nil
    }
    self.layer = layer
  }

  func output(_ pass: Pass, _ x: Variable, layer original: (Variable) -> Variable) -> Variable {
    let old = original(layer.inputFactors.map { pass.multiply(x, pass.parameter($0)) } ?? x)
    var y = old
    if let map = layer.onInput { y = pass.add(y, map.applied(to: x, pass)) }
    if let map = layer.onOutput { y = pass.add(y, map.applied(to: old, pass)) }
    if let (scale, entry) = layer.offset?.vector {
      let offset = pass.parameter(entry)
      y = pass.add(y, toEach: scale == 1 ? offset : pass.scale(offset, by: scale))
    }
    return layer.outputFactors.map { pass.multiply(y, pass.parameter($0)) } ?? y
  }
}

extension Pass {
  /// One of an adapter's tensors.
  fileprivate func parameter(_ entry: TensorEntry) -> Variable { parameter(entry.name, entry.shape) }
}

extension LinearMap {
  /// Whether it is made of matrices as they are.
  fileprivate var canRun: Bool {
    switch self {
    case .tensor(let entry): entry.shape.rank == 2
    case .diagonal(let entry): entry.shape.rank == 1
    case .transposed(let map), .scaled(_, let map): map.canRun
    case .product(let maps), .sum(let maps): maps.allSatisfy(\.canRun)
    case .unfolding, .slice, .kronecker, .mixture: false
    }
  }

  /// A column, and what it is multiplied by.
  fileprivate var vector: (scale: Double, entry: TensorEntry)? {
    switch self {
    case .tensor(let entry) where entry.shape.rank == 1: (1, entry)
    case .scaled(let scale, let map): map.vector.map { (scale * $0.scale, $0.entry) }
    default: nil
    }
  }

  /// Each row of x multiplied by the map.
  fileprivate func applied(to x: Variable, _ pass: Pass, isTransposed: Bool = false) -> Variable {
    switch self {
    case .tensor(let entry): return pass.product(x, pass.parameter(entry), isTransposed: isTransposed)
    case .diagonal(let entry): return pass.multiply(x, pass.parameter(entry))
    case .transposed(let map): return map.applied(to: x, pass, isTransposed: !isTransposed)
    case .scaled(let scale, let map):
      let y = map.applied(to: x, pass, isTransposed: isTransposed)
      return scale == 1 ? y : pass.scale(y, by: scale)
    case .product(let maps):
      // The last is applied first, unless all are turned.
      return (isTransposed ? maps : maps.reversed()).reduce(x) { $1.applied(to: $0, pass, isTransposed: isTransposed) }
    case .sum(let maps):
      let parts = maps.map { $0.applied(to: x, pass, isTransposed: isTransposed) }
      return parts.dropFirst().reduce(parts[0]) { pass.add($0, $1) }
    case .unfolding, .slice, .kronecker, .mixture: preconditionFailure("a map was checked to be one that runs")
    }
  }
}
