import CSQLite
import Diagnostics

/// An open SQLite database. One thread at a time may use it.
final class Connection {
  enum Access { case readWrite, readOnly }

  /// How long a write waits for other processes' writes.
  private static let patience: Int32 = 30_000

  let path: String
  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]

  /// - Parameter isFrozen: Whether nobody writes to it now, so that it can be read without leaving a trace.
  init(_ path: String, _ access: Access, isFrozen: Bool = false) throws {
    var handle: OpaquePointer?
    let creation = access == .readWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
    let flags = creation | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI
    let code = sqlite3_open_v2(Self.uri(path, isFrozen: isFrozen), &handle, flags, nil)
    guard let handle, code == SQLITE_OK else {
      let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(handle)
      throw OperationError(index: path, code, text)
    }
    self.handle = handle
    self.path = path
    sqlite3_busy_timeout(handle, Self.patience)
  }

  deinit {
    statements.removeAll()
    sqlite3_close_v2(handle)
  }

  /// A path as SQLite's URI: all that could mean something else is escaped.
  private static func uri(_ path: String, isFrozen: Bool) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let escaped = path.utf8.flatMap { byte -> [UInt8] in
      let isPlain =
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      return isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return "file:" + String(decoding: escaped, as: UTF8.self) + (isFrozen ? "?immutable=1" : "")
  }

  // MARK: Statements

  /// Runs several statements that have neither parameters nor results.
  func execute(script: String) throws {
    let code = sqlite3_exec(handle, script, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// Runs a statement that has no results.
  func run(_ sql: String, _ values: (any Bindable)?...) throws {
    _ = try query(sql, values) { _ in () }
  }

  /// The rows that a query gives.
  func rows<Result>(
    _ sql: String, _ values: (any Bindable)?..., read: (Row) throws -> Result
  ) throws -> [Result] {
    try query(sql, values, read)
  }

  /// The first row that a query gives.
  func row<Result>(_ sql: String, _ values: (any Bindable)?..., read: (Row) throws -> Result) throws -> Result? {
    try query(sql, values, limit: 1, read).first
  }

  /// What `read` makes of the first row of which it makes something.
  func first<Result>(_ sql: String, _ values: (any Bindable)?..., read: (Row) throws -> Result?) throws -> Result? {
    try query(sql, values, limit: 1, read).first
  }

  private func query<Result>(
    _ sql: String, _ values: [(any Bindable)?], limit: Int = .max, _ read: (Row) throws -> Result?
  ) throws -> [Result] {
    let statement = try prepared(sql)
    defer { statement.reset() }
    for (index, value) in values.enumerated() {
      let code = statement.bind(value?.column ?? .null, at: Int32(index + 1))
      guard code == SQLITE_OK else { throw error(code) }
    }
    var results: [Result] = []
    while results.count < limit {
      switch statement.step() {
      case SQLITE_ROW:
        if let result = try read(Row(statement: statement, path: path)) { results.append(result) }
      case SQLITE_DONE: return results
      case let code: throw error(code)
      }
    }
    return results
  }

  private func prepared(_ sql: String) throws -> Statement {
    // A statement that is being read further up the stack must not be run again from its start.
    if let statement = statements[sql], !statement.isBusy { return statement }
    var raw: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &raw, nil)
    guard code == SQLITE_OK, let raw else { throw error(code) }
    let statement = Statement(raw)
    statements[sql] = statement
    return statement
  }

  var lastInsertedID: Int { Int(sqlite3_last_insert_rowid(handle)) }

  private func error(_ code: Int32) -> OperationError {
    OperationError(index: path, code, String(cString: sqlite3_errmsg(handle)))
  }

  // MARK: Transactions

  /// Takes back what a transaction did, unless what went wrong has done so already.
  func rollBack() {
    if sqlite3_get_autocommit(handle) == 0 { try? execute(script: "ROLLBACK") }
  }

  /// Keeps the write-ahead log when the last connection closes, or those who may only read could not open the database.
  func keepLog() {
    var flag: Int32 = 1
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &flag)
  }
}

extension OperationError {
  /// What SQLite says is wrong.
  init(index path: String, _ code: Int32, _ text: String) {
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED:
      self.init(
        .temporary, "another process keeps `\(path)` locked", helps: ["wait until it is done, then try again"])
    case SQLITE_FULL:
      self.init(
        .io, "the disk is full: `\(path)` cannot be written",
        helps: ["make room, then apply again: what is done is kept"])
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: self.init(.permission, "`\(path)` may not be written to")
    case SQLITE_CANTOPEN: self.init(.io, "`\(path)` cannot be opened: \(text)")
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_SCHEMA, SQLITE_ERROR, SQLITE_FORMAT:
      self.init(damagedIndex: path, text)
    default: self.init(.io, "`\(path)` failed: \(text)")
    }
  }

  /// The index holds something that it cannot hold.
  init(damagedIndex path: String, _ text: String) {
    self.init(
      .corrupt, "the index `\(path)` is damaged: \(text)",
      helps: ["`mergekit verify --rebuild-index` makes it again from what is stored"])
  }
}
