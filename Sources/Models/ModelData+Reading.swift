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
  ///
  /// - Parameter needsLabels: Whether something is to be predicted; where nothing is, examples without labels will do.
  /// - Throws: `OperationError` where the model has no head for it, or does not take what the dataset holds.
  public static func task(of data: Dataset, for model: RunnableModel, needsLabels: Bool = true) throws -> Task {
    let facts = data.content.facts
    switch model.blueprint.input {
    case .numbers(let shape):
      guard needsLabels || data.content.entry(Dataset.labelsName) != nil else {
        let features = data.content.entry(Dataset.featuresName)?.shape
        try checkFeatures(features?.rank == 2 ? features?[1] ?? 0 : 0, shape, data, model)
        return .none
      }
      let size = try data.labelledSize()
      try checkFeatures(size.features, shape, data, model)
      guard case .classification = model.blueprint.head else {
        throw OperationError(
          .data, "`\(model.label)` has \(model.blueprint.head), and `\(data.label)` has classes",
          helps: ["`add_head(…)` gives it a head"])
      }
      _ = try ClassNumbers(of: data, for: model)
      return .classes
    case .tokens:
      _ = try data.textColumns()
      switch model.blueprint.head {
      case .causalLanguageModel: return .nextTokens
      case .classification(1):
        guard facts["score"]?.string != nil else {
          guard needsLabels else { return .none }
          throw OperationError(
            .data, "`\(model.label)` gives one number, and `\(data.label)` has no column of numbers to compare it with",
            helps: ["say which column holds them: `dataset(…, score: \"…\")`"])
        }
        return .numbers
      case .classification:
        guard facts["classes"]?.integer != nil, facts["tags"] == nil else {
          guard needsLabels else { return .none }
          throw OperationError(
            .data, "`\(data.label)` has no labels", helps: ["say which column holds them: `dataset(…, label: \"…\")`"])
        }
        _ = try ClassNumbers(of: data, for: model)
        return .classes
      case .tokenClassification:
        guard facts["tags"]?.string != nil else {
          guard needsLabels else { return .none }
          throw OperationError(
            .data, "`\(data.label)` has no classes of words",
            helps: ["say which column holds them: `dataset(…, tags: \"…\")`"]
          )
        }
        _ = try ClassNumbers(of: data, for: model)
        return .tags
      case .none, .maskedLanguageModel: return .none
      }
    }
  }

  private static func checkFeatures(_ count: Int, _ shape: Shape, _ data: Dataset, _ model: RunnableModel) throws {
    guard count == shape.count else {
      throw OperationError(
        .data, "`\(data.label)` has \(count) features, and `\(model.label)` takes \(shape.count)",
        notes: shape.rank == 3 ? ["that is \(shape[0]) × \(shape[1]) × \(shape[2]): channels, then rows of pixels"] : []
      )
    }
  }

  /// Reads a dataset for a model.
  ///
  /// - Parameter needsLabels: Whether something is to be predicted; where nothing is, examples without labels will do.
  /// - Throws: `OperationError` where a text is too long, or a feature is no number.
  public init(
    _ data: Dataset, for model: RunnableModel, _ lengths: TextLengths = TextLengths(), part: TextPart = .all,
    needsLabels: Bool = true, context: Context
  )
    throws
  {
    let task = try Self.task(of: data, for: model, needsLabels: needsLabels)
    let numbers = task == .classes || task == .tags ? try ClassNumbers(of: data, for: model) : nil
    let labels = task == .classes ? try data.labels().map { numbers?[$0] ?? $0 } : []
    switch model.blueprint.input {
    case .numbers(let shape):
      let features = try data.features()
      self.init(
        task, .numbers(features.reshaped(Shape([features.shape[0]] + shape.axes))), labels: labels)
    case .tokens(_, _, let types, let padding):
      let tokenizer = try model.tokenizer()
      let columns = try data.texts(part)
      let longest = try model.longest(lengths.longest)
      let scores = task == .numbers ? try data.scores() : []
      let texts: [Tokens]
      if task == .nextTokens, let answers = try data.answers() {
        let pairs = zip(columns.first, answers).map { Continuation($0, $1) }
        texts = try Self.continuations(pairs, longest, data, model, truncates: lengths.truncates, context)
      } else if task == .nextTokens {
        texts = try Self.windows(columns.first, tokenizer, longest, lengths.stride ?? longest, model, context)
      } else {
        let tags = task == .tags ? try data.tags().map { $0.map { numbers?[$0] ?? $0 } } : nil
        texts = try Self.examples(
          columns, tags, tokenizer, longest, lengths.truncates, types, data, model, context)
      }
      self.init(task, .tokens(texts), labels: labels, scores: scores, padding: padding)
    }
  }

  /// Each text, or pair of texts, as one example.
  private static func examples(
    _ columns: (first: [String], second: [String]?), _ tags: [[Int]]?, _ tokenizer: Tokenizer, _ longest: Int,
    _ truncates: Bool, _ types: Int, _ data: Dataset, _ model: RunnableModel, _ context: Context
  ) throws -> [Tokens] {
    try context.map(Array(columns.first.indices)) { row in
      let text = columns.first[row]
      let encoding = try tokenizer.encode(
        text, pair: columns.second?[row], unit: .bytes, longest: truncates ? longest : nil)
      guard encoding.count <= longest else {
        throw OperationError(
          .data,
          "text \(row + 1) of `\(data.label)` has \(encoding.count) tokens, and `\(model.label)` reads \(longest)",
          helps: ["`truncate: true` cuts the ends of long texts off"])
      }
      try check(encoding.ids, model)
      let kinds = types > 1 && columns.second != nil ? encoding.typeIDs.map { Int($0) } : []
      // A text of no tokens still is an example.
      var result = Tokens(tokens: encoding.ids.isEmpty ? [0] : encoding.ids.map { Int($0) }, types: kinds)
      if let tags { result.words = words(text, tags[row], encoding) }
      return result
    }
  }

  /// The first token of each word, as `transformers` labels them: later tokens of a word are not scored.
  private static func words(_ text: String, _ tags: [Int], _ encoding: Encoding) -> [(place: Int, label: Int)] {
    var (start, token) = (0, 0)
    var found: [(place: Int, label: Int)] = []
    for (word, tag) in zip(text.split(separator: " "), tags) {
      let end = start + word.utf8.count
      while token < encoding.count, encoding.places[token].end <= start { token += 1 }
      if token < encoding.count, encoding.places[token].start < end { found.append((token, tag)) }
      start = end + 1
    }
    return found
  }

  /// Windows of each text; every token of it but the first is scored in one of them.
  private static func windows(
    _ texts: [String], _ tokenizer: Tokenizer, _ longest: Int, _ stride: Int, _ model: RunnableModel, _ context: Context
  ) throws -> [Tokens] {
    guard stride <= longest, longest > 1 else {
      throw OperationError(.step, "windows of \(longest) tokens cannot begin \(stride) tokens apart")
    }
    return try context.map(texts) { text in
      let encoding = try tokenizer.encode(text, unit: .bytes)
      try check(encoding.ids, model)
      let tokens = encoding.ids.map { Int($0) }
      var windows: [Tokens] = []
      var (end, bytes) = (0, 0)
      for start in Swift.stride(from: 0, to: tokens.count, by: stride) where end < tokens.count {
        let window = tokens[start..<min(start + longest, tokens.count)]
        // What an earlier window has scored is only read; a lone token has nothing before it.
        let unscored = max(1, end - start)
        end = start + window.count
        guard window.count > 1 else { continue }
        let last = encoding.places[start..<end].reduce(bytes) { max($0, $1.end) }
        windows.append(Tokens(tokens: Array(window), types: [], unscored: unscored, bytes: last - bytes))
        bytes = last
      }
      // What is behind the last token, such as a line's end, is of the text too.
      if let last = windows.indices.last { windows[last].bytes += text.utf8.count - bytes }
      return windows
    }.flatMap { $0 }
  }

  static func check(_ ids: [Int32], _ model: RunnableModel) throws {
    guard case .tokens(let vocabulary, _, _, _) = model.blueprint.input else { return }
    if let stray = ids.first(where: { Int($0) >= vocabulary }) {
      throw OperationError(
        .data, "the tokenizer of `\(model.label)` gives the token \(stray), and its embeddings have \(vocabulary) rows")
    }
  }
}
