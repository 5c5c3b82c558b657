import Diagnostics
import Formats
import Operations
import Tensors

/// What a LoRA adapter does to the tensors of a model, read from PEFT's names and configuration (Hu et al. 2021).
struct LowRankAdapter {
  /// What becomes of one tensor of the model; the adapter's tensors are named.
  enum Change {
    /// It is replaced by one that was trained as a whole.
    case replaced(String)
    /// W + s B A, transposed where the layer keeps its inputs along the first axis.
    case added(a: String, b: String, scale: Double, isTransposed: Bool, magnitude: String?)
    /// A bias to which the bias of B is added.
    case shifted(String, scale: Double)
  }

  /// By the names of the model's tensors.
  let changes: [String: Change]

  static let prefix = "base_model.model."

  /// - Parameter model: The model that it is to change; nil where it is not looked at.
  /// - Throws: `OperationError` where it is of another kind, or does not fit the model.
  init(_ adapter: Content, for model: Content? = nil) throws {
    let type = adapter.facts["peft_type"]?.string ?? "nothing"
    guard type == "LORA" else {
      throw OperationError(
        .data, "`\(adapter.label)` is an adapter of type `\(type)`, and only `LORA` is understood")
    }
    let shapes = Dictionary(uniqueKeysWithValues: (model?.tensors ?? []).map { ($0.name, $0.shape) })
    let entries = Dictionary(uniqueKeysWithValues: adapter.tensors.map { ($0.name, $0) })
    let settings = LowRankSettings(adapter.facts)
    var changes: [String: Change] = [:]
    for entry in adapter.tensors {
      guard let place = Self.place(of: entry.name) else {
        throw OperationError(
          .data, "`\(entry.name)` of `\(adapter.label)` is not called as PEFT calls an adapter's tensors")
      }
      func partner(_ suffix: String) -> TensorEntry? { entries[Self.prefix + place.path + suffix] }
      switch place.part {
      case .a(let isEmbedding):
        guard let b = partner(isEmbedding ? ".lora_embedding_B" : ".lora_B.weight"), entry.shape.rank == 2,
          b.shape.rank == 2, b.shape[1] == entry.shape[0]
        else {
          throw OperationError(.data, "`\(entry.name)` of `\(adapter.label)` has no second factor that fits it")
        }
        let isTransposed = isEmbedding || settings.isTransposed
        changes[place.path + ".weight"] = .added(
          a: entry.name, b: b.name, scale: try settings.scale(of: place.path, rank: entry.shape[0]),
          isTransposed: isTransposed,
          magnitude: (partner(".lora_magnitude_vector") ?? partner(".lora_magnitude_vector.weight"))?.name)
        let shape = isTransposed ? [entry.shape[1], b.shape[0]] : [b.shape[0], entry.shape[1]]
        try Self.check(place.path + ".weight", Shape(shape), shapes, adapter, model)
      case .biasOfB:
        let rank = partner(".lora_A.weight")?.shape[0] ?? 1
        changes[place.path + ".bias"] = .shifted(entry.name, scale: try settings.scale(of: place.path, rank: rank))
        try Self.check(place.path + ".bias", entry.shape, shapes, adapter, model)
      case .other: continue
      case .whole:
        changes[place.path] = .replaced(entry.name)
        try Self.check(place.path, entry.shape, shapes, adapter, model)
      }
    }
    self.changes = changes
  }

  /// What an adapter's tensors may be called, any of which changes a tensor of the model.
  static func names(changing name: String) -> [String] {
    let whole = prefix + name
    if name.hasSuffix(".weight") {
      let module = prefix + name.dropLast(".weight".count)
      return [whole, module + ".lora_A.weight", module + ".lora_embedding_A"]
    }
    return name.hasSuffix(".bias") ? [whole, prefix + name.dropLast(".bias".count) + ".lora_B.bias"] : [whole]
  }

  private static func check(
    _ name: String, _ shape: Shape, _ shapes: [String: Shape], _ adapter: Content, _ model: Content?
  ) throws {
    guard let model else { return }
    guard let found = shapes[name] else {
      throw OperationError(
        .data, "`\(adapter.label)` changes `\(name)`, and `\(model.label)` has no such tensor",
        helps: ["an adapter fits the model that it was trained on: its `adapter_config.json` names it"])
    }
    guard found == shape else {
      throw OperationError(
        .data, "`\(adapter.label)` changes `\(name)` as \(shape), and in `\(model.label)` it is \(found)")
    }
  }

  private enum Part {
    case a(isEmbedding: Bool)
    case biasOfB, whole
    /// What another part is read with.
    case other
  }

  /// The path of the module that a tensor of an adapter belongs to, and what it is there.
  private static func place(of name: String) -> (path: String, part: Part)? {
    guard name.hasPrefix(prefix) else { return nil }
    let rest = String(name.dropFirst(prefix.count))
    let parts: [(String, Part)] = [
      (".lora_A.weight", .a(isEmbedding: false)), (".lora_embedding_A", .a(isEmbedding: true)),
      (".lora_B.bias", .biasOfB), (".lora_B.weight", .other), (".lora_embedding_B", .other),
      (".lora_magnitude_vector", .other), (".lora_magnitude_vector.weight", .other),
    ]
    for (suffix, part) in parts where rest.hasSuffix(suffix) { return (String(rest.dropLast(suffix.count)), part) }
    return rest.contains(".lora_") || rest.contains("token_adapter") ? nil : (rest, .whole)
  }
}

/// The numbers in an adapter's configuration that decide how much its factors count.
private struct LowRankSettings {
  let isTransposed: Bool
  private let alpha: Double
  private let alphas: [(pattern: String, alpha: Double)]
  private let isRankStabilised: Bool

  init(_ config: JSON) {
    isTransposed = config["fan_in_fan_out"]?.bool ?? false
    isRankStabilised = config["use_rslora"]?.bool ?? false
    alpha = config["lora_alpha"]?.number ?? 8
    alphas = (config["alpha_pattern"]?.object ?? []).compactMap { member in
      member.value.number.map { (member.name, $0) }
    }
  }

  /// α/r, or α/√r; the first pattern that ends the module's path decides α.
  func scale(of path: String, rank: Int) throws -> Double {
    let alpha = try alphas.first { try matches($0.pattern, path) }?.alpha ?? alpha
    return alpha / (isRankStabilised ? Double(rank).squareRoot() : Double(rank))
  }

  private func matches(_ pattern: String, _ path: String) throws -> Bool {
    if path == pattern || path.hasSuffix("." + pattern) { return true }
    guard let regex = try? Regex("(.*\\.)?(\(pattern))") else {
      throw OperationError(.data, "`\(pattern)` in `alpha_pattern` of the adapter is no regular expression")
    }
    return path.wholeMatch(of: regex) != nil
  }
}

extension LowRankAdapter.Change {
  /// The tensor as the adapter makes it, in float64 and rounded once to float32.
  /// - Parameter weight: How much of the adapter is taken.
  func applied(to base: Tensor, from adapter: Content, weight: Double) throws -> Tensor {
    switch self {
    case .replaced(let name):
      return Tensor.weightedSum([try adapter.finiteTensor(name)], weights: [weight], from: base)
    case .shifted(let name, let scale):
      return Tensor.weightedSum([base, try adapter.finiteTensor(name)], weights: [1, weight * scale])
    case .added(let a, let b, let scale, let isTransposed, let magnitude):
      let (a, b) = (DoubleMatrix(try adapter.finiteTensor(a)), DoubleMatrix(try adapter.finiteTensor(b)))
      // (B A)ᵀ = Aᵀ Bᵀ.
      let product = isTransposed ? (b * a).transposed : b * a
      var entries = zip(base.doubles, product.entries).map { $0 + weight * scale * $1 }
      if let magnitude {
        entries = Self.rescaled(entries, base, to: try adapter.finiteTensor(magnitude).doubles, isTransposed)
      }
      return Tensor(entries.map { Float($0) }, shape: base.shape)
    }
  }

  /// DoRA (Liu et al. 2024): each output's weights get the length that was learnt for it.
  private static func rescaled(
    _ entries: [Double], _ base: Tensor, to lengths: [Double], _ isTransposed: Bool
  ) -> [Double] {
    let (rows, columns) = (base.shape[0], base.shape[1])
    var squares = [Double](repeating: 0, count: lengths.count)
    func output(_ index: Int) -> Int { isTransposed ? index % columns : index / columns }
    precondition(lengths.count == (isTransposed ? columns : rows), "each output has a length")
    for (index, entry) in entries.enumerated() { squares[output(index)] += entry * entry }
    return entries.enumerated().map { index, entry in
      let length = squares[output(index)].squareRoot()
      return length > 0 ? entry * lengths[output(index)] / length : entry
    }
  }
}
