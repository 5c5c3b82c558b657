import Diagnostics
import Foundation
import Synchronization

/// A folder for one step's temporary files, made when it is first asked for; it goes when nobody holds this any more.
final class Scratch: Sendable {
  private let made = Mutex<URL?>(nil)

  deinit { made.withLock { if let made = $0 { try? FileManager.default.removeItem(at: made) } } }

  func folder() throws -> String {
    try made.withLock { made in
      if let made { return made.path }
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mergekit-\(UUID().uuidString)")
      do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
      } catch {
        throw OperationError(.io, "`\(folder.path)` cannot be made for temporary files")
      }
      made = folder
      return folder.path
    }
  }
}
