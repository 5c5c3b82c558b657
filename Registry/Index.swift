import Diagnostics
import Formats
import Foundation
import Synchronization

/// The SQLite database that everything asks. It is made of what the objects, receipts and applies say, and never the
/// only one to know something that matters.
final class Index: Sendable {
  /// What each version of the schema added, the first version first. A released one is never changed.
  static let migrations = [String(decoding: PackageResources.Schema_sql, as: UTF8.self)]

  private let connection: Mutex<Connection>

  /// Opens the database for reading.
  init(reading path: String) throws {
    connection = Mutex(try Self.openForReading(path))
  }

  /// Opens the database for writing, making or migrating it first. Nobody else may do so meanwhile.
  /// - Parameter fill: Puts into a new database what it should know. It is there filled or not at all.
  init(writing path: String, fill: @Sendable (Connection) throws -> Void) throws {
    connection = Mutex(try Self.openForWriting(path, fill: fill))
  }

  /// Whether it has its tables: they come all at once, some time after the file.
  var isMade: Bool {
    get throws { try read { try Self.version(of: $0) > 0 } }
  }

  /// Asks several things of one and the same state, whatever other processes write meanwhile.
  func read<Result: Sendable>(_ body: (Connection) throws -> Result) throws -> Result {
    try transaction("BEGIN", body)
  }

  /// Does all of `body` or nothing, and no other process writes meanwhile.
  ///
  /// The lock is taken at once: a transaction that begins by reading and then writes can fail however long it would
  /// wait.
  func write<Result: Sendable>(_ body: (Connection) throws -> Result) throws -> Result {
    try transaction("BEGIN IMMEDIATE", body)
  }

  private func transaction<Result: Sendable>(
    _ beginning: String, _ body: (Connection) throws -> Result
  ) throws -> Result {
    try connection.withLock { connection in
      do {
        try connection.execute(script: beginning)
        let result = try body(connection)
        try connection.execute(script: "COMMIT")
        return result
      } catch {
        connection.rollBack()
        throw error
      }
    }
  }

  // MARK: Opening

  private static func openForWriting(_ path: String, fill: @Sendable (Connection) throws -> Void) throws -> Connection {
    let connection = try Connection(path, .readWrite)
    try check(connection)
    try prepareForWriting(connection)
    try migrate(connection, fill: fill)
    return connection
  }

  /// Opens a database that may lie on a disk that cannot be written: then its log cannot be made, but need not be where
  /// there is nothing in it.
  private static func openForReading(_ path: String) throws -> Connection {
    var connection = try Connection(path, .readOnly)
    do {
      _ = try version(of: connection)
    } catch let error as OperationError where error.cause == .io || error.cause == .permission {
      let logged = FileStamp(path: path + "-wal")?.size ?? 0
      guard logged == 0 else { throw error }
      connection = try Connection(path, .readOnly, isFrozen: true)
    }
    try check(connection)
    try connection.execute(script: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    return connection
  }

  /// - Throws: `OperationError` where the database is not an index, or one of a newer version.
  private static func check(_ connection: Connection) throws {
    let application = try connection.row("PRAGMA application_id") { try $0.integer(0) } ?? 0
    let version = try version(of: connection)
    guard application == applicationID || application == 0 && version == 0 else {
      throw OperationError(damagedIndex: connection.path, "it is a database of another program")
    }
    guard version <= migrations.count else {
      throw OperationError(
        .version, "`\(connection.path)` was written by a newer mergekit",
        notes: ["it has version \(version), and this mergekit knows versions up to \(migrations.count)"],
        helps: ["use the newer mergekit, or another registry with `--registry DIR`"])
    }
  }

  private static let applicationID = 0x6D6B_7267

  private static func version(of connection: Connection) throws -> Int {
    try connection.row("PRAGMA user_version") { try $0.integer(0) } ?? 0
  }

  private static func prepareForWriting(_ connection: Connection) throws {
    // The log is shared memory, which only one machine can share.
    let journal = isOnNetwork((connection.path as NSString).deletingLastPathComponent) ? "DELETE" : "WAL"
    _ = try connection.row("PRAGMA journal_mode = \(journal)") { try $0.text(0) }
    try connection.execute(
      script: """
        PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
        PRAGMA journal_size_limit = 4194304
        """)
    connection.keepLog()
  }

  private static func migrate(_ connection: Connection, fill: @Sendable (Connection) throws -> Void) throws {
    guard try version(of: connection) < migrations.count else { return }
    do {
      try connection.execute(script: "BEGIN IMMEDIATE")
      let found = try version(of: connection)
      for version in found..<migrations.count { try connection.execute(script: migrations[version]) }
      if found == 0 { try fill(connection) }
      try connection.execute(script: "PRAGMA user_version = \(migrations.count); COMMIT")
    } catch {
      connection.rollBack()
      throw error
    }
  }
}
