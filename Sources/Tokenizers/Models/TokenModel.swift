import Diagnostics

/// What makes tokens of words: `model` of `tokenizer.json`.
enum TokenModel: Sendable {
  case wordPiece(WordPiece)
  case bytePairs(BytePairs)
  case unigram(Unigram)
  case wordLevel(WordLevel)

  /// - Parameter takesBytes: Whether words come as bytes that the vocabulary spells (`ByteAlphabet`).
  init(_ field: Field, _ vocabulary: [(text: String, id: Int)], takesBytes: Bool) throws {
    let tokens = vocabulary.map { (bytes: Array($0.text.utf8), id: Int32($0.id)) }
    switch try Self.kind(of: field) {
    case "WordPiece": self = .wordPiece(try WordPiece(field, tokens))
    case "BPE": self = .bytePairs(try BytePairs(field, tokens, takesBytes: takesBytes))
    case "Unigram": self = .unigram(try Unigram(field, tokens))
    case "WordLevel": self = .wordLevel(try WordLevel(field, tokens))
    case let name: throw field["type"].fault("is `\(name)`, a model that is not known")
    }
  }

  /// Files of old versions do not say which it is: their members do.
  static func kind(of field: Field) throws -> String {
    if !field["type"].isNull { return try field["type"].text() }
    _ = try field.object()
    if !field["merges"].isNull { return "BPE" }
    if !field["max_input_chars_per_word"].isNull { return "WordPiece" }
    if !field["unk_token"].isNull { return "WordLevel" }
    return "Unigram"
  }

  /// Appends the tokens of a word that is not empty, with their bytes counted from the word's first.
  @inline(__always)
  func tokenize(_ word: Bytes, _ scratch: inout Scratch) throws {
    switch self {
    case .wordPiece(let model): try model.tokenize(word, &scratch)
    case .bytePairs(let model): try model.tokenize(word, &scratch)
    case .unigram(let model): try model.tokenize(word, &scratch)
    case .wordLevel(let model): try model.tokenize(word, &scratch)
    }
  }

  /// What one thread works with; kept from text to text.
  struct Scratch {
    var pieces: [Piece] = []
    var cache = WordCache()
    var symbols = BytePairs.Symbols()
    var path: [Unigram.Step] = []
  }
}

/// One token for one word.
struct WordLevel: Sendable {
  private let table: TokenTable
  private let unknown: Int32

  init(_ field: Field, _ tokens: [(bytes: [UInt8], id: Int32)]) throws {
    table = TokenTable(tokens)
    unknown = table.id(of: try field["unk_token"].bytes())
  }

  func tokenize(_ word: Bytes, _ scratch: inout TokenModel.Scratch) throws {
    let known = table.id(of: word)
    let id = known >= 0 ? known : unknown
    guard id >= 0 else {
      throw OperationError(
        .data, "`\(String(decoding: word, as: UTF8.self))` is not in the tokenizer, nor a token for what is unknown")
    }
    scratch.pieces.append(Piece(id: id, start: 0, end: Int32(word.count)))
  }
}
