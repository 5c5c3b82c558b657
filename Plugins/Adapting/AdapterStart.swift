import Adapters
import Diagnostics
import Formats
import Operations
import Synchronization
import Tensors

/// An operation that makes an adapter layer by layer, from one layer's weights or from none.
protocol AdapterStart: RecipeOperation where Output == Adapter {
  /// What has the layers' weights: a model or a delta.
  var source: Content { get }
  var chosen: TargetLayers { get }

  /// The kind of adapter that it makes.
  var kind: any AdapterKind.Type { get }

  /// How many axes the weights may have that it works on.
  static var axes: ClosedRange<Int> { get }

  /// What is wrong with the settings for a layer.
  func check(_ target: AdapterTarget) throws

  /// The parts of a layer and their shapes; nil where only making them tells.
  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]?

  /// The kind's fields in the configuration.
  /// - Parameter layers: What was made, where `shapes` does not tell.
  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member]

  /// One layer's parts, as `shapes` says; reads no tensor where `workspace` is 0.
  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer

  /// The bytes that making a layer holds at its peak.
  func workspace(_ target: AdapterTarget) -> Int

  /// What is wrong with all layers together, where they were made at once.
  func finished(_ layers: [StartedLayer]) throws
}

/// What was made for one layer.
struct StartedLayer: Sendable {
  var parts: [(part: String, tensor: Tensor)]
  /// Numbers worth knowing, by name: what is lost, which rank was chosen.
  var facts: [String: Double] = [:]
}

extension AdapterStart {
  static var axes: ClosedRange<Int> { 2...2 }

  func check(_ target: AdapterTarget) throws {}

  func finished(_ layers: [StartedLayer]) throws {}

  func outline() throws -> Content? { try outlined(matched(), shapes) }

  /// The result's shapes where only some settings tell them; what is wrong is said where they do not.
  func outline(_ shapes: (AdapterTarget) -> [(part: String, shape: Shape)]?) throws -> Content? {
    try outlined(matched(), shapes)
  }

  func memory() -> Int {
    let needs = (try? matched())?.map(workspace) ?? []
    return needs.allSatisfy { $0 == 0 } ? 0 : MemoryRoom.memory(needs)
  }

  func run(_ context: Context) throws -> Adapter {
    let targets = try matched()
    let room = MemoryRoom()
    let make = { @Sendable (target: AdapterTarget) in
      try room.with(workspace(target)) {
        try context.checkCancelled()
        return try layer(target, context)
      }
    }
    guard var content = try outlined(targets, shapes) else { return try made(targets, context, make) }
    let parts = targets.flatMap { target in
      let once = Once { try make(target).parts.map(\.tensor) }
      return (shapes(target) ?? []).indices.map { index in (once, index) }
    }
    content.tensors = zip(content.tensors, parts).map { foreseen, part in
      TensorEntry(foreseen.name, dtype: foreseen.dtype, shape: foreseen.shape) {
        NewAdapter.stored(try part.0.value()[part.1], as: foreseen.name)
      }
    }
    return Adapter(content)
  }

  private func matched() throws -> [AdapterTarget] {
    let found = try AdapterTarget.matching(chosen.targets, in: source, axes: Self.axes, of: Self.about.name)
    for target in found { try check(target) }
    guard Set(found.map(\.isTransposed)).count <= 1 else {
      throw OperationError(
        .step,
        "`targets` of `\(Self.about.name)` has layers that keep their weights transposed, and layers that do not",
        helps: ["an adapter has one of the two: leave out the head, or make two adapters"])
    }
    return found
  }

  private func outlined(
    _ targets: [AdapterTarget], _ shapes: (AdapterTarget) -> [(part: String, shape: Shape)]?
  ) throws -> Content? {
    var adapter = NewAdapter(kind, for: source, fields: fields(targets, []) + [NewAdapter.origin(Self.about.name)])
    for target in targets {
      guard let shapes = shapes(target) else { return nil }
      for (part, shape) in shapes {
        adapter.add(part, of: target.path, TensorEntry(foreseen: part, dtype: .f32, shape: shape))
      }
    }
    return adapter.content
  }

  /// All layers at once, where their shapes were not known.
  private func made(
    _ targets: [AdapterTarget], _ context: Context, _ make: @Sendable (AdapterTarget) throws -> StartedLayer
  ) throws -> Adapter {
    let done = Mutex(0)
    let layers = try context.map(targets) { target in
      let layer = try make(target)
      context.progress(
        done.withLock {
          $0 += 1
          return $0
        }, of: targets.count, "layers")
      return layer
    }
    try finished(layers)
    var facts: [String: [JSON.Member]] = [:]
    for (target, layer) in zip(targets, layers) {
      for (name, number) in layer.facts { facts[name, default: []].append(.init(target.path, .number(number))) }
    }
    var adapter = NewAdapter(
      kind, for: source,
      fields: fields(targets, layers) + [NewAdapter.origin(Self.about.name, facts.mapValues(JSON.object))])
    for (target, layer) in zip(targets, layers) {
      for (part, tensor) in layer.parts { adapter.add(part, of: target.path, TensorEntry(part, tensor)) }
    }
    return Adapter(adapter.content)
  }

  /// A layer's weight as (out, in).
  func matrix(_ target: AdapterTarget) throws -> DoubleMatrix { target.matrix(try source.finiteTensor(target.weight)) }
}

/// A value that is worked out when it is first asked for, and then kept: others wait.
final class Once<Value: Sendable>: Sendable {
  private let kept = Mutex<Value?>(nil)
  private let make: @Sendable () throws -> Value

  init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

  func value() throws -> Value {
    try kept.withLock { kept in
      if let kept { return kept }
      let made = try make()
      kept = made
      return made
    }
  }
}
