import Diagnostics
import Formats
import Operations
import Tensors

/// What an adapter does to the tensors of a model that it fits.
public struct AdaptedModel: Sendable {
  /// What becomes of one tensor of the model.
  public enum Change: Sendable {
    /// It is replaced by one that was trained as a whole.
    case replaced(TensorEntry)
    case weight(AdaptedLayer)
    case bias(AdaptedLayer)
  }

  public let reading: AdapterReading
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
    for (name, entry) in reading.whole {
      let found = try shape(name)
      guard found == entry.shape else { throw misfit(name, entry.shape.description, found) }
      changes[name] = .replaced(entry)
    }
    for (path, layer) in reading.layers {
      let found = try shape(path + ".weight")
      guard layer.fits(found) else { throw misfit(path + ".weight", layer.sizeText, found) }
      changes[path + ".weight"] = .weight(layer)
      guard layer.changesBias, layer.offset != nil || shapes[path + ".bias"] != nil else { continue }
      let bias = try shape(path + ".bias")
      guard bias.count == layer.outputs ?? bias.count else {
        throw misfit(path + ".bias", "\(layer.outputs ?? 0)", bias)
      }
      changes[path + ".bias"] = .bias(layer)
    }
    self.changes = changes
  }

  /// A tensor of the model as the adapter makes it, in float32.
  /// - Parameter share: How much of the adapter is taken.
  public func tensor(_ name: String, _ base: Tensor, share: Double = 1) throws -> Tensor {
    switch changes[name] {
    case nil: return base.converted(to: .f32)
    case .replaced(let entry): return Tensor.weightedSum([try reading.read(entry)], weights: [share], from: base)
    case .weight(let layer): return try layer.weight(base, share: share, reading.read)
    case .bias(let layer): return try layer.bias(base, share: share, reading.read)
    }
  }

  /// Whether an adapter has tensors that may change one of its model's.
  public static func mayChange(_ name: String, by adapter: Content) -> Bool {
    guard let kind = try? AdapterKinds.kind(of: adapter) else { return false }
    let whole = AdapterReading.prefix + name
    let isBias = name.hasSuffix(".bias")
    let parts = kind.parts.filter { isBias ? $0.changesBias : name.hasSuffix(".weight") }
    let module = whole.dropLast(isBias ? "bias".count : "weight".count)
    return adapter.tensors.contains { entry in
      entry.name == whole
        || entry.name.hasPrefix(module) && parts.contains { entry.name.dropFirst(module.count) == $0.name }
    }
  }
}

extension AdaptedModel {
  /// The bytes that folding an adapter into a model needs at once, in float64: the old weight, the new one, what is added, and
  /// room to turn them.
  public static func memory(_ model: Content) -> Int {
    let largest = model.tensors.map { $0.shape.rank >= 2 ? $0.shape.count : 0 }.max() ?? 0
    return (16 << 20) + largest * 8 * 5
  }
}

extension AdaptedLayer {
  /// What a weight should be.
  fileprivate var sizeText: String {
    let (out, into) = (outputs.map(String.init) ?? "any", inputs.map(String.init) ?? "any")
    return isTransposed ? "\(into)×\(out)" : "\(out)×\(into)"
  }
}
