import Diagnostics
import Fingerprints
import Formats
import Operations
import Tensors

extension Registry {
  /// An artifact, its tensors to be read from where they lie now; nil where any of its bytes are gone or damaged.
  ///
  /// - Throws: `OperationError` where the index itself is damaged.
  public func content(_ artifact: Digest) throws -> Content? {
    while true {
      guard let found = try index.read({ try locate(artifact, $0) }) ?? adoptObject(artifact) else { return nil }
      if found.isComplete { return try content(found) }
      // Objects that were moved, copied or touched are read once before they are believed again.
      guard try found.doubtful.contains(where: checkObject) else { return nil }
    }
  }

  /// What the index knows of an artifact.
  private struct Found: Sendable {
    var manifest: Manifest
    /// Where each part lies; nil where nowhere.
    var slices: [FileSlice?]
    /// Whether an object that describes it is there.
    var hasObject: Bool
    /// Objects whose bytes may have changed since they were last looked at.
    var doubtful: Set<String>

    var isComplete: Bool { hasObject && slices.allSatisfy { $0 != nil } }
  }

  private func locate(_ artifact: Digest, _ index: Connection) throws -> Found? {
    let row = try index.row("SELECT id, kind, facts FROM artifact WHERE digest = ?", artifact) { row in
      (try row.integer(0), kind: try row.text(1), facts: try row.json(2))
    }
    guard let (id, kind, facts) = row else { return nil }
    let parts = try index.parts(ofArtifact: id)
    let manifest = Manifest(kind: kind, facts: facts, parts: parts.map(\.part))
    guard manifest.digest == artifact else {
      throw OperationError(damagedIndex: index.path, "it says of `\(artifact)` what is not true")
    }
    var locator = Locator(self)
    let hasObject = try locator.hasObject(ofArtifact: id, index)
    let slices = try parts.map { try locator.slice(of: $0.part, tensor: $0.tensor, index) }
    return Found(manifest: manifest, slices: slices, hasObject: hasObject, doubtful: locator.doubtful)
  }

  private func content(_ found: Found) throws -> Content {
    var content = Content(ArtifactKind(found.manifest.kind), facts: found.manifest.facts)
    for (part, slice) in zip(found.manifest.parts, found.slices) {
      guard let slice else { preconditionFailure("a content was made of parts that are not there") }
      if part.isFile {
        content.files.append(SideFile(part.name, try bytes(of: part, slice)))
      } else {
        content.tensors.append(
          TensorEntry(part.name, dtype: part.dtype, shape: part.shape, digest: part.digest, in: slice))
      }
    }
    return content
  }

  private func bytes(of file: Manifest.Part, _ slice: FileSlice) throws -> [UInt8] {
    if let known = sideFiles.withLock({ $0[file.digest] }) { return known }
    let bytes = try slice.read().withBytes { [UInt8]($0) }
    sideFiles.withLock { $0[file.digest] = bytes }
    return bytes
  }

  // MARK: Objects

  /// Looks for the object of an artifact that the index has never heard of, and adds it to the index.
  private func adoptObject(_ artifact: Digest) throws -> Found? {
    guard !isReadOnly, let object = try? StoredObject(StoredObject.name(artifact, 1), in: path) else { return nil }
    try index.write { try $0.insert(object, stamp: .none) }
    return try index.read { try locate(artifact, $0) }
  }

  /// Reads an object that may have changed. If it is as it was stored, it is believed from now on; if not, it is
  /// forgotten.
  /// - Returns: Whether anything is known now that was not known before.
  func checkObject(_ name: String) throws -> Bool {
    do {
      let object = try StoredObject(name, in: path)
      try object.checkBytes()
      verified.withLock { $0[name] = object.stamp }
      if !isReadOnly { try index.write { try $0.insert(object, stamp: object.stamp) } }
      return true
    } catch let error as OperationError where [.corrupt, .missing, .data].contains(error.cause) {
      if !isReadOnly { try index.write { try $0.removeFile(name) } }
      return false
    }
  }
}

extension FileStamp {
  /// A stamp that no file has.
  static let none = FileStamp(device: -1, inode: -1, size: -1, modified: 0, changed: 0)
}

extension Row {
  func json(_ index: Int32) throws -> JSON {
    guard let json = try? JSON(parsing: Array(try text(index).utf8)) else { throw damaged("JSON", index) }
    return json
  }

  /// A part in its first five columns: name, whether it is a file, dtype, shape, digest.
  func part() throws -> Manifest.Part {
    guard let dtype = DType(rawValue: try text(2)) else { throw damaged("a dtype", 2) }
    guard let shape = Shape(try json(3), of: dtype) else { throw damaged("a shape", 3) }
    let name = try text(0)
    return Manifest.Part(
      name: name, isFile: try flag(1), dtype: dtype, shape: shape, objectName: name, digest: try digest(4))
  }
}
