import Diagnostics
import Foundation

/// The place beside an export where it is written before it is moved there, and the folders that were made to get there.
struct ExportStaging: Sendable {
  /// Nothing is there yet.
  let path: String
  /// Outermost first.
  private let madeFolders: [String]

  /// Makes the folders above the target.
  /// - Throws: `OperationError`.
  init(for target: String) throws {
    let (folder, name) = ((target as NSString).deletingLastPathComponent, (target as NSString).lastPathComponent)
    path = "\(folder)/.\(name).mergekit-\(ProcessInfo.processInfo.processIdentifier)"
    var missing: [String] = []
    var ancestor = folder
    while !FileManager.default.fileExists(atPath: ancestor), ancestor.count > 1 {
      missing.insert(ancestor, at: 0)
      ancestor = (ancestor as NSString).deletingLastPathComponent
    }
    madeFolders = missing
    try? FileManager.default.removeItem(atPath: path)
    for folder in missing { try Self.makeFolder(folder) }
  }

  /// Makes an empty folder there, for what is a folder itself.
  func makeFolder() throws { try Self.makeFolder(path) }

  /// Removes what was not moved, and the folders that hold nothing for it.
  func discard() {
    try? FileManager.default.removeItem(atPath: path)
    // One that holds something stays.
    for folder in madeFolders.reversed() { rmdir(folder) }
  }

  private static func makeFolder(_ folder: String) throws {
    guard mkdir(folder, 0o777) == 0 else {
      throw OperationError(.output, "`\(folder)` cannot be made: \(String(cString: strerror(errno)))")
    }
  }
}
