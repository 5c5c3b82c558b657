import Diagnostics
import Formats
import Operations
import Synchronization

/// The tokenizer that some models are to share.
struct SharedTokenizer: Sendable {
  let vocabulary: TokenizerVocabulary
  /// Its `tokenizer.json`.
  let bytes: [UInt8]
  /// What was added to the leading model's, as `tokenizer.json` declares it.
  let added: [JSON]

  /// What decides it.
  private struct Key: Hashable {
    let files: [[UInt8]]
    let limits: [Int]
    let extra: [String]
  }

  /// The last ones that were made: every model of a merge asks for the same, when it is planned and when it runs.
  private static let known = Mutex<[(key: Key, tokenizer: SharedTokenizer)]>([])

  /// - Parameters:
  ///   - leader: The bytes of the tokenizer that leads.
  ///   - others: Those that add their tokens, each with the number of its model's rows.
  ///   - extra: More tokens.
  static func joining(
    _ leader: [UInt8], with others: [(bytes: [UInt8], rows: Int)], extra: [String]
  ) throws -> SharedTokenizer {
    let key = Key(files: [leader] + others.map(\.bytes), limits: others.map(\.rows), extra: extra)
    if let found = known.withLock({ $0.first { $0.key == key }?.tokenizer }) { return found }
    let first = try vocabulary(of: leader, "the model that leads")
    let more = try others.map { (vocabulary: try vocabulary(of: $0.bytes, "a model"), rows: $0.rows) }
    guard let joined = first.extended(with: more, extra: extra) else {
      throw OperationError(.data, "the tokenizers of the models cannot be joined")
    }
    let isSame = joined.vocabulary.hasSameTokens(as: first)
    let made = SharedTokenizer(
      vocabulary: joined.vocabulary, bytes: isSame ? leader : joined.bytes, added: joined.added)
    known.withLock { $0 = Array(($0 + [(key, made)]).suffix(2)) }
    return made
  }

  private static let parsed = Mutex<[(bytes: [UInt8], vocabulary: TokenizerVocabulary)]>([])

  /// The vocabulary of a tokenizer's file; the last ones are remembered.
  /// - Parameter owner: Whose it is, for errors.
  static func vocabulary(of bytes: [UInt8], _ owner: String) throws -> TokenizerVocabulary {
    if let found = parsed.withLock({ $0.first { $0.bytes == bytes }?.vocabulary }) { return found }
    let made = try TokenizerVocabulary(bytes, name: "tokenizer.json of \(owner)")
    parsed.withLock { $0 = Array(($0 + [(bytes, made)]).suffix(8)) }
    return made
  }
}
