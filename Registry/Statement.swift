import CSQLite
import Diagnostics
import Fingerprints

/// A compiled statement; freed with the last reference to it.
final class Statement {
  private let handle: OpaquePointer
  /// Between its first row and its reset.
  private(set) var isBusy = false

  init(_ handle: OpaquePointer) { self.handle = handle }

  deinit { sqlite3_finalize(handle) }

  func step() -> Int32 {
    isBusy = true
    return sqlite3_step(handle)
  }

  func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
    isBusy = false
  }

  func bind(_ column: Column, at index: Int32) -> Int32 {
    // Tells SQLite to copy the bytes before the call returns.
    let copying = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    switch column {
    case .null: return sqlite3_bind_null(handle, index)
    case .integer(let integer): return sqlite3_bind_int64(handle, index, Int64(integer))
    case .real(let real): return sqlite3_bind_double(handle, index, real)
    case .text(var text):
      return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          sqlite3_bind_text64(handle, index, $0.baseAddress, UInt64($0.count), copying, UInt8(SQLITE_UTF8))
        }
      }
    case .blob(let bytes):
      return bytes.withUnsafeBytes { sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), copying) }
    }
  }

  func column(_ index: Int32) -> Column {
    switch sqlite3_column_type(handle, index) {
    case SQLITE_INTEGER: return .integer(Int(sqlite3_column_int64(handle, index)))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, index))
    case SQLITE_TEXT:
      let start = sqlite3_column_text(handle, index)
      let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, index)))
      return .text(String(decoding: bytes, as: UTF8.self))
    case SQLITE_BLOB:
      let start = sqlite3_column_blob(handle, index)
      return .blob([UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, index)))))
    default: return .null
    }
  }
}

/// A value as SQLite knows it.
enum Column: Sendable {
  case null
  case integer(Int)
  case real(Double)
  case text(String)
  case blob([UInt8])
}

/// A value that can be given to a statement. Values are always bound, never written into SQL.
protocol Bindable {
  var column: Column { get }
}

extension Int: Bindable { var column: Column { .integer(self) } }
extension Bool: Bindable { var column: Column { .integer(self ? 1 : 0) } }
extension Double: Bindable { var column: Column { .real(self) } }
extension String: Bindable { var column: Column { .text(self) } }
extension Digest: Bindable { var column: Column { .blob(bytes) } }

/// A row of a result, valid while it is being read. A column that does not hold what the schema says is damage.
struct Row {
  fileprivate let statement: Statement
  fileprivate let path: String

  init(statement: Statement, path: String) {
    self.statement = statement
    self.path = path
  }

  func integer(_ index: Int32) throws -> Int {
    guard case .integer(let integer) = statement.column(index) else { throw damaged("a number", index) }
    return integer
  }

  func flag(_ index: Int32) throws -> Bool { try integer(index) != 0 }

  func real(_ index: Int32) throws -> Double {
    guard case .real(let real) = statement.column(index) else { throw damaged("a number", index) }
    return real
  }

  func text(_ index: Int32) throws -> String {
    guard case .text(let text) = statement.column(index) else { throw damaged("a text", index) }
    return text
  }

  func digest(_ index: Int32) throws -> Digest {
    guard case .blob(let bytes) = statement.column(index), bytes.count == 32 else { throw damaged("a digest", index) }
    return Digest(bytes: bytes)
  }

  func isNull(_ index: Int32) -> Bool { if case .null = statement.column(index) { true } else { false } }

  func damaged(_ what: String, _ index: Int32) -> OperationError {
    OperationError(damagedIndex: path, "column \(index) of a row is not \(what)")
  }
}
