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
    if document.experts.contains(where: { $0.noise != nil }) {
      let noises = document.experts.map { Value.number($0.noise ?? 0).canonical }
      arguments.append("noise: [\(noises.joined(separator: ", "))]")
    }
    if document.shared?.noise != nil {
      diagnostics.append(.notSupported("noise in a shared expert", at: place, helps: []))
    }
    var remarks = ["Routers begin at random, and know nothing of the experts until they are trained."]
    if document.hasPrompts { remarks.append("As in mergekit, only routers that begin in other ways look at prompts.") }
    add("moe(\(arguments.joined(separator: ", ")))", as: "merged", remarks: remarks)
    exportMerged(precision: document.precision)
  }

  /// An expert as `moe` takes it: its model, the last matrix of each layer scaled where the file says so.
  private mutating func expert(_ expert: MixtureDocument.Expert) -> String {
    let name = finder.find(expert.reference).name
    guard let scale = expert.residualScale else { return name }
    let arm = "\"*.mlp.down_proj.weight\" => \(Value.number(scale).canonical)"
    return "passthrough(\(name), scale: match tensor { \(arm), _ => 1 })"
  }
}
