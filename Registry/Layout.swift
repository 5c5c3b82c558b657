import Diagnostics
import Formats
import Foundation

/// Where in a registry everything is.
struct Layout: Sendable {
  static let version = 1
  private static let folders = ["objects", "receipts", "applies", "exports", "refs", "locks", "tmp"]

  /// Absolute.
  let path: String

  var index: String { path + "/index.sqlite" }
  var objects: String { path + "/objects" }
  var receipts: Ledger { Ledger(folder: path + "/receipts") }
  var applies: Ledger { Ledger(folder: path + "/applies") }
  var exports: Ledger { Ledger(folder: path + "/exports") }
  var refs: String { path + "/refs" }
  /// Where repairs put what is damaged, for whoever wants to look at it.
  var quarantine: String { path + "/quarantine" }
  /// Where steps that were stopped have left how far they had come, a folder each.
  var unfinished: String { path + "/unfinished" }
  var temporary: String { path + "/tmp" }
  /// Held while the index is opened for writing, made or migrated.
  var openingLock: String { path + "/locks/opening.lock" }
  /// Shared by all who may write, and held alone by whoever takes things away: nobody may then be about to refer to
  /// them.
  var presenceLock: String { path + "/locks/presence.lock" }

  var locks: String { path + "/locks" }

  func lock(ofKey key: String) -> String { "\(path)/locks/\(key).lock" }

  /// The path of a file as the index names it: an object's seen from the registry, any other's absolute.
  func absolute(_ name: String) -> String { name.hasPrefix("/") ? name : path + "/" + name }

  /// The names of all objects, in order.
  func objectNames() throws -> [String] {
    try names(in: objects).filter { $0.count == 2 }.flatMap { folder in
      try names(in: "\(objects)/\(folder)").map { "objects/\(folder)/\($0)" }
        .filter { StoredObject.artifact(ofName: $0) != nil }
    }
  }

  /// Moves a damaged object out of the way, to where one can still look at it.
  func putAside(_ name: String) throws {
    if mkdir(quarantine, 0o777) != 0, errno != EEXIST { throw OperationError(registry: quarantine, errno) }
    let place = "\(quarantine)/\((name as NSString).lastPathComponent)"
    guard rename(absolute(name), place) == 0 || errno == ENOENT else { throw OperationError(registry: place, errno) }
  }

  /// - Throws: `OperationError` where there is no registry, or one of a newer layout.
  func check() throws {
    let bytes: [UInt8]
    do {
      bytes = try File.contents(of: path + "/VERSION")
    } catch let error as OperationError where error.cause == .missing {
      guard FileManager.default.fileExists(atPath: path) else {
        throw OperationError(.missing, "there is no registry at `\(path)`")
      }
      throw OperationError(.corrupt, "`\(path)` is not a registry: it has no file `VERSION`")
    }
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 3, words[0] == "mergekit", words[1] == "registry", let version = Int(words[2]) else {
      throw OperationError(.corrupt, "`\(path)/VERSION` is damaged: it does not say which version the registry has")
    }
    guard version <= Self.version else {
      throw OperationError(
        .version, "`\(path)` was written by a newer mergekit",
        notes: ["its layout has version \(version), and this mergekit knows versions up to \(Self.version)"],
        helps: ["use the newer mergekit, or another registry with `--registry DIR`"])
    }
  }

  /// Makes what is missing. A folder becomes a registry only if it holds nothing else.
  func make() throws {
    let isNew = FileStamp(path: path + "/VERSION") == nil
    if isNew { try makeRoot() } else { try check() }
    for folder in Self.folders where mkdir("\(path)/\(folder)", 0o777) != 0 && errno != EEXIST {
      throw OperationError(registry: "\(path)/\(folder)", errno)
    }
    if isNew { try writeVersion() }
  }

  private func makeRoot() throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw OperationError(
        .output, "the registry `\(path)` cannot be made: its folder may not be written to",
        helps: ["`--registry DIR` keeps results somewhere else"])
    }
    try synchronizeFolder((path as NSString).deletingLastPathComponent)
    let stranger = try names(in: path).first { !Self.folders.contains($0) && !$0.hasPrefix("VERSION") }
    // Another process may have made the registry just now, and then it holds more.
    if let stranger, FileStamp(path: path + "/VERSION") == nil {
      throw OperationError(
        .output, "`\(path)` is not a registry, and cannot become one", notes: ["it holds `\(stranger)`"],
        helps: ["give an empty folder, or one that is not there yet"])
    }
  }

  private func writeVersion() throws {
    let temporary = "\(path)/VERSION.\(ProcessInfo.processInfo.processIdentifier)"
    unlink(temporary)
    let file = try NewFile(temporary)
    try file.write(Array("mergekit registry \(Self.version)\n".utf8), at: 0)
    try file.finish()
    if try !giveName(temporary, path + "/VERSION") { unlink(temporary) }
  }
}

/// The names of what a folder holds, in order; none where there is no such folder.
func names(in folder: String) throws -> [String] {
  do {
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  } catch {
    // A folder that cannot be read must not pass for an empty one.
    var status = stat()
    if lstat(folder, &status) != 0, errno == ENOENT { return [] }
    throw OperationError(.io, "the folder `\(folder)` cannot be read")
  }
}
