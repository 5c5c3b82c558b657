import Diagnostics

extension Table {
  /// Reads sentences as the shared tasks of CoNLL write them: a word in the first and its tag in the last column of each line, which
  /// white space parts, and an empty line after each sentence. Lines that begin with `-DOCSTART-` are left out.
  ///
  /// The columns are `tokens` and `tags`.
  init(conll bytes: [UInt8], path: String) throws {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw OperationError(.data, "`\(path)` is not UTF-8")
    }
    var sentences: [(words: [String], tags: [String])] = []
    var isInside = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let parts = line.split(whereSeparator: \.isWhitespace)
      guard let word = parts.first, let tag = parts.last, word != "-DOCSTART-" else {
        isInside = false
        continue
      }
      guard parts.count > 1 else {
        throw OperationError(.data, "`\(path)` line \(index + 1) has the word `\(word)` and no tag")
      }
      if !isInside { sentences.append(([], [])) }
      isInside = true
      sentences[sentences.count - 1].words.append(String(word))
      sentences[sentences.count - 1].tags.append(String(tag))
    }
    guard !sentences.isEmpty else { throw OperationError(.data, "`\(path)` is empty") }
    self.init(
      columns: [Column("tokens", lists: sentences.map(\.words)), Column("tags", lists: sentences.map(\.tags))],
      rowCount: sentences.count)
  }
}
