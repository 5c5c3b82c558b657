import Fingerprints
import Formats
import Foundation
import Operations
import Registry

/// Where an artifact comes from: the runs that led to it, the recipe that asked for it, and the published models it began with.
///
/// Nothing in it depends on when, where or by whom it was made: the same artifact of the same recipe has the same provenance.
public struct Provenance {
  /// What the lineage file calls its own form.
  public static let format = "mergekit-lineage/1"

  /// A model or adapter that was read from disk.
  struct Base {
    /// What the recipe calls it.
    let label: String
    let artifact: Digest
    let names: PublishedNames
  }

  /// What an artifact is to the models that it was made from, in the Hub's words.
  enum Relation: String { case adapter, finetune, merge }

  let artifact: Digest
  let kind: ArtifactKind
  /// Each after those that made what it read; the last made the artifact.
  let runs: [Run]
  let recipe: (name: String, text: String)?
  /// In the order in which the runs read them.
  let bases: [Base]
  /// None where the artifact is as it was read.
  let relation: Relation?
  /// The artifact's own facts.
  private let facts: JSON
  /// The names of its tensors in its own order, which its digest depends on; none where that is the order of their bytes, as files
  /// have them.
  private let order: [String]?

  /// - Parameter made: The run that made it; it need not be recorded yet.
  init(
    _ content: Content, made: Run, recipe: (name: String, text: String)?, catalog: Catalog, registry: Registry
  ) throws {
    artifact = made.output
    kind = content.kind
    facts = content.facts
    let names = content.tensors.map(\.name)
    let isSorted = !zip(names, names.dropFirst()).contains { $1.utf8.lexicographicallyPrecedes($0.utf8) }
    order = isSorted ? nil : names
    self.recipe = recipe
    let runs = try Self.runs(leadingTo: made, registry)
    self.runs = runs
    let read = runs.filter { run in run.inputs.isEmpty && run.components.contains { $0.role == .source } }
    bases = try read.compactMap { run in
      guard let info = try registry.info(of: run.output), [.checkpoint, .adapter].contains(info.kind) else {
        return nil
      }
      let names = PublishedNames(
        files: try registry.files(of: info.digest), loadedFrom: info.facts["_name_or_path"]?.string)
      return Base(label: run.label, artifact: run.output, names: names)
    }
    let plugins = Set(runs.compactMap { catalog[$0.operation]?.plugin })
    relation =
      content.kind == .adapter
      ? .adapter : plugins.contains("merging") ? .merge : plugins.contains("learning") ? .finetune : nil
  }

  /// The nearest published models that it was made from, each once, as the Hub calls them.
  var repositories: [String] {
    let named = bases.flatMap(\.names.nearest) + [facts["base_model_name_or_path"]?.string].compactMap { $0 }
    var seen: Set<String> = []
    return named.filter { PublishedNames.isName($0) && seen.insert($0).inserted }
  }

  private static func runs(leadingTo made: Run, _ registry: Registry) throws -> [Run] {
    var sorted: [Run] = []
    var seen: Set<Digest> = [made.output]
    var waiting: [(run: Run, next: Int)] = [(made, 0)]
    while let (run, next) = waiting.last {
      guard next < run.inputs.count else {
        sorted.append(run)
        waiting.removeLast()
        continue
      }
      waiting[waiting.count - 1].next += 1
      let input = run.inputs[next].artifact
      if seen.insert(input).inserted, let maker = try registry.maker(of: input) {
        waiting.append((maker, 0))
      }
    }
    return sorted
  }

  // MARK: Lineage file

  /// The runs with all that decided them, for programs.
  var json: JSON {
    let json: JSON = [
      "format": .string(Self.format), "mergekit": .string(Version.current), "artifact": .string(artifact.description),
      "kind": .string(kind.name), "recipe": recipe.map { .string($0.name) } ?? .null,
      "base_models": .array(bases.map(json)), "runs": .array(runs.map(json)),
    ]
    return order.map { json.setting("order", to: .array($0.map(JSON.string))) } ?? json
  }

  private func json(_ base: Base) -> JSON {
    [
      "label": .string(base.label), "artifact": .string(base.artifact.description),
      "repository": base.names.own.map(JSON.string) ?? .null, "base_models": .array(base.names.bases.map(JSON.string)),
    ]
  }

  private func json(_ run: Run) -> JSON {
    func named(_ role: Run.Component.Role) -> JSON {
      .object(run.components.filter { $0.role == role }.map { .init($0.name, .string($0.value)) })
    }
    return [
      "label": .string(run.label), "operation": .string(run.operation), "version": .integer(run.version),
      "key": .string(run.key.description), "output": .string(run.output.description), "settings": named(.parameter),
      "inputs": .array(run.inputs.map { ["slot": .string($0.slot), "artifact": .string($0.artifact.description)] }),
      "sources": named(.source),
    ]
  }
}
