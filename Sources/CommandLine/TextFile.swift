import Diagnostics
import Foundation

/// Writes texts: whole or not at all.
enum TextFile {
  /// Writes a text, and makes the folders above it where they are missing.
  /// - Throws: `OperationError` of cause `.output`.
  static func write(_ text: String, to path: String) throws {
    do {
      let folder = (path as NSString).deletingLastPathComponent
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw OperationError(.output, "`\(path)` cannot be written", notes: [error.localizedDescription])
    }
  }
}
