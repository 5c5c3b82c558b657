import Diagnostics
import Formats
import Operations
import Tensors

/// A class for each word of each text of a table.
struct WordTags {
  /// What classes are called, in alphabetical order.
  let names: [String]
  /// Of every row of the table.
  private let numbers: [[Int]]

  /// - Throws: `OperationError` where a text has another number of words than of tags.
  init(_ table: Table, path: String, text: String?, tags: String) throws {
    let texts = try Self.texts(table, path: path, named: text, but: tags).words(path)
    let all = try table.column(named: tags, path: path).words(path)
    if let row = all.indices.first(where: { all[$0].count != texts[$0].count }) {
      throw OperationError(
        .data, "row \(row + 1) of `\(path)` has \(texts[row].count) words and \(all[row].count) tags in `\(tags)`")
    }
    let names = Set(all.joined()).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    self.names = names
    numbers = all.map { $0.compactMap { places[$0] } }
  }

  private static func texts(
    _ table: Table, path: String, named name: String?, but tags: String
  ) throws -> Table.Column {
    if let name { return try table.column(named: name, path: path) }
    let others = table.columns.filter { !$0.isNumeric && $0.name != tags && $0.name != "split" }
    let usual = ["text", "sentence", "content", "tokens", "question"]
    let found =
      others.count == 1 ? others.first : usual.lazy.compactMap { name in others.first { $0.name == name } }.first
    guard let found else {
      throw OperationError(
        .step, "`tags` of `dataset` needs `text`, which says what column of `\(path)` has the words")
    }
    return found
  }

  func tensors(_ rows: [Int]) -> [(name: String, tensor: Tensor)] {
    let kept = rows.map { numbers[$0] }
    let ends = kept.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    let flat = kept.flatMap { $0 }
    return [
      (Dataset.tagsName, Tensor(flat, shape: [flat.count])), (Dataset.tagEndsName, Tensor(ends, shape: [ends.count])),
    ]
  }
}

/// What each text of a table could go on with.
struct Continuations {
  private let rows: [[String]]

  init(_ table: Table, path: String, columns names: [String]) throws {
    let columns = try names.map { try table.column(named: $0, path: path) }
    if columns.count == 1, case .lists(let lists) = columns[0].cells {
      rows = lists
    } else {
      guard columns.count > 1 else {
        throw OperationError(
          .data, "`\(names[0])` of `\(path)` holds no lists, so there is one choice only",
          helps: ["name a column for each choice: `choices: [\"a\", \"b\"]`"])
      }
      let texts = try columns.map { try $0.sentences(path) }
      rows = (0..<table.rowCount).map { row in texts.map { $0[row] } }
    }
    if let row = rows.firstIndex(where: { $0.isEmpty || $0.contains("") }) {
      throw OperationError(.data, "row \(row + 1) of `\(path)` has no choice, or an empty one")
    }
  }

  func tensors(_ taken: [Int]) -> [(name: String, tensor: Tensor)] {
    let kept = taken.map { rows[$0] }
    let ends = kept.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    return TextColumn(kept.flatMap { $0 }).tensors(Dataset.choicesName)
      + [(Dataset.choiceEndsName, Tensor(ends, shape: [ends.count]))]
  }
}

extension Table.Column {
  /// One text of each row; whole numbers are written as they are, words of a list with spaces between them.
  func sentences(_ path: String) throws -> [String] {
    switch cells {
    case .texts(let texts): return texts
    case .lists(let lists): return lists.map { $0.joined(separator: " ") }
    case .numbers(let numbers):
      guard width == 1, isWhole, numbers.allSatisfy({ $0.magnitude < 1e15 }) else {
        throw OperationError(.data, "`\(name)` of `\(path)` holds numbers, and models read texts")
      }
      return numbers.map { String(Int($0)) }
    }
  }

  /// The words of each row.
  /// - Throws: `OperationError` where one is empty or has white space in it.
  fileprivate func words(_ path: String) throws -> [[String]] {
    switch cells {
    case .texts(let texts): return texts.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    case .lists(let lists):
      for (row, words) in lists.enumerated() {
        guard let stray = words.first(where: { $0.isEmpty || $0.contains(where: \.isWhitespace) }) else { continue }
        throw OperationError(
          .data, "row \(row + 1) of `\(path)` has the word `\(stray)` in `\(name)`, and words have no white space")
      }
      return lists
    case .numbers:
      throw OperationError(
        .data, "`\(name)` of `\(path)` holds numbers, not words or their tags",
        helps: ["write tags by their names, such as `B-PER` and `O`"])
    }
  }
}
