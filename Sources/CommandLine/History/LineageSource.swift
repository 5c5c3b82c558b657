import Diagnostics
import Fingerprints
import Foundation
import Operations
import Pages
import Recipes
import Registry

/// Gathers what a page shows from the registry.
struct LineageSource {
  let registry: Registry
  let catalog: Catalog
  /// The working directory: paths below it are shown as seen from there, and of others only the last part, for a page is shown to
  /// people who need not know how somebody's disk is arranged.
  let directory: String

  /// A run under the name that the page calls it by.
  private typealias Entry = (run: Run, label: String, recipe: String)

  /// What some applies made or found.
  /// - Parameter applies: Newest first.
  func lineage(of applies: [Apply]) throws -> Lineage {
    // In the order of the plans, the oldest first, so that each stands behind what it was made from; called as it was called last.
    var labels: [Int: (label: String, recipe: String)] = [:]
    var order: [Int] = []
    for apply in applies.reversed() {
      for step in apply.steps {
        if labels.updateValue((step.label, apply.recipe), forKey: step.run) == nil { order.append(step.run) }
      }
    }
    let entries = try order.compactMap { number -> Entry? in
      guard let run = try registry.run(id: number), let (label, recipe) = labels[number] else { return nil }
      return (run, label, recipe)
    }
    let places = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.run.id, $0) })
    let pages = applies.map { apply in
      Lineage.Apply(
        id: apply.id, recipe: shown(apply.recipe), outcome: apply.outcome, message: apply.message,
        started: apply.started, finished: apply.finished,
        steps: apply.steps.compactMap { step in places[step.run].map { ($0, step.reused) } })
    }
    return try lineage(entries, title: title(of: applies), applies: pages, recipes: recipes(applies))
  }

  /// What artifacts were made from.
  func lineage(of artifacts: [Digest]) throws -> Lineage {
    let runs = try History(registry: registry, style: .plain).lineage(of: artifacts).reversed()
    guard let last = runs.last else {
      throw OperationError(
        .missing, "`\(artifacts.first?.short ?? "")` is in the registry, and no run that made it",
        helps: ["`mergekit log` lists the runs"])
    }
    let apply = try registry.applies(with: last.run.id).last
    return try lineage(
      runs.map { ($0.run, $0.label, $0.run.recipe) }, title: "How \(last.label) was made", applies: [],
      recipes: apply.map { recipes([$0]) } ?? [])
  }

  // MARK: Parts

  private func lineage(
    _ entries: [Entry], title: String, applies: [Lineage.Apply], recipes: [(path: String, listing: Listing)]
  ) throws -> Lineage {
    let labels = Dictionary(entries.map { ($0.run.output, $0.label) }) { first, _ in first }
    let makers = Dictionary(entries.enumerated().map { ($1.run.output, $0) }) { first, _ in first }
    let steps = try entries.enumerated().map { index, entry in
      try step(entry) { artifact in
        (labels[artifact] ?? artifact.short, makers[artifact].flatMap { $0 < index ? $0 : nil })
      }
    }
    return Lineage(
      title: title, steps: steps, applies: applies, recipes: recipes,
      environment: environment(of: entries.map(\.run)))
  }

  private func step(_ entry: Entry, maker: (Digest) -> (label: String, step: Int?)) throws -> Lineage.Step {
    let run = entry.run
    let info = try registry.info(of: run.output)
    let inputs = run.inputs.map { input in
      let (label, step) = maker(input.artifact)
      return Lineage.Step.Input(slot: input.slot, label: label, maker: step)
    }
    let settings = run.components.filter { $0.role == .parameter || $0.role == .source }.map { ($0.name, $0.value) }
    return Lineage.Step(
      run: run.id, label: entry.label, operation: run.operation, version: run.version, recipe: shown(entry.recipe),
      kind: info?.kind.name ?? catalog[run.operation]?.signature.output.name ?? "", artifact: run.output, key: run.key,
      started: run.started, seconds: run.seconds,
      inputs: inputs, settings: settings, facts: info?.facts ?? .object([]),
      size: info.map { TensorList($0).summary } ?? "",
      exports: try registry.exports(of: run.output).map { shown($0.path) },
      curves: try (run.curve.map { [$0] } ?? []) + searches(info))
  }

  /// What a search tried, as a curve: its metrics keep the `candidates`, a row for each, and beside them a score for each.
  private func searches(_ info: ArtifactInfo?) throws -> [Curve] {
    guard let info, info.kind == .metrics, let table = info.tensors.first(where: { $0.name == "candidates" }),
      table.shape.axes.count == 2,
      let scores = info.tensors.first(where: { $0.name != table.name && $0.shape.axes == [table.shape.axes[0]] }),
      let content = try registry.content(info.digest)
    else { return [] }
    let numbers = try content.tensor(scores.name).doubles
    let candidates = try content.tensor(table.name).doubles
    let width = table.shape.axes[1]
    let rows = numbers.indices.map { Array(candidates[$0 * width..<($0 + 1) * width]) }
    // Two shares of a whole are one number, and so is one number.
    let isLine = width == 1 || width == 2 && rows.allSatisfy { abs($0[0] + $0[1] - 1) < 1e-9 }
    let points = zip(rows.indices, zip(rows, numbers)).map { index, entry in
      Curve.Point(isLine ? entry.0[width - 1] : Double(index + 1), entry.1)
    }
    return [
      Curve(
        name: scores.name, unit: width == 1 ? "the parameter" : isLine ? "share of the second" : "candidates",
        points: points.sorted { $0.x < $1.x })
    ]
  }

  private func title(of applies: [Apply]) -> String {
    guard let newest = applies.first else { return "Nothing was applied yet" }
    guard Set(applies.map(\.recipe)).count == 1 else { return "What was made here" }
    let title = Recipe(Source(name: newest.recipe, text: newest.text), path: newest.recipe).title ?? ""
    return title.isEmpty ? shown(newest.recipe) : Listing.withoutPaths(title)
  }

  /// Each recipe as its newest apply read it.
  private func recipes(_ applies: [Apply]) -> [(path: String, listing: Listing)] {
    var seen: Set<String> = []
    return applies.filter { seen.insert($0.recipe).inserted }.map {
      (shown($0.recipe), Listing(Source(name: $0.recipe, text: $0.text)).withoutPaths)
    }
  }

  /// Each fact once, with all that it was.
  private func environment(of runs: [Run]) -> [(name: String, value: String)] {
    var values: [String: Set<String>] = [:]
    for (name, value) in runs.flatMap(\.environment) { values[name, default: []].insert(value) }
    return values.keys.sorted().map { ($0, values[$0, default: []].sorted().joined(separator: ", ")) }
  }

  private func shown(_ path: String) -> String {
    guard path.hasPrefix("/") else { return path }
    let folder = directory.hasSuffix("/") ? directory : directory + "/"
    return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : "…/" + (path as NSString).lastPathComponent
  }
}
