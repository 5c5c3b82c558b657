import Diagnostics
import Operations

extension RecipeWriter {
  /// Writes the recipe of a mixture of experts.
  mutating func write(_ document: MixtureDocument, at place: Place) {
    guard catalog["moe"] != nil else {
      diagnostics.append(.notSupported("a mixture of experts", at: place, helps: []))
      return
    }
    let base = finder.find(document.base, isBase: true).name
    var arguments = ["base: \(base)", "experts: [\(document.experts.map { expert($0) }.joined(separator: ", "))]"]
    if let shared = document.shared { arguments.append("shared: \(expert(shared))") }
    if let architecture = document.architecture { arguments.append("architecture: .\(architecture)") }
    if let count = document.perToken { arguments.append("per_token: \(count)") }
    arguments.append("gate: .\(document.gate)")
    if document.readsPrompts { arguments += prompts(document) }
    if document.experts.contains(where: { $0.noise != nil }) {
      let noises = document.experts.map { Value.number($0.noise ?? 0).canonical }
      arguments.append("noise: [\(noises.joined(separator: ", "))]")
    }
    if document.shared?.noise != nil {
      diagnostics.append(.notSupported("noise in a shared expert", at: place, helps: []))
    }
    add("moe(\(arguments.joined(separator: ", ")))", as: "merged", remarks: remarks(document))
    exportMerged(precision: document.precision)
  }

  private func prompts(_ document: MixtureDocument) -> [String] {
    func texts(_ texts: [String]) -> Value { .list(texts.map(Value.text)) }
    let (experts, shared) = (document.experts, document.shared)
    let settings: [(name: String, value: Value, isGiven: Bool)] = [
      ("prompts", .list(experts.map { texts($0.prompts) }), true),
      (
        "negative_prompts", .list(experts.map { texts($0.negativePrompts) }),
        experts.contains { !$0.negativePrompts.isEmpty }
      ),
      ("shared_prompts", texts(shared?.prompts ?? []), shared != nil),
      ("shared_negative_prompts", texts(shared?.negativePrompts ?? []), shared?.negativePrompts.isEmpty == false),
    ]
    return settings.filter(\.isGiven).map { "\($0.name): \($0.value.canonical)" }
  }

  private func remarks(_ document: MixtureDocument) -> [String] {
    let precision = "The base runs in float32 here, and in bfloat16 in mergekit: routers differ by its rounding."
    switch document.gate {
    case "hidden": return [precision]
    case "hidden_mean":
      return [
        precision, "A prompt counts with its own tokens here; mergekit counts the padding of shorter ones with them.",
      ]
    case "embedding": return []
    default:
      let random = "Routers begin at random, and know nothing of the experts until they are trained."
      return [random]
        + (document.hasPrompts ? ["As in mergekit, only routers that begin in other ways look at prompts."] : [])
    }
  }

  /// An expert as `moe` takes it: its model, the last matrix of each layer scaled where the file says so.
  private mutating func expert(_ expert: MixtureDocument.Expert) -> String {
    let name = finder.find(expert.reference).name
    guard let scale = expert.residualScale else { return name }
    let arm = "\"*.mlp.down_proj.weight\" => \(Value.number(scale).canonical)"
    return "passthrough(\(name), scale: match tensor { \(arm), _ => 1 })"
  }
}
