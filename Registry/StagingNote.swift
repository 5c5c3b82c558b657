import Diagnostics
import Formats
import Foundation

/// A folder outside the registry that is there only while something is written to its place, and the folders that were made
/// to get there.
///
/// A process notes it in its workspace before it makes it. Whoever finds that the process is gone removes what it has left.
public struct StagingNote: Sendable {
  /// Absolute; called `.NAME.mergekit-…`.
  let folder: String
  /// Outermost first.
  let madeFolders: [String]

  static let ending = ".staging"
  private static let format = "mergekit-staging/1"

  init(folder: String, madeFolders: [String]) {
    self.folder = folder
    self.madeFolders = madeFolders
  }

  var bytes: [UInt8] {
    SealedJSON.bytes([
      "format": .string(Self.format), "folder": .string(folder), "made": .array(madeFolders.map(JSON.string)),
    ])
  }

  /// Nil where it is not a note, or names what no mergekit would have made.
  init?(reading path: String) {
    guard let json = try? SealedJSON.read(path), json["format"]?.string == Self.format,
      let folder = json["folder"]?.string, let made = json["made"]?.array?.compactMap(\.string)
    else { return nil }
    let name = (folder as NSString).lastPathComponent
    guard folder.hasPrefix("/"), name.hasPrefix("."), name.contains(".mergekit-") else { return nil }
    self.init(folder: folder, madeFolders: made)
  }

  /// Removes what is left of it; folders that hold something else stay.
  func sweep() {
    var status = stat()
    if lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      try? FileManager.default.removeItem(atPath: folder)
    }
    for folder in madeFolders.reversed() { rmdir(folder) }
  }
}

extension Registry {
  /// Notes a folder outside that is about to be made, and will be gone again soon.
  /// - Returns: What takes the note back once the folder is gone.
  public func noteStaging(_ folder: String, madeFolders: [String]) throws -> @Sendable () -> Void {
    // One who may only read it leaves no note.
    if isReadOnly { return {} }
    let note = StagingNote(folder: Registry.absolute(folder), madeFolders: madeFolders)
    let path = try writing().write(note.bytes, ending: StagingNote.ending)
    return { unlink(path) }
  }

  /// Folders that processes have left beside exports when they died. The next one that opens the registry for writing
  /// removes them.
  public func leftovers() throws -> [String] {
    try names(in: layout.temporary).filter { !$0.hasSuffix(".lock") }.flatMap { process -> [String] in
      guard !Workspace.isAlive(process, in: layout.temporary) else { return [] }
      let folder = "\(layout.temporary)/\(process)"
      return try names(in: folder).filter { $0.hasSuffix(StagingNote.ending) }
        .compactMap { StagingNote(reading: "\(folder)/\($0)")?.folder }
    }
  }
}
