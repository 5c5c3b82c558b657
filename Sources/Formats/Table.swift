import Diagnostics
import Foundation

/// Rows of named columns, from CSV, JSON Lines or safetensors.
public struct Table: Sendable {
  public struct Column: Sendable {
    public enum Cells: Sendable {
      /// Row-major where `width` is not 1.
      case numbers([Double])
      case texts([String])
    }

    public let name: String
    public let cells: Cells
    /// Numbers in a row: 1, or the length of the vectors that the column holds.
    public let width: Int

    public init(_ name: String, numbers: [Double], width: Int = 1) {
      self.name = name
      cells = .numbers(numbers)
      self.width = width
    }

    public init(_ name: String, texts: [String]) {
      self.name = name
      cells = .texts(texts)
      width = 1
    }
  }

  public let columns: [Column]
  public let rowCount: Int

  init(columns: [Column], rowCount: Int) {
    self.columns = columns
    self.rowCount = rowCount
  }

  public func column(_ name: String) -> Column? { columns.first { $0.name == name } }

  /// Reads a table; the file's ending says how it is written: `.csv`, `.jsonl` or `.safetensors`.
  /// - Throws: `OperationError` naming the line and the column of what is wrong.
  public init(path: String) throws {
    switch (path as NSString).pathExtension.lowercased() {
    case "csv": try self.init(csv: File.contents(of: path), path: path)
    case "jsonl", "ndjson": try self.init(jsonLines: File.contents(of: path), path: path)
    case "safetensors": try self.init(safetensors: SafetensorsFile(path))
    case let ending:
      throw OperationError(
        .data, "`\(path)` is not a dataset: its ending is `.\(ending)`",
        helps: ["datasets are read from `.csv`, `.jsonl` and `.safetensors`"])
    }
  }

  /// Columns of cells that are texts as yet: a column all of whose cells are numbers becomes one of numbers.
  init(names: [String], rows: [[String]]) {
    columns = names.enumerated().map { index, name in
      let texts = rows.map { $0[index] }
      let numbers = texts.compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }
      return numbers.count == texts.count ? Column(name, numbers: numbers) : Column(name, texts: texts)
    }
    rowCount = rows.count
  }
}
