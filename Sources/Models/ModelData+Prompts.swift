import Diagnostics
import Networks
import Operations
import Tensors
import Tokenizers

extension ModelData {
  /// Prompts for a language model, an example each: their tokens as they are, without those that a template would put around them.
  ///
  /// - Parameter beginning: A text before each of them, such as that of the token that begins texts.
  /// - Throws: `OperationError` where a prompt has no token, more tokens than the model reads, or one that it has not.
  public init(prompts: [String], after beginning: String, for model: RunnableModel) throws {
    guard case .tokens(_, let longest, _, let padding) = model.blueprint.input else {
      throw OperationError(.data, "`\(model.label)` reads no texts")
    }
    let tokenizer = try model.tokenizer()
    let texts = try prompts.map { prompt in
      let ids = try tokenizer.encode(beginning + prompt, addsSpecialTokens: false, unit: .bytes).ids
      try Self.check(ids, model)
      let start = prompt.count <= 40 ? prompt : "\(prompt.prefix(40))…"
      guard !ids.isEmpty else {
        throw OperationError(
          .data, "the tokenizer of `\(model.label)` makes no token of the prompt `\(start)`",
          helps: ["a prompt is a text of at least one token"])
      }
      guard ids.count <= longest else {
        throw OperationError(
          .data, "the prompt `\(start)` has \(ids.count) tokens, and `\(model.label)` reads \(longest)")
      }
      return Tokens(tokens: ids.map { Int($0) }, types: [])
    }
    self.init(.none, .tokens(texts), padding: padding)
  }

  /// The tokens of an example; none where it is numbers.
  public func tokens(_ row: Int) -> [Int] { if case .tokens(let texts) = inputs { texts[row].tokens } else { [] } }
}
