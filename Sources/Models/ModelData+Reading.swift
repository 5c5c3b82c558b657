import Diagnostics
import Formats
import Networks
import Operations
import Tensors
import Tokenizers

/// How texts are made to fit a model.
public struct TextLengths: Sendable, Hashable {
  /// The most tokens of an example; the model's context where it is nil.
  public var longest: Int?
  /// Whether texts that are longer are cut off.
  public var truncates: Bool
  /// Tokens between the beginnings of two windows of a long text; as many as a window has where it is nil.
  public var stride: Int?

  public init(longest: Int? = nil, truncates: Bool = false, stride: Int? = nil) {
    (self.longest, self.truncates, self.stride) = (longest, truncates, stride)
  }
}

/// Which texts of an example are read.
public enum TextPart: Sendable {
  /// The first alone, or both as a pair where there are two.
  case all
  case first
  case second
}

extension ModelData {
  /// What a dataset asks of a model, from headers alone.
  /// - Throws: `OperationError` where the model has no head for it, or does not take what the dataset holds.
  public static func task(of data: Dataset, for model: RunnableModel) throws -> Task {
    let facts = data.content.facts
    switch model.blueprint.input {
    case .numbers(let shape):
      let size = try data.labelledSize()
      guard size.features == shape.count else {
        throw OperationError(
          .data, "`\(data.label)` has \(size.features) features, and `\(model.label)` takes \(shape.count)")
      }
      try checkClasses(size.classes, data, model)
      return .classes
    case .tokens:
      _ = try data.textColumns()
      switch model.blueprint.head {
      case .causalLanguageModel: return .nextTokens
      case .classification(1):
        guard facts["score"]?.string != nil else {
          throw OperationError(
            .data, "`\(model.label)` gives one number, and `\(data.label)` has no column of numbers to compare it with",
            helps: ["say which column holds them: `dataset(…, score: \"…\")`"])
        }
        return .numbers
      case .classification:
        guard let classes = facts["classes"]?.integer else {
          throw OperationError(
            .data, "`\(data.label)` has no labels", helps: ["say which column holds them: `dataset(…, label: \"…\")`"])
        }
        try checkClasses(classes, data, model)
        return .classes
      case .none, .maskedLanguageModel, .tokenClassification: return .none
      }
    }
  }

  private static func checkClasses(_ classes: Int, _ data: Dataset, _ model: RunnableModel) throws {
    guard case .classification(let known) = model.blueprint.head else {
      throw OperationError(.data, "`\(model.label)` has \(model.blueprint.head), and `\(data.label)` has classes")
    }
    guard classes <= known else {
      throw OperationError(.data, "`\(data.label)` has \(classes) classes, and `\(model.label)` tells \(known) apart")
    }
  }

  /// Reads a dataset for a model.
  /// - Throws: `OperationError` where a text is too long, or a feature is no number.
  public init(
    _ data: Dataset, for model: RunnableModel, _ lengths: TextLengths = TextLengths(), part: TextPart = .all,
    context: Context
  )
    throws
  {
    let task = try Self.task(of: data, for: model)
    let labels = task == .classes ? try data.labels() : []
    switch model.blueprint.input {
    case .numbers(let shape):
      let features = try data.features()
      self.init(
        task, .numbers(features.reshaped(Shape([features.shape[0]] + shape.axes))), labels: labels)
    case .tokens(_, let most, let types, let padding):
      let tokenizer = try model.tokenizer()
      let columns = try data.texts(part)
      let longest = min(lengths.longest ?? most, most)
      let scores = task == .numbers ? try data.scores() : []
      let bytes = columns.first.reduce(0) { $0 + $1.utf8.count }
      let texts: [Tokens] =
        task == .nextTokens
        ? try Self.windows(columns.first, tokenizer, longest, lengths.stride ?? longest, model, context)
        : try Self.examples(columns, tokenizer, longest, lengths.truncates, types, data, model, context)
      self.init(task, .tokens(texts), labels: labels, scores: scores, bytes: bytes, padding: padding)
    }
  }

  /// Each text, or pair of texts, as one example.
  private static func examples(
    _ columns: (first: [String], second: [String]?), _ tokenizer: Tokenizer, _ longest: Int, _ truncates: Bool,
    _ types: Int, _ data: Dataset, _ model: RunnableModel, _ context: Context
  ) throws -> [Tokens] {
    try context.map(Array(columns.first.indices)) { row in
      let encoding = try tokenizer.encode(
        columns.first[row], pair: columns.second?[row], longest: truncates ? longest : nil)
      guard encoding.count <= longest else {
        throw OperationError(
          .data,
          "text \(row + 1) of `\(data.label)` has \(encoding.count) tokens, and `\(model.label)` reads \(longest)",
          helps: ["`truncate: true` cuts the ends of long texts off"])
      }
      try check(encoding.ids, model)
      let kinds = types > 1 && columns.second != nil ? encoding.typeIDs.map { Int($0) } : []
      // A text of no tokens still is an example.
      return Tokens(tokens: encoding.ids.isEmpty ? [0] : encoding.ids.map { Int($0) }, types: kinds)
    }
  }

  /// Windows of each text; every token of it but the first is scored in one of them.
  private static func windows(
    _ texts: [String], _ tokenizer: Tokenizer, _ longest: Int, _ stride: Int, _ model: RunnableModel, _ context: Context
  ) throws -> [Tokens] {
    guard stride <= longest, longest > 1 else {
      throw OperationError(.step, "windows of \(longest) tokens cannot begin \(stride) tokens apart")
    }
    return try context.map(texts) { text in
      let ids = try tokenizer.encode(text).ids
      try check(ids, model)
      let tokens = ids.map { Int($0) }
      var windows: [Tokens] = []
      var end = 0
      for start in Swift.stride(from: 0, to: tokens.count, by: stride) where end < tokens.count {
        let window = tokens[start..<min(start + longest, tokens.count)]
        // What an earlier window has scored is only read; a lone token has nothing before it.
        let unscored = max(1, end - start)
        end = start + window.count
        if window.count > 1 { windows.append(Tokens(tokens: Array(window), types: [], unscored: unscored)) }
      }
      return windows
    }.flatMap { $0 }
  }

  private static func check(_ ids: [Int32], _ model: RunnableModel) throws {
    guard case .tokens(let vocabulary, _, _, _) = model.blueprint.input else { return }
    if let stray = ids.first(where: { Int($0) >= vocabulary }) {
      throw OperationError(
        .data, "the tokenizer of `\(model.label)` gives the token \(stray), and its embeddings have \(vocabulary) rows")
    }
  }
}
