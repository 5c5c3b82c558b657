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
  /// Whether prompts are given, which routers that begin at random do not look at.
  let hasPrompts: Bool
}

extension MixtureDocument {
  /// What the file calls ways for routers to begin, and what `gate` of `moe` calls them.
  static let gates = ["random": "random", "uniform_random": "uniform"]
  /// Ways that run the prompts through the model.
  static let promptGates = ["hidden", "cheap_embed"]
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
    let members = fields.list("experts", &diagnostics)
    let experts = members.compactMap { expert($0) }
    let shared = fields.list("shared_experts", &diagnostics)
    if experts.isEmpty { diagnostics.append(.expertsMissing(at: fields.member("experts")?.keyPlace ?? node.start)) }
    if shared.count > 1 {
      diagnostics.append(.notSupported("more than one shared expert", at: shared[1].start, helps: []))
    }
    let gate = gate(fields)
    let base = fields["base_model"].flatMap { reference($0) }
    if fields["base_model"] == nil { diagnostics.append(.baseOfMixtureMissing(at: node.start)) }
    let hasPrompts = (members + shared).contains { expert in
      expert.mapping?.contains { $0.key.hasSuffix("_prompts") && !$0.value.isNull } == true
    }
    guard let base, let gate else { return nil }
    return MixtureDocument(
      base: base, experts: experts, shared: shared.first.flatMap { expert($0) }, gate: gate,
      perToken: perToken(fields),
      architecture: architecture(fields), precision: precision("dtype", fields)?.value, hasPrompts: hasPrompts)
  }

  private mutating func expert(_ node: YAMLNode) -> MixtureDocument.Expert? {
    guard let fields = FieldReader(node, .expert, &diagnostics) else { return nil }
    guard let model = fields["source_model"] else {
      diagnostics.append(.modelMissing(.expert, at: node.start))
      return nil
    }
    let (noise, scale) = (number("noise_scale", fields), number("residual_scale", fields))
    return reference(model).map { MixtureDocument.Expert(reference: $0, noise: noise, residualScale: scale) }
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
    if let gate = MixtureDocument.gates[name] { return gate }
    let place = mode?.place ?? fields.node.start
    diagnostics.append(
      MixtureDocument.promptGates.contains(name) ? .routersFromPrompts(name, at: place) : .gateUnknown(name, at: place))
    return nil
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
