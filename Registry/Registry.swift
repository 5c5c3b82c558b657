import Diagnostics
import Fingerprints
import Formats
import Foundation
import Synchronization

/// Where artifacts, runs and their lineage are kept.
///
///     .mergekit/
///       VERSION                             the layout's version
///       objects/ab/ab….safetensors          immutable: an artifact's description and the tensors that were made for it
///       receipts/0/12.json                  immutable: one for each finished step
///       applies/0/3.json                    one for each `apply`
///       exports/0/5.json                    immutable: what was exported, and which files it consists of
///       refs/base@v3.json                   names that people gave: what they name is kept
///       index.sqlite                        what everything asks; made of the first four above
///       locks/                              locks of the kernel, for steps that are being run
///       tmp/                                files that are being written, one folder a process
///
/// Truth comes first and the index last: a file is whole and on the disk before anything names it. So a process may be
/// killed at any moment, and several may use one registry.
public final class Registry: Sendable {
  public enum Access: Sendable {
    /// Makes the registry where there is none.
    case readWrite
    /// Changes nothing, not even on a disk that could be written.
    case readOnly
    /// Waits so many seconds for those who write to end, and keeps all others out: only then may
    /// anything be taken away.
    case alone(patience: Double)
  }

  /// Absolute.
  public var path: String { layout.path }
  let layout: Layout
  let index: Index
  /// None where the registry is open for reading only.
  private let workspace: Workspace?
  /// Keeps others from deleting what this process may be about to refer to.
  private let presence: FileLock?
  /// Objects that were found sound although their stamps had changed, for where the index cannot be told.
  let verified = Mutex<[String: FileStamp]>([:])
  /// Side files that were read, since every checkpoint of a family has the same ones.
  let sideFiles = Mutex<[Digest: [UInt8]]>([:])

  private init(_ layout: Layout, _ index: Index, _ workspace: Workspace?, presence: FileLock?) {
    self.layout = layout
    self.index = index
    self.workspace = workspace
    self.presence = presence
  }

  /// Opens a registry.
  ///
  /// - Throws: `OperationError`: of another version, damaged, not a registry, not allowed.
  public static func open(_ path: String, access: Access = .readWrite) throws -> Registry {
    let layout = Layout(path: absolute(path))
    switch access {
    case .alone(let patience):
      try layout.check()
      // Whoever comes meanwhile waits for this, so those who are there are waited for only once.
      let opening = try FileLock.take(layout.openingLock, .exclusive, waits: true)
      defer { withExtendedLifetime(opening) {} }
      return try openForWriting(layout, presence: try aloneIn(layout, patience: patience))
    case .readOnly:
      try layout.check()
      guard FileStamp(path: layout.index) != nil else {
        throw OperationError(
          .corrupt, "`\(path)` has lost its index",
          helps: ["`mergekit verify --rebuild-index` makes it again from what is stored"])
      }
      let index = try Index(reading: layout.index)
      if try index.isMade { return Registry(layout, index, nil, presence: nil) }
      // Whoever began to make it is at it now, or has died. One who may write waits for that, or makes it.
      _ = try open(path, access: .readWrite)
      return Registry(layout, try Index(reading: layout.index), nil, presence: nil)
    case .readWrite:
      try layout.make()
      // One at a time makes or migrates the index.
      let opening = try FileLock.take(layout.openingLock, .exclusive, waits: true)
      defer { withExtendedLifetime(opening) {} }
      return try openForWriting(layout, presence: try FileLock.take(layout.presenceLock, .shared, waits: true))
    }
  }

  private static func openForWriting(_ layout: Layout, presence: FileLock?) throws -> Registry {
    let isNew = FileStamp(path: layout.index) == nil
    let index = try Index(writing: layout.index) { try $0.insertEverything(in: layout) }
    if isNew { try synchronizeFolder(layout.path) }
    try Workspace.sweep(layout.temporary)
    let registry = Registry(layout, index, try Workspace(in: layout.temporary), presence: presence)
    try registry.adoptUnindexed()
    return registry
  }

  /// The lock of one who is alone in a registry.
  /// - Throws: `OperationError` of cause `.temporary` where others are at work for longer than `patience` seconds.
  private static func aloneIn(_ layout: Layout, patience: Double) throws -> FileLock {
    let deadline = Date(timeIntervalSinceNow: patience)
    repeat {
      if let lock = try FileLock.take(layout.presenceLock, .exclusive) { return lock }
      usleep(20_000)
    } while Date() < deadline
    throw OperationError(
      .temporary, "another process is using the registry `\(layout.path)`",
      helps: ["wait until it is done, then try again"])
  }

  /// Makes the index again from the objects, receipts, applies and exports, and opens the registry.
  ///
  /// What no file of the registry tells is forgotten: the digests of files outside, which those files tell again when they
  /// are next read.
  /// - Throws: `OperationError` of cause `.temporary` where another process is writing to the registry.
  public static func rebuildIndex(_ path: String) throws -> Registry {
    let layout = Layout(path: absolute(path))
    try layout.check()
    try layout.make()
    try removeIndex(layout)
    return try open(path, access: .readWrite)
  }

  private static func removeIndex(_ layout: Layout) throws {
    let opening = try FileLock.take(layout.openingLock, .exclusive, waits: true)
    let presence = try aloneIn(layout, patience: 1)
    defer { withExtendedLifetime((opening, presence)) {} }
    // The log first: under another index it would be taken for that one's.
    for suffix in ["-wal", "-shm", ""] where unlink(layout.index + suffix) != 0 && errno != ENOENT {
      throw OperationError(registry: layout.index + suffix, errno)
    }
  }

  /// The nearest registry: `.mergekit` in a folder or in one above it.
  public static func find(from directory: String) -> String? {
    var folder = absolute(directory)
    while true {
      let candidate = (folder as NSString).appendingPathComponent(".mergekit")
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder), isFolder.boolValue {
        return candidate
      }
      guard folder != "/" else { return nil }
      folder = (folder as NSString).deletingLastPathComponent
    }
  }

  /// Where this process writes what it is about to publish.
  /// - Throws: `OperationError` where the registry is open for reading only.
  func writing() throws -> Workspace {
    guard let workspace else { throw OperationError(.permission, "the registry `\(path)` is open for reading only") }
    return workspace
  }

  /// Whether it is open for reading only.
  public var isReadOnly: Bool { workspace == nil }

  /// Whether nobody else writes to it, or will before it is closed.
  var isAlone: Bool { presence?.kind == .exclusive }

  static func absolute(_ path: String) -> String {
    let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    return (full as NSString).standardizingPath
  }
}
