import Diagnostics
import Formats
import Operations

/// What the tokens of a tokenizer stand for, so that tokens of different tokenizers can be found to mean the same.
///
/// A space is `▁` to one tokenizer and `Ġ` to another, a newline `<0x0A>` to one and `Ċ` to another, and the beginning of a text
/// has many names.
struct TokenMeanings {
  /// What a token stands for.
  enum Meaning: Hashable {
    /// What the tokenizer's configuration calls `bos_token` and the like.
    case special(String)
    /// Text, as bytes.
    case bytes([UInt8])
    /// A token that was added beside the vocabulary, under its own text.
    case added(String)
  }

  let vocabulary: TokenizerVocabulary
  private let style: Style
  private let added: Set<String>
  /// What the configuration calls tokens: (`bos_token`, `<s>`), in the order of `kinds`.
  private let specials: [(kind: String, text: String)]
  private let rows: [Meaning: Int]

  private static let kinds = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// How a vocabulary writes bytes.
  private enum Style {
    case byteLevel, spaceMark, plain
  }

  /// - Throws: `OperationError` where the model has no tokenizer, or none that can be read.
  init(of model: Content) throws {
    guard let tokenizer = model.files.first(where: { $0.name == "tokenizer.json" }) else {
      throw OperationError(
        .data, "`\(model.label)` has no `tokenizer.json`, so its vocabulary is not known",
        helps: ["put the tokenizer's files into the model's folder"])
    }
    vocabulary = try TokenizerVocabulary(tokenizer.bytes, name: "tokenizer.json of \(model.label)")
    let facts = try Self.json("tokenizer.json", of: model) ?? .null
    style = Self.style(of: facts)
    added = Set((facts["added_tokens"]?.array ?? []).compactMap { $0["content"]?.string })
    specials = try Self.specials(of: model)
    var rows: [Meaning: Int] = [:]
    // A byte's own token stands for it only where no other token does.
    let tokens = vocabulary.tokens.sorted { !Self.isByte($0.text) && Self.isByte($1.text) }
    for (text, id) in tokens {
      for meaning in Self.meanings(of: text, style, added, specials) where rows[meaning] == nil { rows[meaning] = id }
    }
    self.rows = rows
  }

  private static func json(_ name: String, of model: Content) throws -> JSON? {
    guard let file = model.files.first(where: { $0.name == name }) else { return nil }
    do {
      return try JSON(parsing: file.bytes)
    } catch {
      throw OperationError(.data, "`\(name)` of `\(model.label)` is not JSON: \(error.message)")
    }
  }

  /// What the configuration of a model's tokenizer calls tokens: (`bos_token`, `<s>`), in the order of `kinds`.
  /// - Throws: `OperationError` where the configuration is not JSON.
  static func specials(of model: Content) throws -> [(kind: String, text: String)] {
    let configs = try ["tokenizer_config.json", "special_tokens_map.json"].compactMap { try json($0, of: model) }
    return kinds.compactMap { kind in
      configs.lazy.compactMap { $0[kind]?.string ?? $0[kind]?["content"]?.string }.first.map { (kind, $0) }
    }
  }

  private static func style(of tokenizer: JSON) -> Style {
    let parts = ["normalizer", "pre_tokenizer", "decoder"].compactMap { tokenizer[$0] }
    if parts.contains(where: { $0.hasPart("ByteLevel") }) { return .byteLevel }
    let marksSpaces = parts.contains { $0.hasPart("Metaspace") || $0.hasPart("Replace") }
    return marksSpaces || tokenizer["model"]?["byte_fallback"]?.bool == true ? .spaceMark : .plain
  }

  /// What a token stands for, the surest first.
  private static func meanings(
    of text: String, _ style: Style, _ added: Set<String>, _ specials: [(kind: String, text: String)]
  ) -> [Meaning] {
    let kinds = specials.filter { $0.text == text }.map { Meaning.special($0.kind) }
    if added.contains(text) || !kinds.isEmpty { return kinds + [.added(text)] }
    return [.bytes(bytes(of: text, style))]
  }

  private static func isByte(_ text: String) -> Bool { byte(text) != nil }

  /// The byte that `<0x0A>` stands for.
  private static func byte(_ text: String) -> UInt8? {
    text.utf8.count == 6 && text.hasPrefix("<0x") && text.hasSuffix(">")
      ? UInt8(text.dropFirst(3).dropLast(), radix: 16) : nil
  }

  private static func bytes(of text: String, _ style: Style) -> [UInt8] {
    switch style {
    case .byteLevel:
      let bytes = text.unicodeScalars.compactMap { byteOfLetter[$0] }
      return bytes.count == text.unicodeScalars.count ? bytes : Array(text.utf8)
    case .spaceMark: return byte(text).map { [$0] } ?? Array(text.replacing("\u{2581}", with: " ").utf8)
    case .plain: return Array(text.utf8)
    }
  }

  /// The letters that byte-level tokenizers write bytes as: printable ones as themselves, the others from 256 on.
  private static let byteOfLetter: [Unicode.Scalar: UInt8] = {
    var letters: [Unicode.Scalar: UInt8] = [:]
    var next: UInt32 = 256
    for byte in UInt8.min...UInt8.max {
      let isItself = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
      if let letter = Unicode.Scalar(isItself ? UInt32(byte) : next) { letters[letter] = byte }
      next += isItself ? 0 : 1
    }
    return letters
  }()

  /// The number of the token here that means what a token of another tokenizer means; nil where none does.
  func match(_ text: String, of other: TokenMeanings) -> Int? {
    if style == other.style, !other.added.contains(text), !added.contains(text), let same = vocabulary[text] {
      return same
    }
    return Self.meanings(of: text, other.style, other.added, other.specials).lazy.compactMap { rows[$0] }.first
  }

  /// The number of the token that the configuration calls so: `bos_token`.
  func special(_ kind: String) -> Int? { specials.first { $0.kind == kind }.flatMap { vocabulary[$0.text] } }
}

extension JSON {
  /// Whether a part of a tokenizer is of a type, or a sequence with a part of that type.
  fileprivate func hasPart(_ type: String) -> Bool {
    if self["type"]?.string == type { return true }
    return (object ?? []).contains { member in (member.value.array ?? []).contains { $0.hasPart(type) } }
  }
}
