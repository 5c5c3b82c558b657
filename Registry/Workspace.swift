import Diagnostics
import Formats
import Foundation
import Synchronization

/// A process's own folder for files that are being written, beside a lock that lives as long as the process.
///
/// `tmp/<name>/` with `tmp/<name>.lock`: whoever can take the lock knows that the process is gone, and sweeps up.
final class Workspace: Sendable {
  /// Names the process for as long as the registry remembers it.
  let name: String
  private let folder: String
  private let lock: FileLock
  private let count = Atomic(0)

  /// - Parameter parent: The registry's `tmp`.
  init(in parent: String) throws {
    var random = SystemRandomNumberGenerator()
    while true {
      let suffix = String(random.next() as UInt64, radix: 16)
      let name = "\(ProcessInfo.processInfo.processIdentifier)-\(suffix)"
      guard let lock = try FileLock.take("\(parent)/\(name).lock", .exclusive) else { continue }
      guard mkdir("\(parent)/\(name)", 0o777) == 0 else { throw OperationError(registry: "\(parent)/\(name)", errno) }
      (self.name, self.lock, folder) = (name, lock, "\(parent)/\(name)")
      return
    }
  }

  deinit { Self.remove(folder, lock) }

  /// A path that nobody else uses.
  func newPath() -> String { "\(folder)/\(count.add(1, ordering: .relaxed).newValue)" }

  /// Writes a small file for good; returns its path.
  func write(_ bytes: [UInt8], ending: String = "") throws -> String {
    let path = newPath() + ending
    do {
      let file = try NewFile(path, reserving: bytes.count)
      try file.write(bytes, at: 0)
      try file.finish(isReadOnly: true)
      return path
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Whether the process with this name still has its workspace.
  static func isAlive(_ name: String, in parent: String) -> Bool { FileLock.isHeld("\(parent)/\(name).lock") }

  /// Removes what processes have left behind that are gone.
  static func sweep(_ parent: String) throws {
    for name in try names(in: parent) where name.hasSuffix(".lock") {
      guard let lock = try FileLock.take("\(parent)/\(name)", .exclusive) else { continue }
      remove("\(parent)/\(name.dropLast(".lock".count))", lock)
    }
  }

  private static func remove(_ folder: String, _ lock: FileLock) {
    for name in (try? names(in: folder)) ?? [] where name.hasSuffix(StagingNote.ending) {
      StagingNote(reading: "\(folder)/\(name)")?.sweep()
    }
    try? FileManager.default.removeItem(atPath: folder)
    lock.remove()
  }
}
