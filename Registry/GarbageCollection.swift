import Diagnostics
import Fingerprints
import Formats
import Foundation

/// What of a registry is kept, and what of it nobody has asked to keep.
///
/// Kept is what has a name, what was measured, what the last applies made or found, and what was made lately; with it goes
/// every object that holds one of its tensors. Receipts and applies are history and stay for ever: only bytes go.
public struct GarbageCollection: Sendable {
  /// What is kept although it has no name.
  public struct Limits: Sendable {
    /// The results of so many of the last applies.
    public var applies = 20
    /// What was made in so many seconds before now.
    public var seconds = 14 * 86400.0
    /// The most bytes that objects may take; the newest are kept first.
    /// What has a name or was measured is kept whatever it takes.
    public var bytes = Int.max

    public init() {}
  }

  /// Why an artifact is kept.
  public enum Reason: Sendable, Hashable {
    /// It has this name.
    case named(String)
    /// It is what was measured, which is small and history.
    case measured
    /// An apply of this number made it, or found it there.
    case applied(Int)
    /// A run of this number made it not long ago.
    case recent(run: Int)

    /// Whether it is kept only as long as there is room.
    fileprivate var counts: Bool {
      switch self {
      case .named, .measured: false
      case .applied, .recent: true
      }
    }
  }

  /// An object that nothing needs which is kept.
  public struct Garbage: Sendable {
    public let artifact: Digest
    public let bytes: Int
    /// Seen from the registry.
    let name: String
    let file: Int
  }

  /// In the order of the artifacts' rows, oldest first.
  public let garbage: [Garbage]
  public let kept: [Digest: Reason]
  /// Objects that stay, and their bytes.
  public let keptObjects: Int
  public let keptBytes: Int

  /// Bytes that are free once the garbage is gone.
  public var garbageBytes: Int { garbage.reduce(0) { $0 + $1.bytes } }
}

/// Marks what is kept.
private struct Marking {
  let limits: GarbageCollection.Limits
  let objects: [Int: (name: String, artifact: Int, bytes: Int)]
  private(set) var kept: [Digest: GarbageCollection.Reason] = [:]
  private(set) var needed: Set<Int> = []
  private(set) var bytes = 0

  /// - Parameter registry: The folder that objects are named from.
  init(_ limits: GarbageCollection.Limits, _ index: Connection, in registry: String) throws {
    self.limits = limits
    let rows = try index.rows("SELECT id, path, artifact FROM file WHERE artifact IS NOT NULL") { row in
      let name = try row.text(1)
      let bytes = FileStamp(path: registry + "/" + name)?.size ?? 0
      return (try row.integer(0), (name: name, artifact: try row.integer(2), bytes: bytes))
    }
    objects = Dictionary(uniqueKeysWithValues: rows)
  }

  /// Keeps an artifact with all objects that it needs, if there is room for them.
  mutating func keep(_ artifact: Digest, _ reason: GarbageCollection.Reason, _ index: Connection) throws {
    guard kept[artifact] == nil, let id = try index.artifact(artifact) else { return }
    var wanted: Set<Int> = []
    if let described = try index.row(
      "SELECT id FROM file WHERE artifact = ? ORDER BY id", id, read: { try $0.integer(0) })
    {
      wanted.insert(described)
    }
    // Where a tensor lies in several objects, one that is kept anyway will do.
    var (tensor, places): (Int, [Int]) = (-1, [])
    func choose() {
      guard let first = places.first, !places.contains(where: { needed.contains($0) || wanted.contains($0) }) else {
        return
      }
      wanted.insert(first)
    }
    let rows = try index.rows(
      """
      SELECT part.tensor, location.file FROM part JOIN location ON location.tensor = part.tensor
      WHERE part.artifact = ? ORDER BY part.tensor, location.file
      """, id
    ) { (try $0.integer(0), try $0.integer(1)) }
    for (next, file) in rows where objects[file] != nil {
      if next != tensor {
        choose()
        (tensor, places) = (next, [])
      }
      places.append(file)
    }
    choose()
    let new = wanted.subtracting(needed)
    let more = new.reduce(0) { $0 + (objects[$1]?.bytes ?? 0) }
    if reason.counts, more > limits.bytes - min(bytes, limits.bytes) { return }
    kept[artifact] = reason
    needed.formUnion(new)
    bytes += more
  }
}

extension Registry {
  /// Finds what nothing needs that is kept. Changes nothing.
  ///
  /// It goes over each artifact, its parts and each run once.
  /// - Throws: `OperationError` of cause `.corrupt` where a name cannot be read: what it named must not pass for garbage.
  public func garbage(_ limits: GarbageCollection.Limits) throws -> GarbageCollection {
    let refs = try refs()
    if !isReadOnly { try adoptObjects() }
    return try index.read { index in
      var marking = try Marking(limits, index, in: path)
      for ref in refs { try marking.keep(ref.artifact, .named(ref.name), index) }
      let measured = try index.rows("SELECT digest FROM artifact WHERE kind = 'metrics'") { try $0.digest(0) }
      for artifact in measured { try marking.keep(artifact, .measured, index) }
      let applies = try index.rows("SELECT id FROM apply ORDER BY id DESC LIMIT ?", limits.applies) {
        try $0.integer(0)
      }
      for apply in try applies.compactMap({ try index.apply(id: $0) }) {
        // One that was killed has told of no steps; whoever goes on with it needs what it has left.
        let runs = try apply.status == .running ? index.runs(ofUnfinished: apply) : apply.steps.map(\.run)
        for run in runs {
          let output = try index.row("SELECT output FROM run WHERE id = ?", run) { try $0.digest(0) }
          if let output { try marking.keep(output, .applied(apply.id), index) }
        }
      }
      let since = Date().timeIntervalSince1970 - limits.seconds
      let recent = try index.rows("SELECT id, output FROM run WHERE started + seconds >= ? ORDER BY id DESC", since) {
        (try $0.integer(0), try $0.digest(1))
      }
      for (run, output) in recent { try marking.keep(output, .recent(run: run), index) }
      let garbage = try marking.objects.filter { !marking.needed.contains($0.key) }.sorted { $0.key < $1.key }.map {
        file, object in
        let digest = try index.row("SELECT digest FROM artifact WHERE id = ?", object.artifact) { try $0.digest(0) }
        return GarbageCollection.Garbage(
          artifact: digest ?? .zero, bytes: object.bytes, name: object.name, file: file)
      }
      return GarbageCollection(
        garbage: garbage, kept: marking.kept, keptObjects: marking.needed.count, keptBytes: marking.bytes)
    }
  }

  /// Deletes garbage: first the index forgets it, then it goes. A process that dies in between leaves objects that nothing
  /// knows of, and the next collection finds them.
  ///
  /// The registry must have been opened `.alone`: anybody else could be about to refer to what goes.
  public func delete(_ collection: GarbageCollection) throws {
    precondition(isAlone, "only who is alone in a registry may take anything away")
    try index.write { index in
      for object in collection.garbage { try index.run("DELETE FROM file WHERE id = ?", object.file) }
      try index.run(
        "DELETE FROM artifact WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.artifact = artifact.id)")
      try index.run(
        """
        DELETE FROM tensor WHERE NOT EXISTS (SELECT 1 FROM part WHERE part.tensor = tensor.id)
        AND NOT EXISTS (SELECT 1 FROM location WHERE location.tensor = tensor.id)
        """)
    }
    for object in collection.garbage { unlink(layout.absolute(object.name)) }
    try sweepRest()
  }

  /// Removes what is neither truth nor needed: how far stopped steps had come, locks of nobody, records of exports that later ones replaced, and what repairs
  /// have put aside.
  private func sweepRest() throws {
    for name in try names(in: layout.locks) where Digest(name.replacing(".lock", with: "")) != nil {
      try FileLock.take("\(layout.locks)/\(name)", .exclusive)?.remove()
    }
    let (known, last) = try index.read { index in
      (Set(try index.rows("SELECT id FROM export") { try $0.integer(0) }), try index.lastID(of: "export"))
    }
    for number in try layout.exports.numbers() where number < last && !known.contains(number) {
      unlink(layout.exports.path(number))
    }
    try? FileManager.default.removeItem(atPath: layout.quarantine)
    try? FileManager.default.removeItem(atPath: layout.unfinished)
  }

  /// Adds objects to the index that it does not know: those of an older index, or of one who died.
  private func adoptObjects() throws {
    let known = try index.read { index in
      Set(try index.rows("SELECT path FROM file WHERE artifact IS NOT NULL") { try $0.text(0) })
    }
    let unknown = try layout.objectNames().filter { !known.contains($0) }
    let objects = unknown.compactMap { try? StoredObject($0, in: path) }
    if !objects.isEmpty {
      try index.write { index in for object in objects { try index.insert(object, stamp: .none) } }
    }
  }
}
