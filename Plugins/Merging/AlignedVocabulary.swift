import Diagnostics
import Formats
import Operations
import Tensors

/// The vocabulary that some models are to share, and what it makes of each.
struct AlignedVocabulary {
  /// Where the rows of particular tokens come from.
  struct Rules {
    let donor: Content?
    let take: Set<String>
    let force: Bool
    let zero: Set<String>
  }

  private let models: [Content]
  private let vocabularies: [TokenizerVocabulary]
  private let shared: TokenizerVocabulary
  /// `tokenizer.json` of the shared vocabulary.
  private let tokenizer: [UInt8]
  /// Rows of the embeddings.
  private let rows: Int

  /// - Parameter models: The first leads.
  init(_ models: [Content], isUnion: Bool, multiple: Int?) throws {
    self.models = models
    let files = models.map { model in model.files.first { $0.name == "tokenizer.json" } ?? Self.tokenizer(of: models[0])
    }
    vocabularies = try zip(files, models).map { file, model in
      try TokenizerVocabulary(file?.bytes ?? [], name: "tokenizer.json of \(model.label)")
    }
    let extra = isUnion ? Array(vocabularies.dropFirst()) : []
    guard let extended = vocabularies[0].extended(with: extra) else {
      throw OperationError(.data, "the tokenizers of the models cannot be joined")
    }
    let isSame = extended.vocabulary.hasSameTokens(as: vocabularies[0])
    shared = extended.vocabulary
    tokenizer = isSame ? files[0]?.bytes ?? extended.bytes : extended.bytes
    // A padded vocabulary stays as large as it is, so that a model that lacks nothing keeps its shapes.
    let padded = (isUnion ? models : [models[0]]).flatMap(Self.embeddings).map { $0.shape[0] }.max() ?? 0
    let smallest = max(shared.count, isSame ? padded : 0)
    let unit = multiple ?? 1
    rows = (smallest + unit - 1) / unit * unit
  }

  private static func tokenizer(of model: Content) -> SideFile? { model.files.first { $0.name == "tokenizer.json" } }

  /// The tensors of a model that have a row for each token.
  static func embeddings(of content: Content) -> [TensorEntry] {
    zip(content.tensors, TensorName.all(content)).filter { $0.1.role.hasVocabulary && $0.0.shape.rank > 0 }.map(\.0)
  }

  func aligning(_ model: Content, _ rules: Rules) throws -> Content {
    let own =
      try model.files.first { $0.name == "tokenizer.json" }.map {
        try TokenizerVocabulary($0.bytes, name: "tokenizer.json of \(model.label)")
      } ?? vocabularies[0]
    let embeddings = Set(Self.embeddings(of: model).map(\.name))
    let isThere = own.hasSameTokens(as: shared) && Self.embeddings(of: model).allSatisfy { $0.shape[0] == rows }
    guard !isThere || rules.force && !rules.take.isEmpty else { return model }
    var result = model
    result.tensors = try model.tensors.map { entry in
      embeddings.contains(entry.name) ? try aligned(entry, of: model, own, rules) : entry
    }
    result.facts = Self.settingSize(rows, in: model.facts)
    // What belongs to the tokenizer comes from the first model as a whole.
    let others = model.files.filter { !Self.isOfTokenizer($0.name) }
    let leading = models[0].files.filter { Self.isOfTokenizer($0.name) && $0.name != "tokenizer.json" }
    result.files = (others + leading + [SideFile("tokenizer.json", tokenizer)]).sorted { $0.name < $1.name }
    return result
  }

  static func isOfTokenizer(_ name: String) -> Bool {
    [
      "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
      "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "chat_template.jinja", "chat_template.json",
    ].contains(name)
  }

  static func settingSize(_ rows: Int, in config: JSON) -> JSON {
    if config["vocab_size"] != nil { return config.setting("vocab_size", to: .integer(rows)) }
    guard let text = config["text_config"], text["vocab_size"] != nil else { return config }
    return config.setting("text_config", to: text.setting("vocab_size", to: .integer(rows)))
  }

  /// One tensor with a row for each token of the shared vocabulary.
  private func aligned(
    _ entry: TensorEntry, of model: Content, _ own: TokenizerVocabulary, _ rules: Rules
  ) throws -> TensorEntry {
    // The model itself, all models, and the donor; only those that have the tensor, with rows of the same shape.
    var sources: [(vocabulary: TokenizerVocabulary, entry: TensorEntry)] = [(own, entry)]
    for (other, vocabulary) in zip(models, vocabularies) {
      guard let their = other.entry(entry.name), their.shape.axes.dropFirst() == entry.shape.axes.dropFirst() else {
        continue
      }
      sources.append((vocabulary, their))
    }
    if let donor = rules.donor {
      guard let their = donor.entry(entry.name), their.shape.axes.dropFirst() == entry.shape.axes.dropFirst(),
        let file = Self.tokenizer(of: donor)
      else {
        throw OperationError(
          .data, "`donor` of `align` has no `\(entry.name)` with rows of the same shape, or no tokenizer")
      }
      sources.append((try TokenizerVocabulary(file.bytes, name: "tokenizer.json of \(donor.label)"), their))
    }
    let plan = rowSources(sources.map { ($0.vocabulary, $0.entry.shape[0]) }, hasDonor: rules.donor != nil, rules)
    let entries = sources.map(\.entry)
    let shape = Shape([rows] + entry.shape.axes.dropFirst())
    return TensorEntry(entry.name, dtype: entry.dtype, shape: shape) {
      Tensor.assembled(rows: plan, of: try entries.map { try $0.load() }, as: entry.dtype)
    }
  }

  /// Where each row comes from.
  /// - Parameter sources: The model itself, the models that share the vocabulary, and last the donor if there is one.
  private func rowSources(
    _ sources: [(vocabulary: TokenizerVocabulary, rows: Int)], hasDonor: Bool, _ rules: Rules
  ) -> [RowSource] {
    func place(_ token: String, in source: Int) -> RowSource.Place? {
      guard let row = sources[source].vocabulary[token], row < sources[source].rows else { return nil }
      return RowSource.Place(tensor: source, row: row)
    }
    let owned = sources[0].vocabulary.tokens.last { $0.id < sources[0].rows }.map { $0.id + 1 } ?? sources[0].rows
    var result = [RowSource](repeating: .meanOfRows(0..<owned, tensor: 0), count: rows)
    let donor = hasDonor ? sources.count - 1 : nil
    let others = 1..<(donor ?? sources.count)
    for (token, id) in shared.tokens where id < rows {
      let isTaken = rules.take.contains(token)
      let given = donor.flatMap { isTaken ? place(token, in: $0) : nil }
      if rules.force, let given {
        result[id] = .mean([given])
      } else if let own = place(token, in: 0) {
        result[id] = .mean([own])
      } else if rules.zero.contains(token) {
        result[id] = .zero
      } else if let given {
        result[id] = .mean([given])
      } else {
        let owners = others.compactMap { place(token, in: $0) }
        guard let first = owners.first else { continue }
        result[id] = .mean(first.tensor == 1 ? [first] : owners)
      }
    }
    return result
  }
}
