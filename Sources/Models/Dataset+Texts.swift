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
    if let usual = ["text", "sentence", "content"].first(where: names.contains) { return (usual, nil) }
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
    let bytes = try content.tensor("text.\(column).bytes")
    let ends = try content.tensor("text.\(column).offsets").integers
    return bytes.withBytes { bytes in
      zip(ends, ends.dropFirst()).map { String(decoding: bytes[$0..<$1], as: UTF8.self) }
    }
  }

  /// The number of each example.
  public func scores() throws -> [Double] { try content.finiteTensor("scores").doubles }
}
