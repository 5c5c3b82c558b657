import Fingerprints
import Formats

extension Registry {
  /// A file at a path, or in the folder there, that some artifacts were made from, in however many steps.
  public func source(of artifacts: [Digest], under path: String) throws -> String? {
    let path = Registry.absolute(path)
    let files = try index.read { index in
      try index.rows(
        "SELECT path, digest FROM file WHERE digest IS NOT NULL AND (path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/')",
        path
      ) { (path: try $0.text(0), digest: try $0.digest(1).description) }
    }
    guard !files.isEmpty else { return nil }
    let sources = Set(
      try ancestors(of: artifacts).flatMap(\.components).filter { $0.role == .source }.map(\.value))
    return files.first { sources.contains($0.digest) }?.path
  }

  /// The runs that made some artifacts and all that these were made from, each once.
  private func ancestors(of artifacts: [Digest]) throws -> [Run] {
    var waiting = artifacts
    var seen: Set<Digest> = []
    var found: [Run] = []
    while let next = waiting.popLast() {
      guard seen.insert(next).inserted, let run = try runs(producing: next).first else { continue }
      found.append(run)
      waiting += run.inputs.map(\.artifact)
    }
    return found
  }
}
