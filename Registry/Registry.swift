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
///       index.sqlite                        what everything asks; made of the three above
///       locks/                              locks of the kernel, for steps that are being run
///       tmp/                                files that are being written, one folder a process
///
/// Truth comes first and the index last: a file is whole and on the disk before anything names it. So a process may be killed
/// at any moment, and several may use one registry.
public final class Registry: Sendable {
  public enum Access: Sendable {
    /// Makes the registry where there is none.
    case readWrite
    /// Changes nothing, not even on a disk that could be written.
    case readOnly
  }

  static let layoutVersion = 1

  /// Absolute.
  public let path: String
  let index: Index
  /// None where the registry is open for reading only.
  private let workspace: Workspace?
  /// Keeps others from deleting what this process may be about to refer to.
  private let presence: FileLock?
  /// What is known of files without asking the index, since it cannot be told there: objects that were read and hashed.
  let verified = Mutex<[String: FileStamp]>([:])
  /// Side files that were read, since every checkpoint of a family has the same ones.
  let sideFiles = Mutex<[Digest: [UInt8]]>([:])

  private init(_ path: String, _ index: Index, _ workspace: Workspace?, presence: FileLock?) {
    self.path = path
    self.index = index
    self.workspace = workspace
    self.presence = presence
  }

  /// Opens a registry.
  ///
  /// - Throws: `OperationError`: of another version, damaged, not a registry, not allowed.
  public static func open(_ path: String, access: Access = .readWrite) throws -> Registry {
    let path = absolute(path)
    switch access {
    case .readOnly:
      try checkLayout(path)
      guard FileStamp(path: path + "/index.sqlite") != nil else {
        throw OperationError(
          .corrupt, "`\(path)` has lost its index",
          helps: ["`mergekit verify --rebuild-index` makes it again from what is stored"])
      }
      return Registry(path, try Index(path + "/index.sqlite", .readOnly), nil, presence: nil)
    case .readWrite:
      try makeLayout(path)
      // One at a time makes or migrates the index, and nobody while it is being rebuilt.
      let opening = try FileLock.take(path + "/locks/index.lock", .exclusive, waits: true)
      defer { withExtendedLifetime(opening) {} }
      let presence = try FileLock.take(path + "/locks/gc.lock", .shared, waits: true)
      let isNew = FileStamp(path: path + "/index.sqlite") == nil
      let index = try Index(path + "/index.sqlite", .readWrite)
      try Workspace.sweep(path + "/tmp")
      let registry = Registry(path, index, try Workspace(in: path + "/tmp"), presence: presence)
      if isNew { try registry.indexEverything() } else { try registry.adoptUnindexed() }
      return registry
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

  var isReadOnly: Bool { workspace == nil }

  var receipts: Ledger { Ledger(folder: path + "/receipts") }
  var applies: Ledger { Ledger(folder: path + "/applies") }

  static func absolute(_ path: String) -> String {
    let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    return (full as NSString).standardizingPath
  }
}

// MARK: - Layout

extension Registry {
  private static let folders = ["objects", "receipts", "applies", "locks", "tmp"]

  /// - Throws: `OperationError` where there is no registry, or one of a newer layout.
  static func checkLayout(_ path: String) throws {
    guard let bytes = FileManager.default.contents(atPath: path + "/VERSION") else {
      guard FileManager.default.fileExists(atPath: path) else {
        throw OperationError(.missing, "there is no registry at `\(path)`")
      }
      throw OperationError(.corrupt, "`\(path)` is not a registry: it has no file `VERSION`")
    }
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 3, words[0] == "mergekit", words[1] == "registry", let version = Int(words[2]) else {
      throw OperationError(.corrupt, "`\(path)/VERSION` is damaged: it does not say which version the registry has")
    }
    guard version <= layoutVersion else {
      throw OperationError(
        .version, "`\(path)` was written by a newer mergekit",
        notes: ["its layout has version \(version), and this mergekit knows versions up to \(layoutVersion)"],
        helps: ["use the newer mergekit, or another registry with `--registry DIR`"])
    }
  }

  /// Makes what is missing. A folder becomes a registry only if it holds nothing else.
  private static func makeLayout(_ path: String) throws {
    if FileStamp(path: path + "/VERSION") != nil {
      try checkLayout(path)
    } else {
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      } catch {
        throw OperationError(
          .output, "the registry `\(path)` cannot be made: there is no such folder, nor may it be made")
      }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      if let stranger = names.sorted().first(where: { !folders.contains($0) && !$0.hasPrefix("VERSION") }) {
        throw OperationError(
          .output, "`\(path)` is not a registry, and cannot become one", notes: ["it holds `\(stranger)`"],
          helps: ["give an empty folder, or one that is not there yet"])
      }
    }
    for folder in folders where mkdir("\(path)/\(folder)", 0o777) != 0 && errno != EEXIST {
      throw OperationError(registry: "\(path)/\(folder)", errno)
    }
    if FileStamp(path: path + "/VERSION") == nil { try writeVersion(path) }
  }

  private static func writeVersion(_ path: String) throws {
    let temporary = "\(path)/VERSION.\(ProcessInfo.processInfo.processIdentifier)"
    unlink(temporary)
    let file = try NewFile(temporary)
    try file.write(Array("mergekit registry \(layoutVersion)\n".utf8), at: 0)
    try file.finish()
    if try !giveName(temporary, path + "/VERSION") { unlink(temporary) }
  }
}
