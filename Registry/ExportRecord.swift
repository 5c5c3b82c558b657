import Diagnostics
import Fingerprints
import Formats
import Foundation
import Tensors

/// What was exported to a place, and the files that it consists of there.
public struct ExportRecord: Sendable, Hashable {
  struct File: Sendable, Hashable {
    /// Seen from the export's path; empty where that is a single file.
    let name: String
    let stamp: FileStamp
  }

  /// Absolute.
  public let path: String
  public let artifacts: [Digest]
  /// The format with its settings, as text.
  public let format: String
  public let exported: Date
  let files: [File]

  /// The record of an export that has just been written.
  /// - Throws: `OperationError` where it is not there.
  public init(path: String, artifacts: [Digest], format: String) throws {
    self.path = Registry.absolute(path)
    self.artifacts = artifacts
    self.format = format
    // As it will be read back.
    exported = Date(timeIntervalSince1970: Date().timeIntervalSince1970)
    files = try Self.files(at: self.path)
  }

  init(path: String, artifacts: [Digest], format: String, exported: Date, files: [File]) {
    self.path = path
    self.artifacts = artifacts
    self.format = format
    self.exported = exported
    self.files = files
  }

  /// Whether every file of it is still there, and none was written to since.
  public var isUntouched: Bool { files.allSatisfy { FileStamp(path: path(of: $0)) == $0.stamp } }

  /// The names of its files that are gone, or were written to since.
  public var changedFiles: [String] { files.filter { FileStamp(path: path(of: $0)) != $0.stamp }.map(\.name) }

  func path(of file: File) -> String { file.name.isEmpty ? path : path + "/" + file.name }

  private static func files(at path: String) throws -> [File] {
    if let stamp = FileStamp(path: path) { return [File(name: "", stamp: stamp)] }
    guard let names = try? FileManager.default.subpathsOfDirectory(atPath: path) else {
      throw OperationError(.io, "`\(path)` was exported and is not there")
    }
    return names.sorted().compactMap { name in
      FileStamp(path: path + "/" + name).map { File(name: name, stamp: $0) }
    }
  }
}

extension Registry {
  /// Remembers an export, in place of what was exported to the same path before: first its record, for good, then the
  /// index.
  public func recordExport(_ export: ExportRecord) throws {
    let workspace = try writing()
    try index.write { index in
      let record = try workspace.write(export.bytes(placed: try index.placed(in: export)))
      defer { unlink(record) }
      var number: Int
      // The record claims the number; the index is locked, so nobody else is about to.
      repeat {
        number = try index.adoptExports(layout.exports)
      } while try !giveName(record, layout.exports.path(number))
      try index.insert(export, id: number)
    }
  }

  /// What was last exported to a path.
  public func export(at path: String) throws -> ExportRecord? {
    try exports("SELECT id FROM export WHERE path = ?", Registry.absolute(path)).first
  }

  /// Where an artifact was exported to, in the order of their paths.
  public func exports(of artifact: Digest) throws -> [ExportRecord] {
    try exports(
      """
      SELECT DISTINCT export.id FROM export JOIN export_artifact ON export = export.id
      WHERE artifact = ? ORDER BY path
      """, artifact)
  }

  private func exports(_ query: String, _ value: any Bindable & Sendable) throws -> [ExportRecord] {
    try index.read { index in
      try index.rows(query, value) { try $0.integer(0) }.compactMap { try index.export(id: $0) }
    }
  }
}

/// Exports as rows.
extension Connection {
  /// Writes the rows of an export, in place of an earlier one to the same path.
  func insert(_ export: ExportRecord, id: Int) throws {
    try run("DELETE FROM export WHERE path = ?", export.path)
    try run(
      "INSERT INTO export VALUES (?, ?, ?, ?)", id, export.path, export.format, export.exported.timeIntervalSince1970)
    for (position, artifact) in export.artifacts.enumerated() {
      try run("INSERT INTO export_artifact VALUES (?, ?, ?)", id, position, artifact)
    }
    for file in export.files {
      try run(
        "INSERT INTO export_file VALUES (?, ?, ?, ?, ?, ?, ?)", id, file.name, file.stamp.device, file.stamp.inode,
        file.stamp.size, file.stamp.modified, file.stamp.changed)
    }
  }

  /// Adds export records that are ahead of the index; returns the first number that none has.
  func adoptExports(_ exports: Ledger) throws -> Int {
    var number = try lastID(of: "export") + 1
    while exports.has(number) {
      if let record = try? ExportRecord.read(exports.path(number)) { try insert(record) }
      number += 1
    }
    return number
  }

  /// Writes what a record of an export tells: what was exported, and which tensors lie in its files.
  func insert(_ record: (id: Int, export: ExportRecord, placed: [ExportRecord.Placed])) throws {
    try insert(record.export, id: record.id)
    for placed in record.placed { try insertLocation(placed.tensor, placed.digest) }
  }

  /// The tensors that are known to lie in an export's files, as these are now.
  func placed(in export: ExportRecord) throws -> [ExportRecord.Placed] {
    try export.files.flatMap { file in
      let path = export.path(of: file)
      return try rows(
        """
        SELECT start, dtype, shape, tensor.digest FROM file JOIN location ON location.file = file.id
        JOIN tensor ON tensor.id = tensor WHERE path = ? AND device = ? AND inode = ? AND size = ? AND modified = ?
        AND changed = ? ORDER BY start, tensor
        """, path, file.stamp.device, file.stamp.inode, file.stamp.size, file.stamp.modified, file.stamp.changed
      ) { row in
        guard let dtype = DType(rawValue: try row.text(1)) else { throw row.damaged("a dtype", 1) }
        guard let shape = Shape(try row.json(2), of: dtype) else { throw row.damaged("a shape", 2) }
        let slice = FileSlice(
          path: path, offset: try row.integer(0), count: shape.count * dtype.size, stamp: file.stamp)
        return ExportRecord.Placed(
          tensor: TensorSlice(dtype: dtype, shape: shape, slice: slice), digest: try row.digest(3))
      }
    }
  }

  func export(id: Int) throws -> ExportRecord? {
    let artifacts = try rows("SELECT artifact FROM export_artifact WHERE export = ? ORDER BY position", id) {
      try $0.digest(0)
    }
    let files = try rows(
      "SELECT name, device, inode, size, modified, changed FROM export_file WHERE export = ? ORDER BY name", id
    ) { ExportRecord.File(name: try $0.text(0), stamp: try $0.stamp(1)) }
    return try row("SELECT path, format, exported FROM export WHERE id = ?", id) { row in
      try ExportRecord(
        path: row.text(0), artifacts: artifacts, format: row.text(1),
        exported: Date(timeIntervalSince1970: row.real(2)), files: files)
    }
  }
}
