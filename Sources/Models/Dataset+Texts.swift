import Diagnostics
import Operations
import Tensors

extension Dataset {
  /// The names of the column of texts, and of that of second texts where there is one.
  /// - Throws: `OperationError` where there is no text, or it is not clear which column is meant.
  public func textColumns() throws -> (first: String, second: String?) {
    if let name = content.facts["text"]?.string { return (name, content.facts["pair"]?.string) }
    let names = content.tensors.compactMap { entry -> String? in
      guard entry.name.hasPrefix("text."), entry.name.hasSuffix(".offsets") else { return nil }
      return String(entry.name.dropFirst("text.".count).dropLast(".offsets".count))
    }
    if names.count == 1 { return (names[0], nil) }
    if let usual = ["text", "sentence", "content", "tokens", "question"].first(where: names.contains) {
      return (usual, nil)
    }
    guard let some = names.first else { throw OperationError(.data, "`\(label)` has no column of texts") }
    throw OperationError(
      .data, "`\(label)` has several columns of texts: \(names.map { "`\($0)`" }.joined(separator: ", "))",
      helps: ["say which is read: `dataset(…, text: \"\(some)\")`"])
  }

  /// The texts of all examples.
  public func texts(_ part: TextPart = .all) throws -> (first: [String], second: [String]?) {
    let names = try textColumns()
    switch part {
    case .all: return (try texts(names.first), try names.second.map(texts))
    case .first: return (try texts(names.first), nil)
    case .second:
      guard let second = names.second else {
        throw OperationError(
          .data, "`\(label)` has no second texts", helps: ["say which column holds them: `dataset(…, pair: \"…\")`"])
      }
      return (try texts(second), nil)
    }
  }

  private func texts(_ column: String) throws -> [String] {
    guard let found = try TextColumn(content, "text.\(column)") else {
      throw OperationError(.corrupt, "`\(label)` has no texts in its column `\(column)`")
    }
    return found.texts
  }

  /// The class of each word of each example.
  public func tags() throws -> [[Int]] {
    let (numbers, ends) = (
      try content.tensor(Self.tagsName).integers, try content.tensor(Self.tagEndsName).integers
    )
    return zip(ends, ends.dropFirst()).map { Array(numbers[$0..<$1]) }
  }

  /// What each text could go on with.
  public func choices() throws -> [[String]] {
    guard let all = try TextColumn(content, Self.choicesName) else { return [] }
    let ends = try content.tensor(Self.choiceEndsName).integers
    return zip(ends, ends.dropFirst()).map { Array(all.texts[$0..<$1]) }
  }

  /// What is to be generated for each text; nil where nothing is.
  public func answers() throws -> [String]? { try TextColumn(content, Self.answersName)?.texts }

  /// The number of each example.
  public func scores() throws -> [Double] { try content.finiteTensor("scores").doubles }
}
