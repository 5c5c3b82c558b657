import Fingerprints
import Formats
import Operations
import Recipes
import Registry

/// Inputs are hashed before anything runs, for a digest says what is there already. Where nothing can be, because neither a step nor what
/// it reads was ever seen, that would read every input twice: then the step that reads them hashes them on the way.
extension Planner {
  /// The steps that read nothing but files, that one tensorwise step alone reads, and that have never run before, nor has that step.
  func stepsReadOnce(among needed: [StepID], _ roots: [StepID]) throws -> Set<StepID> {
    var readers: [StepID: Set<StepID>] = [:]
    for id in needed { for read in graph[id].dependencies { readers[read, default: []].insert(id) } }
    return Set(
      try needed.filter { id in
        guard graph[id].dependencies.isEmpty, !roots.contains(id), let reader = readers[id]?.first,
          readers[id]?.count == 1
        else { return false }
        let isTensorwise = catalog[graph[reader].operation]?.operation is any TensorwiseOperation.Type
        return try isTensorwise && !hasRun(id) && !hasRun(reader)
      })
  }

  /// Whether a step reads files, and one of them is not known.
  func isNew(_ binding: StepBinding) throws -> Bool {
    guard let registry else { return false }
    return try !binding.sources().allSatisfy { try registry.isFingerprinted(file: $0.path) }
  }

  /// Stands for the artifact of such a step until it is known: while the files stay as they are, so does this.
  func standIn(of binding: StepBinding) throws -> Digest {
    let sources = try binding.sources().map { name, path in
      var encoder = FingerprintEncoder(domain: "mergekit-unhashed/1")
      encoder.add(path)
      if let stamp = FileStamp(path: path) {
        for number in [stamp.device, stamp.inode, stamp.size, stamp.modified, stamp.changed] { encoder.add(number) }
      }
      return (name, encoder.digest)
    }
    return StepKey(binding.entry.signature, settings: binding.settings, inputs: [], sources: sources).digest
  }

  private func hasRun(_ id: StepID) throws -> Bool { try lastRun(graph[id], graph.origins[id.index]) != nil }
}
