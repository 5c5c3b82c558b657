import Diagnostics
import Fingerprints
import Foundation
import Operations
import Registry

extension Invocation {
  /// Where the registry is, or would be.
  private var registryPath: (path: String, isThere: Bool) {
    let environment = program.environment["MERGEKIT_REGISTRY"].flatMap { $0.isEmpty ? nil : $0 }
    if let named = arguments[Options.registry] ?? environment {
      return (absolute(named), FileManager.default.fileExists(atPath: absolute(named)))
    }
    if let found = Registry.find(from: directory) { return (found, true) }
    return (absolute(".mergekit"), false)
  }

  /// Opens the registry; nil where there is none yet.
  func openRegistry(_ access: Registry.Access = .readWrite) throws -> Registry? {
    let (path, isThere) = registryPath
    guard isThere else { return nil }
    let registry = try Registry.open(path, access: access)
    // `doctor` says it in its own place.
    if arguments.command.name != "doctor", let killed = try registry.killedApply() { warn([killed.warning]) }
    return registry
  }

  /// Opens the registry to write to it where that is allowed, else only to read; nil where there is none yet.
  func openRegistryAsAllowed() throws -> Registry? {
    do {
      return try openRegistry(.readWrite)
    } catch let error as OperationError where error.cause == .permission {
      return try openRegistry(.readOnly)
    }
  }

  /// Opens the registry, and makes it first where there is none.
  func createRegistry() throws -> Registry { try Registry.open(registryPath.path) }

  /// Makes the registry's index anew, and opens it; nil where there is no registry.
  func rebuildIndex() throws -> Registry? {
    let (path, isThere) = registryPath
    return isThere ? try Registry.rebuildIndex(path) : nil
  }

  // MARK: Finding

  /// What a word of the command line means.
  enum Finding {
    case artifact(Digest)
    case run(Run)
    /// The recipe's file, seen from the working directory.
    case recipe(String)
    /// A model's folder or file, seen from the working directory.
    case model(String)
  }

  /// Finds a thing by its file, its digest or the first digits of it, its number, or its name.
  /// - Throws: `OperationError` of cause `.missing`, saying what would have done.
  func find(_ word: String, in registry: Registry?) throws -> Finding {
    if word.hasSuffix(".rcp") { return .recipe(PathSearch.existing(word, from: directory) ?? word) }
    if let registry, let found = try find(word, among: registry.resolve(word), in: registry) { return found }
    if let path = PathSearch.existing(word, from: directory) { return .model(path) }
    throw OperationError(
      .missing, "there is nothing called `\(word)`",
      notes: ["looked for a file, a digest, a run's number and a name in a recipe"],
      helps: ["`mergekit log` lists what was made"])
  }

  /// A run's number means the run; its name means what it made.
  private func find(_ word: String, among references: [Reference], in registry: Registry) throws -> Finding? {
    for case .run(let number) in references {
      guard let run = try registry.run(id: number) else { continue }
      return Int(word) == number ? .run(run) : .artifact(run.output)
    }
    let artifacts = references.compactMap { if case .artifact(let digest) = $0 { digest } else { nil } }
    guard artifacts.count > 1 else { return artifacts.first.map { .artifact($0) } }
    throw OperationError(
      .missing, "`\(word)` begins the digests of \(artifacts.count) artifacts",
      notes: artifacts.prefix(5).map { "`\($0.hex)`" }, helps: ["write more digits"])
  }

  /// Finds an artifact.
  func findArtifact(_ word: String, in registry: Registry) throws -> Digest {
    switch try find(word, in: registry) {
    case .artifact(let digest): return digest
    case .run(let run): return run.output
    case .model(let path):
      guard let export = try exported(path, in: registry), let digest = export.artifacts.first else {
        throw OperationError(
          .missing, "`\(word)` is no export of this registry", helps: ["`mergekit log` lists the artifacts there are"])
      }
      guard export.changed.isEmpty else {
        throw OperationError(
          .missing, "`\(word)` is no longer what was exported: \(export.changed.joined(separator: ", ")) changed since",
          helps: ["`mergekit show \(digest.short)` shows what it was"])
      }
      return digest
    case .recipe:
      throw OperationError(
        .missing, "`\(word)` is a recipe, not an artifact", helps: ["`mergekit show \(word)` lists what it made"])
    }
  }

  /// Whether two paths, seen from the working directory, are the same.
  func isSameFile(_ a: String, _ b: String) -> Bool {
    (absolute(a) as NSString).standardizingPath == (absolute(b) as NSString).standardizingPath
  }
}

extension KilledApply {
  /// That it died, and how to go on.
  var warning: Diagnostic {
    let kept = runs == 0 ? "it had finished no step" : "\(Measure.count(runs, "step")) that it had finished are kept"
    let command = apply.command.isEmpty ? "mergekit apply \(apply.recipe)" : apply.command
    return Diagnostic(
      .warning, "apply \(apply.id) of `\(apply.recipe)` was killed before it was done; \(kept)", at: nil,
      helps: ["`\(command)` goes on from there"])
  }
}
