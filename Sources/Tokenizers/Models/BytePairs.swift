import Diagnostics

/// Byte-pair encoding (Sennrich et al. 2016): a word begins as its characters, or bytes, and of all neighbours that a rule
/// joins, those of the first rule are joined, from the left, until no rule is left.
struct BytePairs: Sendable {
  let table: TokenTable
  let merges: Merges
  private let takesBytes: Bool
  private let prefix: [UInt8]
  private let suffix: [UInt8]
  /// The text of the token for what is unknown, and its number, −1 where it has none.
  private let unknown: (text: String, id: Int32)?
  private let fusesUnknown: Bool
  /// The tokens that spell bytes (`<0x0A>`), −1 where there is none; empty without byte fallback.
  private let byteTokens: [Int32]
  private let ignoresMerges: Bool
  /// The tokens of single bytes, or of characters of ASCII that stand in the middle of a word.
  private let single: [Int32]

  init(_ field: Field, _ tokens: [(bytes: [UInt8], id: Int32)], takesBytes: Bool) throws {
    let dropout = field["dropout"]
    guard dropout.isNull || dropout.value.number == 0 else {
      throw dropout.fault("is set: tokens would be another each time, which is not supported")
    }
    func text(_ name: String) throws -> [UInt8] { field[name].isNull ? [] : try field[name].bytes() }
    prefix = try text("continuing_subword_prefix")
    suffix = try text("end_of_word_suffix")
    fusesUnknown = try field["fuse_unk"].flag(default: false)
    ignoresMerges = try field["ignore_merges"].flag(default: false)
    let written = TokenTable(tokens)
    let unknownText = field["unk_token"].isNull ? nil : try field["unk_token"].text()
    unknown = unknownText.map { ($0, written.id(of: Array($0.utf8))) }
    byteTokens =
      try field["byte_fallback"].flag(default: false) ? (0...255).map { written.id(of: Unigram.byteToken($0)) } : []
    merges = try Merges(field["merges"], written, prefix: prefix.count)
    let spelled = (0...255).map { byte in
      var text: [UInt8] = []
      text.append(scalar: ByteAlphabet.scalars[byte])
      return written.id(of: text)
    }
    // Where a byte has no token, or tokens are marked by their place, words are spelled like any other text.
    self.takesBytes = takesBytes && prefix.isEmpty && suffix.isEmpty && byteTokens.isEmpty && !spelled.contains(-1)
    if self.takesBytes {
      single = spelled
      table = TokenTable(
        tokens.compactMap { token in
          token.bytes.withUnsafeBufferPointer { ByteAlphabet.bytes(spelledBy: $0) }.map { ($0, token.id) }
        })
    } else {
      single = (0..<128).map { [prefix] in written.id(of: prefix + [UInt8($0)]) }
      table = written
    }
  }

  /// Whether words are to come as bytes, not spelled.
  var wantsBytes: Bool { takesBytes }

  func tokenize(_ word: Bytes, _ scratch: inout TokenModel.Scratch) throws {
    if ignoresMerges, case let id = table.id(of: word), id >= 0 {
      scratch.pieces.append(Piece(id: id, start: 0, end: Int32(word.count)))
      return
    }
    if takesBytes, word.count == 1 {
      scratch.pieces.append(Piece(id: single[Int(word[0])], start: 0, end: 1))
      return
    }
    let isShort = word.count <= WordCache.longestWord
    let hash = isShort ? TokenTable.hash(word) : 0
    if isShort, scratch.cache.find(word, hash, &scratch.pieces) { return }
    let first = scratch.pieces.count
    scratch.symbols.removeAll()
    if takesBytes {
      for byte in word { scratch.symbols.append(single[Int(byte)], 1) }
    } else {
      try split(word, &scratch.symbols)
    }
    scratch.symbols.merge(merges)
    scratch.symbols.emit(&scratch.pieces)
    if isShort { scratch.cache.insert(word, hash, scratch.pieces[first...]) }
  }

  /// The characters of a word as tokens. What is unknown becomes its bytes, or the token for it, or falls away.
  private func split(_ word: Bytes, _ symbols: inout Symbols) throws {
    var pending: Int32 = 0
    func flush() {
      if pending > 0 { symbols.append(unknown!.id, pending) }
      pending = 0
    }
    var offset = 0
    while offset < word.count {
      let length = scalarLength(word[offset])
      defer { offset += length }
      let isLast = offset + length == word.count
      let id: Int32
      if length == 1, (offset > 0 || prefix.isEmpty) && (!isLast || suffix.isEmpty) {
        id = single[Int(word[offset])]
      } else if prefix.isEmpty && suffix.isEmpty {
        id = table.id(of: Bytes(rebasing: word[offset..<offset + length]))
      } else {
        id = table.id(of: marked(word[offset..<offset + length], isFirst: offset == 0, isLast: isLast))
      }
      if id >= 0 {
        flush()
        symbols.append(id, Int32(length))
        continue
      }
      if !byteTokens.isEmpty {
        let bytes = marked(word[offset..<offset + length], isFirst: offset == 0, isLast: isLast)
        if bytes.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
          for byte in bytes { symbols.append(byteTokens[Int(byte)], 1) }
          continue
        }
      }
      guard let unknown else { continue }
      guard unknown.id >= 0 else {
        throw OperationError(.data, "the tokenizer has no token `\(unknown.text)`, and a text needs it")
      }
      if !fusesUnknown { flush() }
      pending += Int32(length)
    }
    flush()
  }

  private func marked(_ bytes: Slice<Bytes>, isFirst: Bool, isLast: Bool) -> [UInt8] {
    (isFirst ? [] : prefix) + bytes + (isLast ? suffix : [])
  }
}
