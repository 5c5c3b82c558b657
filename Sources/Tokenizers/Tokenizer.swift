import Diagnostics
import Dispatch
import Formats
import Synchronization

/// Makes tokens of texts and texts of tokens, as the `tokenizers` package does with the same `tokenizer.json`.
///
/// A text is normalised, cut into words, each word becomes tokens, and special tokens come around them. Added tokens are
/// found first. All of it works on UTF-8; each byte knows where in the given text it came from. Any number of threads may
/// use one tokenizer.
public final class Tokenizer: Sendable {
  /// What the places of tokens count.
  public enum Unit: Sendable {
    /// Bytes of UTF-8.
    case bytes
    /// Unicode scalars, as Python counts them.
    case scalars
  }

  /// What makes tokens of words, as the file calls it: `WordPiece`, `BPE`, `Unigram` or `WordLevel`.
  public let kind: String
  /// How many tokens there are, added ones included.
  public let vocabularySize: Int
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  let model: TokenModel
  let postProcessor: PostProcessor?
  let decoder: Decoder?
  let addedTokens: AddedTokens
  let truncation: Truncation?
  let padding: Padding?
  /// The texts of the model's tokens.
  let texts: [Int32: [UInt8]]
  private let ids: TokenTable
  /// White space at both ends of tokens, where that is asked for.
  private let edges: [Int32: UInt32]
  private let idle = Mutex<[Workspace]>([])

  /// What one thread works with.
  private final class Workspace: Sendable {
    let scratch = Mutex(TokenModel.Scratch())
  }

  /// - Parameters:
  ///   - bytes: A `tokenizer.json`.
  ///   - name: What the file is called.
  ///   - owner: What errors call the model that it belongs to.
  ///   - keepsLengths: Whether texts are truncated and padded as the file says.
  /// - Throws: `OperationError`: it is damaged, or asks for what is not supported; with the place in the file.
  public init(_ bytes: [UInt8], name: String, of owner: String? = nil, keepsLengths: Bool = true) throws {
    let called = owner.map { "`\(name)` of `\($0)`" } ?? "`\(name)`"
    let json: JSON
    do {
      json = try JSON(parsing: bytes)
    } catch {
      throw OperationError(.data, "\(called) is not a tokenizer: \(error.message), at byte \(error.offset)")
    }
    let file = Field(value: json, place: "", file: called)
    _ = try file.object()
    let version = file["version"]
    guard version.isNull || version.value.string == "1.0" else { throw version.fault("is not \"1.0\"") }
    func part<Part>(_ name: String, _ make: (Field) throws -> Part) rethrows -> Part? {
      file[name].isNull ? nil : try make(file[name])
    }
    normalizer = try part("normalizer", Normalizer.init)
    let cutting = try part("pre_tokenizer", PreTokenizer.init)
    postProcessor = try part("post_processor", PostProcessor.init)
    decoder = try part("decoder", Decoder.init)
    truncation = keepsLengths ? try part("truncation", Truncation.init) : nil
    padding = keepsLengths ? try part("padding", Padding.init) : nil

    let vocabulary = try TokenizerVocabulary.modelTokens(json, name: owner.map { "\(name) of \($0)" } ?? name)
    for token in vocabulary where token.id >= Int(Int32.max) {
      throw file["model"]["vocab"].fault("gives `\(token.text)` the number \(token.id), and \(Int32.max) is too large")
    }
    kind = try TokenModel.kind(of: file["model"])
    let bytewise = cutting?.withoutSpelling
    model = try TokenModel(file["model"], vocabulary, takesBytes: bytewise != nil)
    if case .bytePairs(let pairs) = model, pairs.wantsBytes { preTokenizer = bytewise } else { preTokenizer = cutting }

    let tokens = vocabulary.map { (bytes: Array($0.text.utf8), id: Int32($0.id)) }
    ids = TokenTable(tokens)
    texts = Dictionary(tokens.map { ($0.id, $0.bytes) }) { _, last in last }
    addedTokens = try AddedTokens(file["added_tokens"], ids, size: tokens.count, normalizer)
    vocabularySize = Set(texts.keys).union(addedTokens.tokens.keys).count
    edges =
      postProcessor?.trims == true
      ? texts.mapValues { $0.withUnsafeBufferPointer(Self.edges) }.filter { $0.value != 0 } : [:]
  }

  /// The number of a token.
  public func id(of token: String) -> Int32? {
    let bytes = Array(token.utf8)
    if let id = addedTokens.ids[bytes] { return id }
    let id = ids.id(of: bytes)
    return id < 0 ? nil : id
  }

  /// The text of a token, as the vocabulary writes it.
  public func token(_ id: Int32) -> String? {
    (addedTokens.tokens[id]?.content ?? texts[id]).map { String(decoding: $0, as: UTF8.self) }
  }

  /// White space at both ends of a token, spaces spelled as bytes among it.
  private static func edges(_ text: Bytes) -> UInt32 {
    func isSpace(_ scalar: UInt32) -> Bool { scalar == 0x120 || UnicodeProperties.whiteSpace.contains(scalar) }
    var leading: UInt32 = 0
    var offset = 0
    while offset < text.count, case (let value, let length) = scalar(text, at: offset), isSpace(value) {
      leading += 1
      offset += length
    }
    var trailing: UInt32 = 0
    offset = text.count
    while offset > 0, case (let value, let start) = scalar(text, before: offset), isSpace(value) {
      trailing += 1
      offset = start
    }
    return min(leading, 0xFFFF) << 16 | min(trailing, 0xFFFF)
  }
}

// MARK: - Texts to tokens

extension Tokenizer {
  /// Encodes a text, or a pair of texts.
  /// - Parameters:
  ///   - addsSpecialTokens: Whether the post-processor's tokens come around them.
  ///   - unit: What places count.
  ///   - longest: How many tokens there may be, whatever the file says; the end is cut off.
  /// - Throws: `OperationError`: a text needs a token for what is unknown and there is none, or cannot be truncated.
  public func encode(
    _ text: String, pair: String? = nil, addsSpecialTokens: Bool = true, unit: Unit = .scalars, longest: Int? = nil
  ) throws -> Encoding {
    let workspace = idle.withLock { $0.popLast() } ?? Workspace()
    defer { idle.withLock { $0.append(workspace) } }
    return try workspace.scratch.withLock { scratch in
      var encodings = [try encode(text, type: 0, unit, &scratch)]
      if let pair { encodings.append(try encode(pair, type: 1, unit, &scratch)) }
      let isPair = encodings.count > 1
      let truncation = longest.map { Truncation(longest: $0) } ?? truncation
      try truncation?.apply(&encodings, room: addsSpecialTokens ? postProcessor?.added(isPair: isPair) ?? 0 : 0)
      if let postProcessor {
        for index in encodings.indices { encodings[index].setType(Int32(index)) }
        postProcessor.apply(&encodings, addsSpecial: addsSpecialTokens)
      }
      var whole = encodings.first ?? Encoding()
      for encoding in encodings.dropFirst() { whole.append(encoding) }
      var padded = [whole]
      padding?.apply(&padded)
      return padded[0]
    }
  }

  /// Encodes texts side by side. All are padded to the same length where the file asks for that.
  /// - Throws: `OperationError` of the first text that cannot be encoded.
  public func encode(_ texts: [String], addsSpecialTokens: Bool = true, unit: Unit = .scalars) throws -> [Encoding] {
    let results = Mutex([Result<Encoding, any Error>?](repeating: nil, count: texts.count))
    DispatchQueue.concurrentPerform(iterations: texts.count) { index in
      let result = Result { try encode(texts[index], addsSpecialTokens: addsSpecialTokens, unit: unit) }
      results.withLock { $0[index] = result }
    }
    var encodings = try results.withLock { try $0.map { try $0!.get() } }
    padding?.apply(&encodings)
    return encodings
  }

  private func encode(_ text: String, type: Int32, _ unit: Unit, _ scratch: inout TokenModel.Scratch) throws -> Encoding
  {
    var text = text
    return try text.withUTF8 { bytes in
      guard bytes.count < Int(Int32.max) else {
        throw OperationError(.data, "a text has \(bytes.count) bytes, and at most \(Int32.max) are encoded at once")
      }
      var tokens = Collector(wantsEdges: postProcessor?.trims == true)
      try addedTokens.forEachPart(of: bytes, isNormalized: false) { range, id in
        if let id {
          let span = Span(start: UInt32(range.lowerBound), end: UInt32(range.upperBound))
          tokens.append(id, span, edges: tokens.wantsEdges ? Self.edges(Bytes(rebasing: bytes[range])) : 0)
          return tokens.endWord()
        }
        try encodePart(AlignedText(bytes, range), &tokens, &scratch)
      }
      return tokens.encoding(bytes, type: type, unit)
    }
  }

  /// What lies between added tokens that are not normalised.
  private func encodePart(_ part: AlignedText, _ tokens: inout Collector, _ scratch: inout TokenModel.Scratch) throws {
    var text = part
    normalizer?.apply(to: &text)
    try text.bytes.withUnsafeBufferPointer { bytes in
      try addedTokens.forEachPart(of: bytes, isNormalized: true) { range, id in
        if let id {
          let edges = tokens.wantsEdges ? Self.edges(Bytes(rebasing: bytes[range])) : 0
          tokens.append(id, text.source(of: range), edges: edges)
          return tokens.endWord()
        }
        var words = Words(text, range)
        preTokenizer?.apply(to: &words)
        try encode(words, &tokens, &scratch)
      }
    }
  }

  private func encode(_ words: Words, _ tokens: inout Collector, _ scratch: inout TokenModel.Scratch) throws {
    let needsEdges = tokens.wantsEdges
    try words.text.bytes.withUnsafeBufferPointer { bytes in
      try words.text.spans.withUnsafeBufferPointer { spans in
        for word in words.pieces {
          scratch.pieces.removeAll(keepingCapacity: true)
          try model.tokenize(Bytes(rebasing: bytes[word]), &scratch)
          for piece in scratch.pieces {
            let edges = needsEdges ? edges[piece.id] ?? 0 : 0
            tokens.append(piece.id, Self.span(of: piece, in: word, spans), edges: edges)
          }
          tokens.endWord()
        }
      }
    }
  }

  /// Where a token of a word came from.
  @inline(__always)
  private static func span(of piece: Piece, in word: Range<Int>, _ spans: UnsafeBufferPointer<Span>) -> Span {
    let (start, end) = (word.lowerBound + Int(piece.start), word.lowerBound + Int(piece.end))
    if start < end, end <= word.upperBound { return Span(start: spans[start].start, end: spans[end - 1].end) }
    // Tokens of no bytes, or of bytes that a suffix added: what the package gives.
    let origin = start == end ? spans[word.lowerBound].start : 0
    return Span(start: origin + UInt32(piece.start), end: origin + UInt32(piece.end))
  }
}

// MARK: - Tokens to texts

extension Tokenizer {
  /// The text that tokens spell. Numbers that are no token's are left out.
  public func decode(_ ids: some Sequence<Int32>, skipsSpecialTokens: Bool = true) -> String {
    var tokens = ids.compactMap { id -> [UInt8]? in
      guard let text = addedTokens.text(id) ?? texts[id] else { return nil }
      return skipsSpecialTokens && addedTokens.isSpecial(text) ? nil : text
    }
    guard let decoder else { return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self) }
    decoder.apply(to: &tokens)
    return String(decoding: Array(tokens.joined()), as: UTF8.self)
  }
}
