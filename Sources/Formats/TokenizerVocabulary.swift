import Diagnostics

/// The tokens of a tokenizer, as Hugging Face's `tokenizer.json` lists them.
public struct TokenizerVocabulary: Sendable {
  /// The tokens of the model itself and those that were added, in the order of their numbers.
  public let tokens: [(text: String, id: Int)]
  private let json: JSON
  private let numbers: [ExactText: Int]

  /// - Parameter name: What errors call it.
  /// - Throws: `OperationError` where it is not a tokenizer.
  public init(_ bytes: [UInt8], name: String) throws {
    func fault(_ text: String) -> OperationError { OperationError(.data, "`\(name)` is not a tokenizer: \(text)") }
    json = try Self.parsed(bytes, name)
    var numbers: [ExactText: Int] = [:]
    for token in try Self.modelTokens(json, name: name) { numbers[ExactText(token.text)] = token.id }
    for added in json["added_tokens"]?.array ?? [] {
      guard let text = added["content"]?.string, let id = added["id"]?.integer, id >= 0 else {
        throw fault("one of `added_tokens` has no text or no number")
      }
      numbers[ExactText(text)] = id
    }
    self.numbers = numbers
    tokens = numbers.map { (text: $0.key.text, id: $0.value) }.sorted {
      $0.id == $1.id ? $0.text < $1.text : $0.id < $1.id
    }
  }

  /// The tokens of a tokenizer's model as they are listed: with their numbers, or in the order of these.
  /// - Throws: `OperationError` where it lists none.
  public static func modelTokens(_ json: JSON, name: String) throws -> [(text: String, id: Int)] {
    func fault(_ text: String) -> OperationError { OperationError(.data, "`\(name)` is not a tokenizer: \(text)") }
    switch json["model"]?["vocab"] {
    case .object(let members)?:
      return try members.map { member in
        guard let id = member.value.integer, id >= 0 else { throw fault("the token `\(member.name)` has no number") }
        return (member.name, id)
      }
    case .array(let pieces)?:
      return try pieces.enumerated().map { id, piece in
        guard let text = piece.array?.first?.string else { throw fault("token \(id) has no text") }
        return (text, id)
      }
    default: throw fault("it has no `model.vocab`")
    }
  }

  private static func parsed(_ bytes: [UInt8], _ name: String) throws -> JSON {
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw OperationError(.data, "`\(name)` is not a tokenizer: \(error.message), at byte \(error.offset)")
    }
  }

  /// The number of a token.
  public subscript(token: String) -> Int? { numbers[ExactText(token)] }

  /// How many numbers there are, up to the highest.
  public var count: Int { (tokens.last?.id ?? -1) + 1 }

  /// Whether both have the same tokens under the same numbers.
  public func hasSameTokens(as other: TokenizerVocabulary) -> Bool { numbers == other.numbers }

  /// The tokenizer with tokens of others after its own, all as added tokens: first those of their vocabularies, then those that
  /// were added to them, each as it was declared, and last some more.
  ///
  /// The rules by which texts are cut stay this tokenizer's; what others learnt to join it finds whole. New tokens in the
  /// vocabulary itself would move those that were added behind it, for readers count these from its end.
  ///
  /// - Parameters:
  ///   - others: Each with the number of rows that its model has: tokens beyond them have none.
  ///   - extra: Tokens that may be known already.
  /// - Returns: The declarations of the new tokens too.
  public func extended(
    with others: [(vocabulary: TokenizerVocabulary, rows: Int)], extra: [String] = []
  ) -> (vocabulary: TokenizerVocabulary, bytes: [UInt8], added: [JSON])? {
    var known = Set(numbers.keys)
    var declared: [JSON] = []
    func declare(_ text: String, as declaration: JSON? = nil) {
      guard known.insert(ExactText(text)).inserted else { return }
      let plain: JSON = [
        "id": 0, "content": .string(text), "single_word": false, "lstrip": false, "rstrip": false, "normalized": true,
        "special": false,
      ]
      declared.append((declaration ?? plain).setting("id", to: .integer(count + declared.count)))
    }
    let declarations = others.map(\.vocabulary.added)
    for (other, added) in zip(others, declarations) {
      for (text, id) in other.vocabulary.tokens where id < other.rows && added[ExactText(text)] == nil { declare(text) }
    }
    for (other, added) in zip(others, declarations) {
      for (text, id) in other.vocabulary.tokens where id < other.rows {
        if let declaration = added[ExactText(text)] { declare(text, as: declaration) }
      }
    }
    for text in extra { declare(text) }
    let all = (json["added_tokens"]?.array ?? []) + declared
    let bytes = Array(json.setting("added_tokens", to: .array(all)).pretty.utf8)
    return (try? TokenizerVocabulary(bytes, name: "tokenizer.json")).map { ($0, bytes, declared) }
  }

  private var added: [ExactText: JSON] {
    let declarations = json["added_tokens"]?.array ?? []
    return Dictionary(declarations.compactMap { added in added["content"]?.string.map { (ExactText($0), added) } }) {
      _, last in last
    }
  }
}
