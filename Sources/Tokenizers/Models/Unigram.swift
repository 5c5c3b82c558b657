import Diagnostics

/// The tokens that a word most likely consists of, by their probabilities alone (Kudo 2018), found by Viterbi's algorithm.
struct Unigram: Sendable {
  private let trie: TokenTrie
  private let table: TokenTable
  /// Logarithms of probabilities, by number.
  private let scores: [Double]
  private let unknown: Int32
  /// What one unknown character counts: less than the least likely token.
  private let unknownScore: Double
  private let byteTokens: [Int32]

  /// The best way to a place in the word.
  struct Step {
    var score: Double
    /// Where its last token begins, −1 where no way leads here.
    var start: Int32
    var id: Int32
  }

  init(_ field: Field, _ tokens: [(bytes: [UInt8], id: Int32)]) throws {
    scores = try field["vocab"].elements().map { piece in
      let parts = try piece.elements()
      guard parts.count == 2, let score = parts[1].value.number else {
        throw piece.fault("is not a token and its score")
      }
      return score
    }
    guard let trie = TokenTrie(tokens) else { throw field["vocab"].fault("is too large") }
    self.trie = trie
    let table = TokenTable(tokens)
    self.table = table
    let number = field["unk_id"]
    unknown = number.isNull ? -1 : try number.id()
    guard unknown < scores.count else { throw number.fault("is \(unknown), and there are \(scores.count) tokens") }
    unknownScore = (scores.min() ?? .infinity) - 10
    byteTokens =
      try field["byte_fallback"].flag(default: false) ? (0...255).map { table.id(of: Self.byteToken($0)) } : []
  }

  /// The token that stands for a byte: `<0x0A>`.
  static func byteToken(_ byte: Int) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[byte >> 4], digits[byte & 15], UInt8(ascii: ">")]
  }

  func tokenize(_ word: Bytes, _ scratch: inout TokenModel.Scratch) throws {
    let isShort = word.count <= WordCache.longestWord
    let hash = isShort ? TokenTable.hash(word) : 0
    if isShort, scratch.cache.find(word, hash, &scratch.pieces) { return }
    let first = scratch.pieces.count
    try findPath(word, &scratch.path)
    emit(word, scratch.path, &scratch.pieces)
    if isShort { scratch.cache.insert(word, hash, scratch.pieces[first...]) }
  }

  private func findPath(_ word: Bytes, _ path: inout [Step]) throws {
    path.removeAll(keepingCapacity: true)
    path.append(contentsOf: repeatElement(Step(score: 0, start: -1, id: 0), count: word.count + 1))
    var start = 0
    while start < word.count {
      let score = path[start].score
      let length = scalarLength(word[start])
      var hasSingle = false
      var node = TokenTrie.root
      var offset = start
      while offset < word.count {
        node = trie.child(node, word[offset])
        guard node >= 0 else { break }
        offset += 1
        guard case let id = trie.id(node), id >= 0 else { continue }
        take(&path[offset], score + scores[Int(id)], start, id)
        if offset - start == length { hasSingle = true }
      }
      if !hasSingle {
        guard unknown >= 0 else {
          throw OperationError(.data, "the tokenizer has no token for what is unknown (`unk_id`), and a text needs it")
        }
        take(&path[start + length], score + unknownScore, start, unknown)
      }
      start += length
    }
  }

  @inline(__always)
  private func take(_ step: inout Step, _ score: Double, _ start: Int, _ id: Int32) {
    if step.start < 0 || score > step.score { step = Step(score: score, start: Int32(start), id: id) }
  }

  /// The way back from the end. Neighbouring unknown characters are one.
  private func emit(_ word: Bytes, _ path: [Step], _ pieces: inout [Piece]) {
    let first = pieces.count
    var end = word.count
    while end > 0 {
      var start = Int(path[end].start)
      let id = path[end].id
      if id == unknown {
        while start > 0, path[start].id == unknown { start = Int(path[start].start) }
        // What is together may be a token, as the text of the unknown one is.
        let whole = table.id(of: Bytes(rebasing: word[start..<end]))
        if whole < 0, !byteTokens.isEmpty, word[start..<end].allSatisfy({ byteTokens[Int($0)] >= 0 }) {
          for byte in word[start..<end].reversed() {
            pieces.append(Piece(id: byteTokens[Int(byte)], start: Int32(start), end: Int32(end)))
          }
        } else {
          pieces.append(Piece(id: whole < 0 ? unknown : whole, start: Int32(start), end: Int32(end)))
        }
      } else {
        pieces.append(Piece(id: id, start: Int32(start), end: Int32(end)))
      }
      end = start
    }
    pieces[first...].reverse()
  }
}
