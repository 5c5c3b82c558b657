import Diagnostics
import Formats
import Operations
import Tensors

/// What an adapter does to the tensors of a model that it fits.
public struct AdaptedModel: Sendable {
  /// What becomes of one tensor of the model.
  public struct Change: Sendable {
    /// What it is replaced by: one that was trained, or saved, as a whole.
    public var whole: TensorEntry?
    /// How it is changed then.
    public var layer: AdaptedLayer?
    /// Whether it is a layer's bias, and not its weight.
    public var isBias = false
    /// Which of the experts' matrices it has.
    var stack: ExpertFactors.Place?
  }

  public let reading: AdapterReading
  /// The model as the adapter takes it: with a weight of its own for a head that was tied to an embedding, where only one of the two
  /// changes.
  public let model: Content
  /// Nil where no head is tied to what changes.
  let tying: HeadTying?
  /// By the names of the model's tensors.
  public let changes: [String: Change]

  /// - Throws: `OperationError` where the adapter is not what it claims to be, or does not fit the model.
  public init(_ adapter: Content, for model: Content) throws {
    reading = try AdapterReading(adapter)
    if let start = reading.kind.startThatChangesModels {
      throw OperationError(
        .data,
        "`\(adapter.label)` was begun by `\(start)`, so it belongs to what that left of its model, not to the model",
        helps: [
          "`pissa_to_lora` makes a plain LoRA of it and of the adapter that it began as",
          "where the model is what was left, set `init_lora_weights` to true in `adapter_config.json`",
        ])
    }
    tying = HeadTying(reading, model)
    let model = tying?.model(model, reading) ?? model
    self.model = model
    let shapes = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, $0.shape) })
    func shape(_ name: String) throws -> Shape {
      guard let found = shapes[name] else {
        throw OperationError(
          .data, "`\(adapter.label)` changes `\(name)`, and `\(model.label)` has no such tensor",
          helps: ["an adapter fits the model that it was trained on: its `adapter_config.json` names it"])
      }
      return found
    }
    func misfit(_ name: String, _ wanted: String, _ found: Shape) -> OperationError {
      OperationError(.data, "`\(adapter.label)` changes `\(name)` as \(wanted), and in `\(model.label)` it is \(found)")
    }
    var changes: [String: Change] = [:]
    let isTied = tying?.isKept ?? false
    for (name, entry) in reading.whole where !isTied || name != tying?.head.weight {
      let found = try shape(name)
      guard found == entry.shape else { throw misfit(name, entry.shape.description, found) }
      changes[name] = Change(whole: entry)
    }
    for (path, layer) in reading.layers where !isTied || path != tying?.head.path {
      if let experts = layer.experts {
        let isTurned = ["gpt_oss", "aria", "openai_privacy_filter"].contains(model.facts["model_type"]?.string ?? "")
        let places = try experts.places(
          in: model.label, of: adapter.label, prefersTransposed: isTurned
        ) { shapes[$0] }
        for place in places {
          changes[place.tensor, default: Change()].layer = layer
          changes[place.tensor]?.stack = place
        }
        continue
      }
      let found = try shape(path + ".weight")
      guard layer.fits(found) else { throw misfit(path + ".weight", layer.sizeText, found) }
      changes[path + ".weight", default: Change()].layer = layer
      guard layer.changesBias, layer.offset != nil || shapes[path + ".bias"] != nil else { continue }
      let bias = try shape(path + ".bias")
      guard bias.count == layer.outputs ?? bias.count else {
        throw misfit(path + ".bias", "\(layer.outputs ?? 0)", bias)
      }
      changes[path + ".bias"] = Change(whole: changes[path + ".bias"]?.whole, layer: layer, isBias: true)
    }
    self.changes = changes
  }

  /// A tensor of the model as the adapter makes it, in float32.
  /// - Parameter share: How much of the adapter is taken.
  public func tensor(_ name: String, _ base: Tensor, share: Double = 1) throws -> Tensor {
    guard let change = changes[name] else { return base.converted(to: .f32) }
    let old = try change.whole.map { entry in
      Tensor.weightedSum([try reading.read(entry)], weights: [share], from: base)
    }
    guard let layer = change.layer else { return old ?? base.converted(to: .f32) }
    let start = old ?? base
    if let experts = layer.experts, let place = change.stack {
      return try experts.added(to: start, place, share: share, reading.read)
    }
    return change.isBias
      ? try layer.bias(start, share: share, reading.read) : try layer.weight(start, share: share, reading.read)
  }

  /// The same as a sum of which any part can be worked out by itself; nil where it can only be had whole.
  public func sum(_ name: String, _ base: Tensor, share: Double = 1) throws -> LowRankSum? {
    guard let change = changes[name], change.whole == nil, !change.isBias, let layer = change.layer else { return nil }
    return try layer.sum(base, share: share, reading.read)
  }

  /// Whether an adapter has tensors that may change one of its model's.
  public static func mayChange(_ name: String, by adapter: Content) -> Bool {
    guard let kind = try? AdapterKinds.kind(of: adapter) else { return false }
    let whole = AdapterReading.prefix + name
    let stacks = (adapter.facts["target_parameters"]?.array ?? []).compactMap(\.string)
    if stacks.contains(where: { name == $0 || name.hasSuffix("." + $0) }) { return true }
    if !stacks.isEmpty, name.contains("experts.") { return true }
    let isBias = name.hasSuffix(".bias")
    let parts = kind.parts.filter { isBias ? $0.changesBias : name.hasSuffix(".weight") }
    let module = whole.dropLast(isBias ? "bias".count : "weight".count)
    let wrapped = module + AdapterReading.wrapping + whole.dropFirst(module.count)
    return adapter.tensors.contains { entry in
      entry.name == whole || entry.name == wrapped
        || entry.name.hasPrefix(module) && parts.contains { entry.name.dropFirst(module.count) == $0.name }
    }
  }
}

extension AdaptedModel {
  /// The bytes that folding needs for each tensor that changes: a few rows where something of low rank is added to what can be
  /// read in parts; else, in float64, the old weight, the new one, what is added, and room to turn them.
  public func workspaces() -> [Int] {
    model.tensors.compactMap { entry in
      guard let change = changes[entry.name], let layer = change.layer, !change.isBias else { return nil }
      guard layer.isSum, change.whole == nil, entry.dtype.hasKernels else { return 8 * entry.shape.count * 5 }
      let factors = layer.tensors.reduce(0) { $0 + $1.shape.count }
      return 8 * factors * 3 + LowRankSum.byteCount(columns: entry.shape.count / max(entry.shape[0], 1))
    }
  }
}

extension AdaptedLayer {
  /// What a weight should be.
  fileprivate var sizeText: String {
    let (out, into) = (outputs.map(String.init) ?? "any", inputs.map(String.init) ?? "any")
    return isTransposed ? "\(into)×\(out)" : "\(out)×\(into)"
  }
}
