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
    let isTied = tying?.isKept ?? false
    for (name, entry) in reading.whole where !isTied || name != tying?.head.weight {
      try replace(name, by: Parameter(entry.name, try reading.read(entry), isTrainable: isTrainable), in: network)
    }
    let (blueprint, head) = (network.blueprint, tying?.head)
    var layers = Dictionary(uniqueKeysWithValues: blueprint.linearLayers.map { ($0.weight, $0) })
    if let head, let shape = model.entry(head.embedding)?.shape { layers[head.weight] = head.layer(of: shape) }
    let embeddings = Dictionary(uniqueKeysWithValues: blueprint.embeddings.map { ($0.weight, $0) })
    let frozen = type(of: reading.kind).parts.filter { !$0.isTrained }.map { "." + $0.name }
    for (path, layer) in reading.layers where !isTied || path != head?.path {
      let (target, embedding) = (layers[path + ".weight"], embeddings[path + ".weight"])
      guard let place = embedding ?? target, layer.experts == nil,
        layer.rows != nil || layer.isTransposed == place.isTransposed
      else {
        throw OperationError(
          .step, "`\(reading.content.label)` changes `\(path)`, which is no layer of the running network",
          helps: ["`attach(base:, adapter:)` makes a checkpoint of both"])
      }
      for entry in layer.tensors where network.weights[entry.name] == nil {
        let isTrained = !frozen.contains { entry.name.hasSuffix($0) }
        let parameter = Parameter(entry.name, try reading.read(entry), isTrainable: isTrainable && isTrained)
        network.weights.add(parameter, as: entry.name)
      }
      // An embedding whose head is tied to it, and stays so, changes in both places.
      let other = isTied && path == tying?.embedding ? head?.layer(of: place.shape) : nil
      if let rows = layer.rows {
        for layer in [place, other].compactMap({ $0 }) {
          network.weights.substitutes[layer.path] = { pass, weight in
            pass.replacingRows(rows.places, of: weight, by: pass.parameter(rows.entry))
          }
        }
        continue
      }
      if embedding == nil {
        network.weights.changes[place.path] = RunningLayer(layer: layer, target: place)
      } else {
        network.weights.lookups[place.path] = RunningLayer(layer: layer, target: place)
      }
      if let other {
        guard let map = layer.onInput, layer.onlyAdds else {
          throw OperationError(
            .step,
            "`\(reading.content.label)` does more than add to `\(path)`, to which a head of the running network is tied",
            helps: ["`attach(base:, adapter:)` makes a checkpoint of both"])
        }
        network.weights.changes[other.path] = RunningLayer(
          layer: AdaptedLayer(onInput: .transposed(map)), target: other)
      }
    }
  }

  /// Puts a tensor that the adapter has whole where the model has its own. Of an embedding and a head that share theirs, only the
  /// one that the adapter means gets it, unless they stay tied.
  private func replace(_ name: String, by parameter: Parameter, in network: Network) throws {
    let weights = network.weights
    let parting = tying.flatMap { $0.isKept ? nil : $0.head }
    /// Gives the head a weight of its own.
    func part(_ head: TiedHead, _ own: Parameter) {
      weights.add(own, as: head.weight)
      weights.substitutes[head.path] = { pass, _ in pass.parameter(head.weight, own.shape) }
    }
    if let head = parting, name == head.weight { return part(head, parameter) }
    let old = weights.all.first { $0.name == name }
    // A head's bias may go by another name as long as its weight is the embedding's.
    let known = parting?.added.first { $0.name == name }?.original ?? name
    guard weights.replace(known, by: parameter) else {
      throw OperationError(
        .step, "`\(reading.content.label)` replaces `\(name)`, which the running network does not use",
        helps: ["`attach(base:, adapter:)` makes a checkpoint of both"])
    }
    let isShared = reading.wrapped.contains(name) || reading.whole.contains { $0.name == parting?.weight }
    if let head = parting, name == head.embedding, !isShared, let old { part(head, old) }
  }

  /// The adapter with the tensors that a network it was put into has now.
  public func content(from network: Network) -> Content { reading.content.taking(tensorsOf: network) }
}

extension Content {
  /// The same with those of its tensors that a network has, as they are there.
  func taking(tensorsOf network: Network) -> Content {
    let parameters = Dictionary(network.weights.all.map { ($0.name, $0) }) { first, _ in first }
    var result = self
    result.tensors = tensors.map { entry in
      guard let tensor = parameters[entry.name]?.tensor.converted(to: entry.dtype) else { return entry }
      return TensorEntry(entry.name, tensor)
    }
    return result
  }
}

/// What an adapter makes of a layer while a network runs: y = o ∘ (W (i ∘ x) + b + M x + N y₀ + c), and with DoRA's lengths m
/// y = m / ‖W + M‖ ∘ (W x + M x) + b + c, where the norms of rows are taken as they are, without a gradient, as in PEFT.
private struct RunningLayer: LayerChange, LookupChange {
  let layer: AdaptedLayer
  let target: LinearLayerName

  func output(_ pass: Pass, _ x: Variable, layer original: (Variable) -> Variable) -> Variable {
    let change = layer.onInput.map { $0.applied(to: x, pass) }
    guard layer.keepsWeight else {
      guard let change else { preconditionFailure("a layer without its weight has something instead") }
      return bias(pass).map { pass.add(change, toEach: $0) } ?? change
    }
    let old = original(layer.inputFactors.map { pass.multiply(x, pass.parameter($0)) } ?? x)
    var y = change.map { pass.add(old, $0) } ?? old
    if let map = layer.onOutput { y = pass.add(y, map.applied(to: old, pass)) }
    if let lengths = layer.lengths { y = scaled(y, toLengths: lengths, pass) }
    if let map = layer.offset { y = pass.add(y, toEach: map.matrix(pass).reshaped([target.outputs])) }
    return layer.outputFactors.map { pass.multiply(y, pass.parameter($0)) } ?? y
  }

  func output(_ pass: Pass, _ rows: Variable, lookup: (Variable) -> Variable) -> Variable {
    var y = rows
    if let map = layer.onInput { y = pass.add(y, map.looked(up: lookup, pass)) }
    return layer.lengths.map { scaled(y, toLengths: $0, pass) } ?? y
  }

  private func bias(_ pass: Pass) -> Variable? {
    let name = target.path + ".bias"
    return pass.weights[name].map { pass.parameter(name, $0.shape) }
  }

  private func scaled(_ y: Variable, toLengths lengths: TensorEntry, _ pass: Pass) -> Variable {
    let name = target.path + ".weight"
    // A layer that has an embedding's weight has none by its own name.
    let shared = pass.weights[name] == nil ? pass.weights.all.first { $0.name == target.weight } : nil
    let old = shared?.value ?? pass.parameter(name, target.shape)
    var rows = target.isTransposed ? pass.unfolding(old, axis: 1) : old
    if let map = layer.onInput { rows = pass.add(rows, toEach: map.matrix(pass)) }
    let factors = pass.factors(
      toLengths: pass.parameter(lengths).reshaped([target.outputs]), ofRows: rows.detached)
    let result = pass.multiply(y, factors)
    guard let bias = bias(pass) else { return result }
    // The bias was multiplied too, and is to stay as it was.
    return pass.add(result, toEach: pass.add(bias, toEach: pass.scale(pass.multiply(bias, factors), by: -1)))
  }
}

extension Pass {
  /// One of an adapter's tensors.
  fileprivate func parameter(_ entry: TensorEntry) -> Variable { parameter(entry.name, entry.shape) }
}

extension LinearMap {
  /// Each row of x multiplied by the map: factor by factor where it is a product.
  fileprivate func applied(to x: Variable, _ pass: Pass, isTransposed: Bool = false) -> Variable {
    switch self {
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
    case .tensor, .unfolding, .slice, .kronecker, .hadamard, .mixture:
      return pass.product(x, matrix(pass), isTransposed: isTransposed)
    }
  }

  /// Columns of the map by number, in the place of a product with inputs that have one 1 each.
  fileprivate func looked(up lookup: (Variable) -> Variable, _ pass: Pass) -> Variable {
    switch self {
    case .scaled(let scale, let map):
      let y = map.looked(up: lookup, pass)
      return scale == 1 ? y : pass.scale(y, by: scale)
    case .product(let maps):
      guard let last = maps.last else { preconditionFailure("a product has factors") }
      return maps.dropLast().reversed().reduce(last.looked(up: lookup, pass)) { $1.applied(to: $0, pass) }
    case .sum(let maps):
      let parts = maps.map { $0.looked(up: lookup, pass) }
      return parts.dropFirst().reduce(parts[0]) { pass.add($0, $1) }
    case .tensor, .unfolding, .slice, .diagonal, .transposed, .kronecker, .hadamard, .mixture:
      return lookup(pass.unfolding(matrix(pass), axis: 1))
    }
  }

  /// Multiplied out: (rows, columns).
  fileprivate func matrix(_ pass: Pass) -> Variable {
    guard let size else { preconditionFailure("a formula runs whose shapes were never checked") }
    switch self {
    case .tensor(let entry): return pass.parameter(entry).reshaped([size.rows, size.columns])
    case .unfolding(let entry, let axis): return pass.unfolding(pass.parameter(entry), axis: axis)
    case .slice(let entry, let index): return pass.slice(pass.parameter(entry), index)
    case .diagonal(let entry): return pass.diagonal(pass.parameter(entry))
    case .transposed(let map): return pass.unfolding(map.matrix(pass), axis: 1)
    case .scaled(let scale, let map): return pass.scale(map.matrix(pass), by: scale)
    case .product(let maps):
      return maps.dropFirst().reduce(maps[0].matrix(pass)) { pass.product($0, $1.matrix(pass), isTransposed: true) }
    case .kronecker(let maps):
      return maps.dropFirst().reduce(maps[0].matrix(pass)) { pass.kronecker($0, $1.matrix(pass)) }
    case .hadamard(let maps):
      return maps.dropFirst().reduce(maps[0].matrix(pass)) { pass.multiply($0, $1.matrix(pass)) }
    case .sum(let maps): return maps.dropFirst().reduce(maps[0].matrix(pass)) { pass.add($0, toEach: $1.matrix(pass)) }
    case .mixture(let mixture):
      return pass.mix(
        pass.parameter(mixture.bank), pass.parameter(mixture.router), task: mixture.task,
        isOuter: mixture.side == .output, noise: [])
    }
  }
}
