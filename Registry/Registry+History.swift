import Fingerprints
import Formats
import Operations
import Tensors

/// What the registry knows of an artifact, whether or not its bytes are still there.
public struct ArtifactInfo: Sendable {
  /// One of its tensors.
  public struct Tensor: Sendable {
    public let name: String
    public let dtype: DType
    public let shape: Shape
    public let digest: Digest

    public var byteCount: Int { shape.count * dtype.size }
  }

  public let digest: Digest
  public let kind: ArtifactKind
  public let facts: JSON
  public let tensors: [Tensor]
  /// One of its side files.
  public struct File: Sendable {
    public let name: String
    /// Of its bytes, as of a tensor of them.
    public let digest: Digest
  }

  public let sideFiles: [File]

  /// Bytes of its tensors and files.
  public let byteCount: Int
}

/// What a text on the command line may mean.
public enum Reference: Sendable, Hashable {
  case artifact(Digest)
  case run(Int)
  case apply(Int)
}

extension Registry {
  /// Looks at an artifact without looking for its bytes; nil where it was never stored here.
  public func info(of artifact: Digest) throws -> ArtifactInfo? {
    try index.read { index in
      let row = try index.row("SELECT id, kind, facts FROM artifact WHERE digest = ?", artifact) { row in
        (try row.integer(0), kind: try row.text(1), facts: try row.json(2))
      }
      guard let (id, kind, facts) = row else { return nil }
      let parts = try index.parts(ofArtifact: id).map(\.part)
      return ArtifactInfo(
        digest: artifact, kind: ArtifactKind(kind), facts: facts,
        tensors: parts.filter { !$0.isFile }.map {
          .init(name: $0.name, dtype: $0.dtype, shape: $0.shape, digest: $0.digest)
        },
        sideFiles: parts.filter(\.isFile).map { .init(name: $0.name, digest: $0.digest) },
        byteCount: parts.reduce(0) { $0 + $1.byteCount })
    }
  }

  /// The files outside the registry that have tensors of an artifact, those with most of them first.
  public func files(of artifact: Digest) throws -> [String] {
    try index.read { index in
      try index.rows(
        """
        SELECT path FROM artifact JOIN part ON part.artifact = artifact.id JOIN location ON location.tensor = part.tensor
        JOIN file ON file.id = location.file
        WHERE artifact.digest = ? AND file.artifact IS NULL GROUP BY file.id ORDER BY count(*) DESC, path
        """, artifact
      ) { try $0.text(0) }
    }
  }

  /// Everything that a text may mean: a name that was given with `ref`, and then nothing else; the beginning of an artifact's digest (at least four digits), the number of a
  /// run, or what a recipe called a step, which means its newest run. Exact meanings come first.
  public func resolve(_ text: String) throws -> [Reference] {
    if let ref = try ref(text) { return [.artifact(ref.artifact)] }
    return try index.read { index in
      var found: [Reference] = []
      if let number = Int(text), try index.run(id: number) != nil { found.append(.run(number)) }
      if let run = try index.row(
        """
        SELECT run FROM (
          SELECT apply_step.run AS run, apply_step.apply AS apply FROM apply_step JOIN run ON run.id = apply_step.run
          WHERE apply_step.label = ?1
          UNION ALL SELECT id, 0 FROM run WHERE label = ?1
        ) ORDER BY apply DESC, run DESC
        """, text, read: { try $0.integer(0) })
      {
        found.append(.run(run))
      }
      return try found + index.artifacts(beginning: text).map(Reference.artifact)
    }
  }
}

extension Connection {
  /// The parts of an artifact, in order, each with its tensor's row.
  func parts(ofArtifact id: Int) throws -> [(part: Manifest.Part, tensor: Int)] {
    try rows(
      """
      SELECT name, is_file, dtype, shape, digest, tensor FROM part JOIN tensor ON tensor.id = part.tensor
      WHERE artifact = ? ORDER BY position
      """, id
    ) { row in (try row.part(), try row.integer(5)) }
  }

  /// The artifacts whose digests begin with some hexadecimal digits, in order.
  fileprivate func artifacts(beginning text: String) throws -> [Digest] {
    let digits = text.hasPrefix("b3:") ? String(text.dropFirst(3)) : text
    guard (4...64).contains(digits.utf8.count), digits.allSatisfy(\.isHexDigit) else { return [] }
    let padding = 64 - digits.utf8.count
    guard let first = Digest(digits + String(repeating: "0", count: padding)),
      let last = Digest(digits + String(repeating: "f", count: padding))
    else { return [] }
    return try rows("SELECT digest FROM artifact WHERE digest BETWEEN ? AND ? ORDER BY digest", first, last) {
      try $0.digest(0)
    }
  }
}
