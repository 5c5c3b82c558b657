import Diagnostics
import Foundation

/// Rows of named columns, from CSV, JSON Lines or safetensors.
public struct Table: Sendable {
  public struct Column: Sendable {
    public enum Cells: Sendable {
      /// Row-major where `width` is not 1.
      case numbers([Double])
      case texts([String])
      /// Any number of texts in each row.
      case lists([[String]])
    }

    /// Cells that keep a column from being one of numbers.
    public struct Stray: Sendable, Hashable {
      /// The first one's, from 1.
      public let line: Int
      /// What stands in the first one; often nothing.
      public let text: String
      /// How many there are.
      public let count: Int
    }

    public let name: String
    public let cells: Cells
    /// Numbers in a row: 1, or the length of the vectors that the column holds.
    public let width: Int
    /// Of a CSV column of texts: what is not a number in it. Few strays among many numbers are mistakes.
    public let stray: Stray?

    public init(_ name: String, numbers: [Double], width: Int = 1) {
      self.name = name
      cells = .numbers(numbers)
      self.width = width
      stray = nil
    }

    public init(_ name: String, texts: [String], stray: Stray? = nil) {
      self.name = name
      cells = .texts(texts)
      width = 1
      self.stray = stray
    }

    public init(_ name: String, lists: [[String]]) {
      self.name = name
      cells = .lists(lists)
      width = 1
      stray = nil
    }

    /// Whether it holds nothing but whole numbers, such as labels.
    public var isWhole: Bool {
      guard case .numbers(let numbers) = cells else { return false }
      return numbers.allSatisfy { $0 == $0.rounded(.towardZero) }
    }
  }

  public let columns: [Column]
  public let rowCount: Int

  init(columns: [Column], rowCount: Int) {
    self.columns = columns
    self.rowCount = rowCount
  }

  public func column(_ name: String) -> Column? { columns.first { $0.name == name } }

  /// Reads a table; the file's ending says how it is written: `.csv`, `.jsonl`, `.conll` or `.safetensors`.
  /// - Throws: `OperationError` naming the line and the column of what is wrong.
  public init(path: String) throws {
    switch (path as NSString).pathExtension.lowercased() {
    case "csv": try self.init(csv: File.contents(of: path), path: path)
    case "jsonl", "ndjson": try self.init(jsonLines: File.contents(of: path), path: path)
    case "conll", "bio", "iob", "iob2": try self.init(conll: File.contents(of: path), path: path)
    case "safetensors": try self.init(safetensors: SafetensorsFile(path))
    case let ending:
      throw OperationError(
        .data, "`\(path)` is not a dataset: \(ending.isEmpty ? "it has no ending" : "its ending is `.\(ending)`")",
        helps: ["datasets are read from `.csv`, `.jsonl`, `.conll`, `.txt` and `.safetensors`"])
    }
  }

  static func checkNames(_ names: [String], _ path: String) throws {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw OperationError(.data, "`\(path)` has two columns called `\(name)`")
    }
  }
}
