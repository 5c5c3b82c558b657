import Diagnostics
import Formats
import Foundation
import Registry

/// The place beside an export where it is written before it is moved there, and the folders that were made to get there.
///
/// `out/model` is written to `out/.model.mergekit-PID/model`. The folders on the way are opened one in another and never through
/// a symbolic link, and what is moved is moved between open folders: whoever swaps one of them for a link meanwhile leads
/// nothing astray. The registry knows of it until it is gone, so that what a killed process leaves is found.
struct ExportStaging: Sendable {
  /// Nothing is there yet.
  let path: String
  private let name: String
  private let parent: OpenFolder
  private let holder: OpenFolder
  /// Outermost first.
  private let madeFolders: [String]
  private let forget: @Sendable () -> Void

  /// Makes the folders above the target.
  /// - Parameters:
  ///   - root: The folder below which nothing may be a symbolic link; absolute.
  ///   - target: Seen from there.
  /// - Throws: `OperationError`.
  init(for target: String, in root: String, _ registry: Registry) throws {
    let parts = target.split(separator: "/").map(String.init)
    guard let name = parts.last, !parts.contains(where: { $0 == "." || $0 == ".." }) else {
      throw OperationError(.output, "`\(target)` is no place for an export")
    }
    let folder = ([root] + parts.dropLast()).joined(separator: "/")
    var missing: [String] = []
    var ancestor = folder
    while !FileManager.default.fileExists(atPath: ancestor), ancestor.count > 1 {
      missing.insert(ancestor, at: 0)
      ancestor = (ancestor as NSString).deletingLastPathComponent
    }
    let staging = ".\(name).mergekit-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max))"
    forget = try registry.noteStaging("\(folder)/\(staging)", madeFolders: missing)
    madeFolders = missing
    do {
      parent = try Self.openFolders(parts.dropLast(), in: root)
      guard try parent.makeFolder(staging), let holder = try parent.folder(staging) else {
        throw OperationError(.output, "`\(folder)/\(staging)` is there already")
      }
      self.holder = holder
    } catch {
      for folder in missing.reversed() { rmdir(folder) }
      forget()
      throw error
    }
    self.name = name
    path = "\(folder)/\(staging)/\(name)"
  }

  /// Opens folders one in another, and makes those that are missing.
  private static func openFolders(_ names: some Sequence<String>, in root: String) throws -> OpenFolder {
    let root = root.isEmpty ? "/" : root
    if !FileManager.default.fileExists(atPath: root) {
      do {
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      } catch {
        throw OperationError(.output, "`\(root)` cannot be made: \(String(cString: strerror(errno)))")
      }
    }
    return try names.reduce(try OpenFolder(root)) { folder, name in
      if let next = try folder.folder(name) { return next }
      _ = try folder.makeFolder(name)
      guard let made = try folder.folder(name) else {
        throw OperationError(.output, "`\(folder.path)/\(name)` was removed while it was made")
      }
      return made
    }
  }

  /// Makes an empty folder there, for what is a folder itself.
  func makeFolder() throws {
    guard try holder.makeFolder(name) else { throw OperationError(.output, "`\(path)` is there already") }
  }

  /// Whether something is already where it is to go.
  var isTaken: Bool { parent.kind(of: name) != nil }

  /// Moves it to its place; false where something is there.
  func publish() throws -> Bool {
    guard try holder.move(name, to: parent) else { return false }
    try parent.synchronize()
    return true
  }

  /// Moves it to the place of what is there, which then goes with the rest: at no moment is nothing there.
  func replace() throws {
    if parent.kind(of: name) == S_IFLNK {
      throw OperationError(.output, "`\(parent.path)/\(name)` is a symbolic link, and exports never follow one")
    }
    try holder.exchange(name, with: parent)
    try parent.synchronize()
  }

  /// Removes what was not moved, and the folders that hold nothing for it.
  func discard() {
    try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
    // One that holds something stays.
    for folder in madeFolders.reversed() { rmdir(folder) }
    forget()
  }
}
