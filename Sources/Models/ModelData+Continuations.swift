import Diagnostics
import Networks
import Operations
import Tokenizers

/// A text and what it goes on with.
///
/// A space comes between them where neither has white space there; spaces at the text's end belong to what follows, as tokenizers
/// have it.
public struct Continuation: Sendable, Hashable {
  public let text: String
  public let continuation: String

  public init(_ text: String, _ continuation: String) {
    let kept = text.reversed().drop { $0 == " " }
    self.text = String(kept.reversed())
    let spaces = String(text.dropFirst(self.text.count))
    let isApart = self.text.isEmpty || self.text.last?.isWhitespace == true || continuation.first?.isWhitespace == true
    self.continuation = (spaces.isEmpty && !isApart ? " " : spaces) + continuation
  }
}

extension ModelData {
  /// Continuations of texts for a language model: they are read as one text each, and only what goes on is scored.
  /// - Throws: `OperationError` where they are too long and may not be cut.
  public init(
    _ pairs: [Continuation], of data: Dataset, for model: RunnableModel, _ lengths: TextLengths, context: Context
  ) throws {
    guard case .tokens(_, _, _, let padding) = model.blueprint.input else {
      preconditionFailure("continuations are of texts")
    }
    let longest = try model.longest(lengths.longest)
    self.init(
      .nextTokens,
      .tokens(try Self.continuations(pairs, longest, data, model, truncates: lengths.truncates, context)),
      padding: padding)
  }

  static func continuations(
    _ pairs: [Continuation], _ longest: Int, _ data: Dataset, _ model: RunnableModel, truncates: Bool,
    _ context: Context
  ) throws -> [Tokens] {
    let tokenizer = try model.tokenizer()
    return try context.map(pairs) { pair in
      let all = try tokenizer.encode(pair.text + pair.continuation, unit: .bytes).withoutEnding
      try check(all.ids, model)
      guard all.ids.count <= longest || truncates else { throw tooLong(pair.text, all.ids.count, longest, data, model) }
      let tokens = all.ids.suffix(longest).map { Int($0) }
      // A token that is of both is of what goes on.
      let before = all.ends.firstIndex { $0 > pair.text.utf8.count } ?? all.ids.count
      let unscored = max(1, before - (all.ids.count - tokens.count))
      return Tokens(tokens: tokens, types: [], unscored: unscored, bytes: pair.continuation.utf8.count)
    }
  }

  /// The tokens of texts that a language model is to go on with, as many at the end as leave room for more.
  /// - Throws: `OperationError` where they are too long and may not be cut.
  public static func prompts(
    of data: Dataset, for model: RunnableModel, _ lengths: TextLengths, room: Int, context: Context
  ) throws -> [[Int]] {
    guard case .tokens(_, let most, _, _) = model.blueprint.input else {
      preconditionFailure("language models read texts")
    }
    let longest = try model.longest(lengths.longest) - room
    guard longest > 0 else {
      throw OperationError(.step, "`\(model.label)` reads \(most) tokens, so it cannot go on for \(room) more")
    }
    let tokenizer = try model.tokenizer()
    return try context.map(try data.texts(.first).first) { text in
      let ids = try tokenizer.encode(Continuation(text, "").text, unit: .bytes).withoutEnding.ids
      try check(ids, model)
      guard ids.count <= longest || lengths.truncates else { throw tooLong(text, ids.count, longest, data, model) }
      return ids.isEmpty ? [0] : ids.suffix(longest).map { Int($0) }
    }
  }

  private static func tooLong(
    _ text: String, _ count: Int, _ longest: Int, _ data: Dataset, _ model: RunnableModel
  ) -> OperationError {
    OperationError(
      .data,
      "a text of `\(data.label)` has \(count) tokens with what follows it, and `\(model.label)` reads \(longest)",
      notes: ["it begins `\(text.prefix(40))`"], helps: ["`truncate: true` cuts the beginnings of long texts off"])
  }
}

extension Encoding {
  /// The tokens up to the last one of the text, and where each ends: what a template puts behind the text would end it.
  fileprivate var withoutEnding: (ids: [Int32], ends: [Int]) {
    let last = places.lastIndex { $0.end > 0 }.map { $0 + 1 } ?? count
    return (Array(ids[..<last]), places[..<last].map(\.end))
  }
}
