/// Tokens that stand beside the model's and are found before it is asked: `added_tokens` of `tokenizer.json`.
struct AddedTokens: Sendable {
  struct Token: Sendable, Equatable {
    let content: [UInt8]
    /// Only where no word goes on at either side.
    let isSingleWord: Bool
    /// White space before or behind it belongs to it.
    let takesLeft: Bool
    let takesRight: Bool
    /// Found in the normalised text, by its normalised content.
    let isNormalized: Bool
    /// Left out where a text is decoded without special tokens.
    let isSpecial: Bool
  }

  /// By number.
  private(set) var tokens: [Int32: Token] = [:]
  private(set) var ids: [[UInt8]: Int32] = [:]
  /// What a token becomes where it is decoded: its content, or that normalised.
  private var decoded: [Int32: [UInt8]] = [:]
  private var specials: Set<[UInt8]> = []
  private let plain: TokenTrie?
  private let normalized: TokenTrie?

  /// - Parameters:
  ///   - vocabulary: The model's tokens.
  ///   - size: How many tokens the model has. New ones get the numbers from there, whatever the file says, as in the package.
  init(_ field: Field, _ vocabulary: TokenTable, size: Int, _ normalizer: Normalizer?) throws {
    var next = Int32(size)
    for element in field.isNull ? [] : try field.elements() {
      let token = Token(
        content: try element["content"].bytes(), isSingleWord: try element["single_word"].flag(),
        takesLeft: try element["lstrip"].flag(), takesRight: try element["rstrip"].flag(),
        isNormalized: try element["normalized"].flag(), isSpecial: try element["special"].flag())
      _ = try element["id"].id()
      if token.content.isEmpty { continue }
      if let id = ids[token.content], tokens[id] == token { continue }
      var id = ids[token.content] ?? vocabulary.id(of: token.content)
      if id < 0 {
        id = next
        next += 1
      }
      ids[token.content] = id
      tokens[id] = token
      decoded[id] = token.content
      if token.isSpecial { specials.insert(token.content) }
      if token.isNormalized, let normalizer {
        var text = token.content.withUnsafeBufferPointer { AlignedText($0, 0..<$0.count) }
        normalizer.apply(to: &text)
        decoded[id] = text.bytes
      }
    }
    var patterns: [[(bytes: [UInt8], id: Int32)]] = [[], []]
    for (id, token) in tokens.sorted(by: { $0.key < $1.key }) {
      let bytes = token.isNormalized ? decoded[id]! : token.content
      if !bytes.isEmpty { patterns[token.isNormalized ? 1 : 0].append((bytes, id)) }
    }
    func trie(_ tokens: [(bytes: [UInt8], id: Int32)]) throws -> TokenTrie? {
      if tokens.isEmpty { return nil }
      guard let trie = TokenTrie(tokens) else { throw field.fault("are too large") }
      return trie
    }
    plain = try trie(patterns[0])
    normalized = try trie(patterns[1])
  }

  func text(_ id: Int32) -> [UInt8]? { decoded[id] }

  func isSpecial(_ text: [UInt8]) -> Bool { specials.contains(text) }

  /// Goes over a text: what lies between added tokens, and those. The longest of those that begin first is found.
  /// - Parameter isNormalized: Which tokens are meant.
  func forEachPart(
    of bytes: Bytes, isNormalized: Bool, _ body: (_ range: Range<Int>, _ id: Int32?) throws -> Void
  ) rethrows {
    guard let trie = isNormalized ? normalized : plain else {
      if !bytes.isEmpty { try body(0..<bytes.count, nil) }
      return
    }
    var done = 0
    var offset = 0
    while offset < bytes.count {
      guard let match = Self.longest(trie, bytes, offset) else {
        offset += 1
        continue
      }
      var start = offset
      var end = match.end
      offset = end
      let token = tokens[match.id]!
      if token.isSingleWord, !Self.isAlone(bytes, start..<end) { continue }
      if token.takesLeft {
        while start > 0, case (let value, let place) = scalar(bytes, before: start),
          UnicodeProperties.whiteSpace.contains(value)
        {
          start = place
        }
        start = max(start, done)
      }
      if token.takesRight {
        while end < bytes.count, case (let value, let length) = scalar(bytes, at: end),
          UnicodeProperties.whiteSpace.contains(value)
        {
          end += length
        }
      }
      if done < start { try body(done..<start, nil) }
      try body(start..<end, match.id)
      done = end
    }
    if done < bytes.count { try body(done..<bytes.count, nil) }
  }

  @inline(__always)
  private static func longest(_ trie: TokenTrie, _ bytes: Bytes, _ start: Int) -> (id: Int32, end: Int)? {
    var node = trie.child(TokenTrie.root, bytes[start])
    var offset = start + 1
    var found: (id: Int32, end: Int)?
    while node >= 0 {
      if case let id = trie.id(node), id >= 0 { found = (id, offset) }
      guard offset < bytes.count else { break }
      node = trie.child(node, bytes[offset])
      offset += 1
    }
    return found
  }

  private static func isAlone(_ bytes: Bytes, _ range: Range<Int>) -> Bool {
    let word = UnicodeProperties.word
    if range.lowerBound > 0, word.contains(scalar(bytes, before: range.lowerBound).value) { return false }
    return range.upperBound == bytes.count || !word.contains(scalar(bytes, at: range.upperBound).value)
  }
}
