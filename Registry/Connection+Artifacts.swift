import Fingerprints
import Formats
import Operations
import Tensors

/// Artifacts, tensors and their locations as rows.
extension Connection {
  /// Writes the rows of an artifact; does nothing where they are there.
  /// - Returns: The artifact's row.
  @discardableResult
  func insert(_ manifest: Manifest, digest: Digest) throws -> Int {
    if let id = try artifact(digest) { return id }
    try run(
      "INSERT INTO artifact (digest, kind, facts) VALUES (?, ?, ?)", digest, manifest.kind, manifest.facts.compact)
    let artifact = lastInsertedID
    for (position, part) in manifest.parts.enumerated() {
      try run(
        "INSERT INTO part VALUES (?, ?, ?, ?, ?)", artifact, position, part.name, part.isFile,
        tensor(part.digest, part.dtype, part.shape))
    }
    return artifact
  }

  func artifact(_ digest: Digest) throws -> Int? {
    try row("SELECT id FROM artifact WHERE digest = ?", digest) { try $0.integer(0) }
  }

  /// The row of a tensor, made where it is missing.
  func tensor(_ digest: Digest, _ dtype: DType, _ shape: Shape) throws -> Int {
    if let id = try row("SELECT id FROM tensor WHERE digest = ?", digest, read: { try $0.integer(0) }) { return id }
    try run(
      "INSERT INTO tensor (digest, dtype, shape, bytes) VALUES (?, ?, ?, ?)", digest, dtype.rawValue,
      shape.json.compact, shape.count * dtype.size)
    return lastInsertedID
  }

  /// The row of a file as it is now; what was known of an earlier state is forgotten.
  func file(_ path: String, _ stamp: FileStamp, artifact: Int? = nil) throws -> Int {
    if let (id, known) = try row(
      "SELECT id, device, inode, size, modified, changed FROM file WHERE path = ?", path,
      read: { (try $0.integer(0), try $0.stamp(1)) })
    {
      if known == stamp { return id }
      try run("DELETE FROM file WHERE id = ?", id)
    }
    try run(
      "INSERT INTO file (path, artifact, device, inode, size, modified, changed) VALUES (?, ?, ?, ?, ?, ?, ?)", path,
      artifact, stamp.device, stamp.inode, stamp.size, stamp.modified, stamp.changed)
    return lastInsertedID
  }

  func insertLocation(_ tensor: Int, _ digest: Digest, file: Int, path: String, start: Int) throws {
    try run(
      "INSERT INTO location VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seal = excluded.seal", file, start, tensor,
      Location.seal(digest, path, start))
  }

  /// Writes the rows of an object.
  /// - Parameter stamp: The stamp under which its bytes are believed; one that no file has where they were not looked
  ///   at yet.
  func insert(_ object: StoredObject, stamp: FileStamp) throws {
    let artifact = try insert(object.manifest, digest: object.manifest.digest)
    let file = try file(object.name, stamp, artifact: artifact)
    for (part, slice) in object.stored {
      let part = object.manifest.parts[part]
      try insertLocation(
        tensor(part.digest, part.dtype, part.shape), part.digest, file: file, path: object.name, start: slice.offset)
    }
  }

  /// Forgets a file and all that lies in it.
  func removeFile(_ path: String) throws { try run("DELETE FROM file WHERE path = ?", path) }
}

/// Where a tensor lies.
enum Location {
  /// What says that a row of locations is as it was written.
  static func seal(_ tensor: Digest, _ path: String, _ start: Int) -> Int {
    var encoder = FingerprintEncoder(domain: "mergekit-location/1")
    encoder.add(tensor)
    encoder.add(path)
    encoder.add(start)
    return encoder.digest.bytes.prefix(8).reduce(0) { $0 << 8 | Int($1) }
  }
}

extension Row {
  /// A stamp in five columns.
  func stamp(_ index: Int32) throws -> FileStamp {
    try FileStamp(
      device: integer(index), inode: integer(index + 1), size: integer(index + 2), modified: integer(index + 3),
      changed: integer(index + 4))
  }
}
