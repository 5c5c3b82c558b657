import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Recipes

@testable import Pages

/// Lineages that no registry has, as large and as odd as one likes.
extension Lineage {
  /// Seeds that are trained, merged with their neighbours and measured, and a summary of all.
  static func sample(steps count: Int, text: String = "") -> Lineage {
    var steps: [Step] = []
    func add(_ label: String, _ operation: String, _ kind: String, _ inputs: [Int], facts: JSON = .object([])) -> Int {
      let number = steps.count
      let digest = Digest(String(format: "%064x", number * 7919 + 1))!
      steps.append(
        Step(
          run: number + 1, label: label + text, operation: operation, version: 1, recipe: "Recipes/sample.rcp" + text,
          kind: kind, artifact: digest, key: digest, started: Date(timeIntervalSince1970: 1e9 + Double(number) / 2),
          seconds: 0.5, inputs: inputs.map { .init(slot: "models[\($0)]", label: steps[$0].label, maker: $0) },
          settings: [("epochs", "10"), ("rate", "0.001"), ("schedule", ".cosine"), ("note", text)], facts: facts,
          size: "4 tensors, 4810 entries, 18.8 KiB of F32", exports: number == 4 ? ["out/\(label)" + text] : [],
          curves: operation == "finetune"
            ? [Curve(name: "loss" + text, unit: "steps", points: (1...20).map { .init(Double($0), 1 / Double($0)) })]
            : []))
      return number
    }
    let data = add("train", "dataset", "dataset", [])
    var last: Int?
    var scores: [Int] = []
    var seed = 0
    while steps.count < count - 1 {
      let start = add("starts[\(seed)]", "classifier", "checkpoint", [])
      let tuned = add("tuned[\(seed)]", "finetune", "checkpoint", [start, data])
      let merged = add("merged[\(seed)]", "average", "checkpoint", [tuned, last ?? start])
      let share = Double(seed % 10) / 10
      let facts: JSON = [
        "accuracy": .number(share), "accuracy_interval": [.number(share / 2), .number((1 + share) / 2)],
        "note": .string(text),
      ]
      scores.append(add("scores[\(seed)]", "evaluate", "metrics", [merged, data], facts: facts))
      last = merged
      seed += 1
    }
    _ = add("all", "summary", "metrics", scores, facts: ["mean": 0.5, "spread": 0.1])
    let apply = Apply(
      id: 1, recipe: "Recipes/sample.rcp" + text, outcome: "ok", message: text,
      started: Date(timeIntervalSince1970: 1e9), finished: Date(timeIntervalSince1970: 1e9 + 60),
      steps: steps.indices.map { ($0, reused: $0 == 0) })
    let recipe = "recipe \"Sample\"\n# why\nlet scores = [for model in models: evaluate(model, limit: 5)]\n\(text)\n"
    return Lineage(
      title: "Sample" + text, steps: steps, applies: [apply],
      recipes: [("Recipes/sample.rcp" + text, Listing(Source(name: "sample", text: recipe)))],
      environment: [("processors" + text, "2" + text)])
  }
}
