import CSQLite
import Diagnostics
import Formats
import Foundation

/// What a registry stands on: its disk, its locks, its index. For whoever wonders why it is slow or refuses.
public struct RegistryCondition: Sendable {
  /// As the kernel calls it: `ext4`, `nfs4`; none where it does not say.
  public let fileSystem: String?
  /// Whether several machines share it, so that the index keeps no log in shared memory.
  public let isOnNetwork: Bool
  public let freeBytes: Int?
  public let isWritable: Bool
  /// Whether locks keep processes apart there.
  public let hasLocks: Bool
  /// How the index commits: `wal` or `delete`.
  public let journal: String
  public let pageSize: Int
  public let indexBytes: Int
  public let sqliteVersion: String
  public let artifacts: Int
  public let runs: Int
  public let applies: Int
}

extension Registry {
  public func condition() throws -> RegistryCondition {
    func number(_ query: String) throws -> Int { try index.read { try $0.row(query) { try $0.integer(0) } ?? 0 } }
    return RegistryCondition(
      fileSystem: fileSystemName(of: path), isOnNetwork: isOnNetwork(path), freeBytes: Formats.freeBytes(under: path),
      isWritable: access(path, W_OK) == 0, hasLocks: hasLocks,
      journal: try index.read { try $0.row("PRAGMA journal_mode") { try $0.text(0) } ?? "" },
      pageSize: try number("PRAGMA page_size"),
      indexBytes: ["", "-wal"].reduce(0) { $0 + (FileStamp(path: layout.index + $1)?.size ?? 0) },
      sqliteVersion: String(cString: sqlite3_libversion()), artifacts: try number("SELECT count(*) FROM artifact"),
      runs: try number("SELECT count(*) FROM run"), applies: try number("SELECT count(*) FROM apply"))
  }

  /// Tries whether a lock that one holds is refused to another.
  private var hasLocks: Bool {
    guard !isReadOnly else { return FileStamp(path: layout.presenceLock) != nil }
    let path = "\(layout.temporary)/probe-\(ProcessInfo.processInfo.processIdentifier).lock"
    guard let lock = try? FileLock.take(path, .exclusive) else { return false }
    defer { lock.remove() }
    return FileLock.isHeld(path)
  }
}
