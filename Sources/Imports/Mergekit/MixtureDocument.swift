import Diagnostics
import Operations

/// A mixture of experts, as a file of `mergekit-moe` describes it.
struct MixtureDocument: Sendable {
  /// A dense model whose feed-forward layers become an expert.
  struct Expert: Sendable {
    let reference: ModelReference
    /// Deviation of the noise that is added to its entries.
    let noise: Double?
    /// What the last matrix of each of its feed-forward layers is multiplied by.
    let residualScale: Double?
    /// Texts of the kind that is to go to it, and of the kind that is not.
    let prompts: [String]
    let negativePrompts: [String]
  }

  let base: ModelReference
  let experts: [Expert]
  /// The expert that every token goes through.
  let shared: Expert?
  /// The choice of `gate` of `moe` that means the same.
  let gate: String
  let perToken: Int?
  /// The choice of `architecture` of `moe` that means the same.
  let architecture: String?
  let precision: FloatPrecision?

  /// Whether routers begin from prompts.
  var readsPrompts: Bool { Self.promptGates.values.contains(gate) }
  /// Whether prompts are given, which routers that begin at random do not look at.
  var hasPrompts: Bool {
    (experts + [shared].compactMap { $0 }).contains { !$0.prompts.isEmpty || !$0.negativePrompts.isEmpty }
  }
}

extension MixtureDocument {
  /// What the file calls ways for routers to begin, and what `gate` of `moe` calls them.
  static let gates = ["random": "random", "uniform_random": "uniform"]
  /// The same for ways that begin from prompts.
  static let promptGates = [
    "hidden": "hidden", "hidden_last": "hidden", "hidden_avg": "hidden_mean", "cheap_embed": "embedding",
  ]
  /// What the beginning of an architecture's name may be, and what `moe` calls it.
  static let architectures = ["mixtral": "mixtral", "qwen moe": "qwen2_moe", "qwen3 moe": "qwen3_moe"]
}

extension DocumentReader {
  /// Reads a document that has `experts`.
  static func readMixture(_ node: YAMLNode) -> (document: MixtureDocument?, diagnostics: [Diagnostic]) {
    var reader = DocumentReader()
    let document = reader.mixture(node)
    let hasErrors = reader.diagnostics.contains { $0.severity == .error }
    return (hasErrors ? nil : document, reader.diagnostics)
  }

  private mutating func mixture(_ node: YAMLNode) -> MixtureDocument? {
    guard let fields = FieldReader(node, .mixture, &diagnostics) else { return nil }
    let gate = gate(fields)
    let needsPrompts = gate.map { MixtureDocument.promptGates.values.contains($0) } == true
    let experts = fields.list("experts", &diagnostics).compactMap { expert($0, needsPrompts, isShared: false) }
    let shared = fields.list("shared_experts", &diagnostics)
    if experts.isEmpty { diagnostics.append(.expertsMissing(at: fields.member("experts")?.keyPlace ?? node.start)) }
    if shared.count > 1 {
      diagnostics.append(.notSupported("more than one shared expert", at: shared[1].start, helps: []))
    }
    let base = fields["base_model"].flatMap { reference($0) }
    if fields["base_model"] == nil { diagnostics.append(.baseOfMixtureMissing(at: node.start)) }
    guard let base, let gate else { return nil }
    return MixtureDocument(
      base: base, experts: experts, shared: shared.first.flatMap { expert($0, needsPrompts, isShared: true) },
      gate: gate, perToken: perToken(fields), architecture: architecture(fields),
      precision: precision("dtype", fields)?.value)
  }

  /// - Parameter needsPrompts: Whether routers begin from prompts.
  private mutating func expert(
    _ node: YAMLNode, _ needsPrompts: Bool, isShared: Bool
  ) -> MixtureDocument.Expert? {
    guard let fields = FieldReader(node, .expert, &diagnostics) else { return nil }
    guard let model = fields["source_model"] else {
      diagnostics.append(.modelMissing(.expert, at: node.start))
      return nil
    }
    let (noise, scale) = (number("noise_scale", fields), number("residual_scale", fields))
    let prompts = texts("positive_prompts", fields)
    if needsPrompts, prompts?.isEmpty == true {
      let place = fields.member("positive_prompts")?.keyPlace ?? node.start
      diagnostics.append(.promptsMissing(isShared: isShared, at: place))
    }
    let negative = texts("negative_prompts", fields)
    return reference(model).map {
      MixtureDocument.Expert(
        reference: $0, noise: noise, residualScale: scale, prompts: prompts ?? [], negativePrompts: negative ?? [])
    }
  }

  /// A list of texts, empty where there is none; nil where it holds anything else, which is reported.
  private mutating func texts(_ key: String, _ fields: FieldReader) -> [String]? {
    let before = diagnostics.count
    let texts = fields.list(key, &diagnostics).compactMap { node -> String? in
      if let scalar = node.scalar, case .text = scalar.value { return scalar.text }
      diagnostics.append(.wrongKind(node, wanted: "`\(key)` is a list of texts", at: node.place))
      return nil
    }
    return diagnostics.count == before ? texts : nil
  }

  /// A number that is there; anything else is reported.
  private mutating func number(_ key: String, _ fields: FieldReader) -> Double? {
    guard let value = fields[key] else { return nil }
    guard case .number(let number)? = value.scalar?.value else {
      diagnostics.append(.wrongKind(value, wanted: "`\(key)` is a number", at: value.place))
      return nil
    }
    return number
  }

  /// How many experts each token goes to; a part of one is reported.
  private mutating func perToken(_ fields: FieldReader) -> Int? {
    guard let number = number("experts_per_token", fields), let value = fields["experts_per_token"] else { return nil }
    guard let count = Int(exactly: number) else {
      diagnostics.append(.wrongKind(value, wanted: "`experts_per_token` is a whole number", at: value.place))
      return nil
    }
    return count
  }

  /// How routers begin; from prompts, where the file does not say.
  private mutating func gate(_ fields: FieldReader) -> String? {
    let mode = fields.text("gate_mode", &diagnostics)
    let name = mode?.value ?? "hidden"
    let gate = MixtureDocument.gates[name] ?? MixtureDocument.promptGates[name]
    if gate == nil { diagnostics.append(.gateUnknown(name, at: mode?.place ?? fields.node.start)) }
    return gate
  }

  private mutating func architecture(_ fields: FieldReader) -> String? {
    guard let name = fields.text("architecture", &diagnostics) else { return nil }
    let wanted = name.value.lowercased()
    let found = MixtureDocument.architectures.filter { $0.key.hasPrefix(wanted) }.map(\.value).sorted().first
    if found == nil {
      diagnostics.append(.notSupported("the architecture `\(name.value)`", at: name.place, helps: []))
    }
    return found
  }
}
