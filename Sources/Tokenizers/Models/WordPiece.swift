import Diagnostics

/// The longest token that a word begins with, then the longest continuation, and so on; a word that does not come out even
/// is unknown (Schuster and Nakajima 2012, as BERT uses it).
struct WordPiece: Sendable {
  private let trie: TokenTrie
  /// Where the prefix of continuations leads to, or −1.
  private let continuation: Int32
  private let unknown: Int32
  private let unknownText: String
  private let longestWord: Int

  init(_ field: Field, _ tokens: [(bytes: [UInt8], id: Int32)]) throws {
    guard let trie = TokenTrie(tokens) else { throw field["vocab"].fault("is too large") }
    self.trie = trie
    continuation = trie.node(try field["continuing_subword_prefix"].bytes())
    unknownText = try field["unk_token"].text()
    let node = trie.node(Array(unknownText.utf8))
    unknown = node < 0 ? -1 : trie.id(node)
    longestWord = try field["max_input_chars_per_word"].count()
  }

  func tokenize(_ word: Bytes, _ scratch: inout TokenModel.Scratch) throws {
    let first = scratch.pieces.count
    var isKnown = word.count <= longestWord || Self.scalars(word) <= longestWord
    var start = 0
    while isKnown, start < word.count {
      var node = start == 0 ? TokenTrie.root : continuation
      var id: Int32 = -1
      var end = start
      var offset = start
      while node >= 0, offset < word.count {
        node = trie.child(node, word[offset])
        guard node >= 0 else { break }
        offset += 1
        if case let found = trie.id(node), found >= 0 {
          id = found
          end = offset
        }
      }
      isKnown = id >= 0
      scratch.pieces.append(Piece(id: id, start: Int32(start), end: Int32(end)))
      start = end
    }
    if isKnown { return }
    guard unknown >= 0 else {
      throw OperationError(.data, "the tokenizer has no token `\(unknownText)`, and a text needs it")
    }
    scratch.pieces.removeLast(scratch.pieces.count - first)
    scratch.pieces.append(Piece(id: unknown, start: 0, end: Int32(word.count)))
  }

  private static func scalars(_ word: Bytes) -> Int { word.reduce(into: 0) { if !isContinuation($1) { $0 += 1 } } }
}
