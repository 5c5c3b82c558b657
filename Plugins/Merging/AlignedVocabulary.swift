import Diagnostics
import Formats
import Operations
import Tensors

/// The vocabulary that some models are to share, and what it makes of each.
struct AlignedVocabulary {
  /// Where the rows of particular tokens come from.
  struct Rules {
    /// A donor's row.
    struct Row {
      /// Its place in `donors`.
      let donor: Int
      /// What the donor calls the token.
      let token: String
    }

    let donors: [Content]
    let given: [String: Row]
    let zero: Set<String>
    /// Tokens whose rows come so even where a model has them.
    let force: Set<String>
    let prefer: Content?
  }

  /// A model with rows for tokens.
  private struct Owner {
    let content: Content
    let vocabulary: TokenizerVocabulary
  }

  private let models: [Owner]
  private let leader: Content
  private let shared: SharedTokenizer
  /// Rows of the embeddings.
  private let rows: Int

  /// - Parameters:
  ///   - leader: The model whose tokenizer it is, or begins with.
  ///   - extra: Tokens that it has besides.
  init(_ models: [Content], leader: Content, isUnion: Bool, extra: [String], multiple: Int?) throws {
    guard let first = Self.tokenizer(of: leader) else { preconditionFailure("the leading model has a tokenizer") }
    self.leader = leader
    self.models = try models.map { try Self.owner($0, leader: first) }
    let others = isUnion ? models : []
    shared = try SharedTokenizer.joining(
      first,
      with: others.compactMap { model in
        Self.tokenizer(of: model).map { ($0, Self.embeddings(of: model).map { $0.shape[0] }.max() ?? .max) }
      }, extra: extra)
    let vocabulary = shared.vocabulary
    guard let multiple else {
      // A padded vocabulary stays as large as it is, so that a model that lacks nothing keeps its shapes.
      let padded = self.models.filter { $0.vocabulary.hasSameTokens(as: vocabulary) }.map(\.content)
      rows = padded.flatMap(Self.embeddings).map { $0.shape[0] }.reduce(vocabulary.count, max)
      return
    }
    rows = (vocabulary.count + multiple - 1) / multiple * multiple
  }

  private static func tokenizer(of model: Content) -> [UInt8]? {
    model.files.first { $0.name == "tokenizer.json" }?.bytes
  }

  /// A model without a tokenizer is taken to have the leading one's.
  private static func owner(_ model: Content, leader: [UInt8]) throws -> Owner {
    Owner(
      content: model, vocabulary: try SharedTokenizer.vocabulary(of: tokenizer(of: model) ?? leader, model.label))
  }

  /// The tensors of a model that have a row for each token.
  static func embeddings(of content: Content) -> [TensorEntry] {
    zip(content.tensors, TensorName.all(content)).filter { $0.1.role.hasVocabulary && $0.0.shape.rank > 0 }.map(\.0)
  }

  func aligning(_ model: Content, _ rules: Rules, precision: FloatPrecision?) throws -> Content {
    let own = try Self.owner(model, leader: shared.bytes)
    let embeddings = Set(Self.embeddings(of: model).map(\.name))
    let isThere =
      own.vocabulary.hasSameTokens(as: shared.vocabulary)
      && Self.embeddings(of: model).allSatisfy { $0.shape[0] == rows }
    guard !isThere || !rules.force.isEmpty else { return model }
    let donors = try rules.donors.map { donor in
      guard let bytes = Self.tokenizer(of: donor) else {
        throw OperationError(.data, "`\(donor.label)` of `align` has no `tokenizer.json`, so its tokens are not known")
      }
      return Owner(content: donor, vocabulary: try SharedTokenizer.vocabulary(of: bytes, donor.label))
    }
    var result = model
    result.tensors = try model.tensors.map { entry in
      guard embeddings.contains(entry.name) else { return entry }
      return try aligned(entry, of: own, donors, rules, as: precision?.dtype ?? entry.dtype)
    }
    result.facts = configuration(model.facts)
    result.files = try files(of: model)
    return result
  }

  // MARK: Rows

  /// One tensor with a row for each token of the shared vocabulary.
  private func aligned(
    _ entry: TensorEntry, of own: Owner, _ donors: [Owner], _ rules: Rules, as dtype: DType
  ) throws -> TensorEntry {
    var entries: [TensorEntry] = []
    func source(_ owner: Owner) -> RowPlan.Source? {
      guard let their = owner.content.entry(entry.name), their.shape.axes.dropFirst() == entry.shape.axes.dropFirst()
      else { return nil }
      entries.append(their)
      return RowPlan.Source(vocabulary: owner.vocabulary, rows: their.shape[0], tensor: entries.count - 1)
    }
    guard let mine = source(own) else { preconditionFailure("the model has its own tensor") }
    let plan = RowPlan(
      own: mine, others: models.compactMap(source),
      preferred: try rules.prefer.flatMap { source(try Self.owner($0, leader: shared.bytes)) },
      donors: try donors.map { donor in
        guard let source = source(donor) else {
          throw OperationError(
            .data, "`\(donor.content.label)` of `align` has no `\(entry.name)` with rows of the same shape")
        }
        return source
      })
    let rows = try plan.rows(rows, of: shared.vocabulary, rules)
    let shape = Shape([rows.count] + entry.shape.axes.dropFirst())
    return TensorEntry(entry.name, dtype: dtype, shape: shape) { [entries] in
      Tensor.assembled(rows: rows, of: try entries.map { try $0.load() }, as: dtype)
    }
  }

  // MARK: Configuration and files

  private static let specialTokens = ["bos_token_id", "eos_token_id", "pad_token_id"]

  private func configuration(_ config: JSON) -> JSON {
    var config = settingSpecialTokens(in: config, from: leader.facts)
    if let text = config["text_config"], text.object != nil {
      let changed = settingSpecialTokens(in: text, from: leader.facts["text_config"] ?? leader.facts)
      config = config.setting("text_config", to: changed)
    }
    return Self.settingSize(rows, in: config)
  }

  /// The numbers of special tokens go with the tokenizer.
  private func settingSpecialTokens(in config: JSON, from leading: JSON) -> JSON {
    Self.specialTokens.reduce(config) { config, name in
      guard let number = leading[name], number != config[name] else { return config }
      return config.setting(name, to: number)
    }
  }

  /// What belongs to the tokenizer comes from the leading model as a whole.
  private func files(of model: Content) throws -> [SideFile] {
    let others = model.files.filter { !Self.isOfTokenizer($0.name) }.map { file in
      guard file.name == "generation_config.json", let config = try? JSON(parsing: file.bytes), config.object != nil
      else { return file }
      let leading = leader.files.first { $0.name == file.name }.flatMap { try? JSON(parsing: $0.bytes) } ?? leader.facts
      let changed = settingSpecialTokens(in: config, from: leading)
      return changed == config ? file : SideFile(file.name, Array(changed.pretty.utf8))
    }
    let leading = leader.files.filter { Self.isOfTokenizer($0.name) }.map { file in
      switch file.name {
      case "tokenizer.json": SideFile(file.name, shared.bytes)
      case "tokenizer_config.json": changed(file) { adding(to: $0) }
      case "added_tokens.json":
        changed(file) { numbers in
          shared.added.reduce(numbers) { $0.setting($1["content"]?.string ?? "", to: $1["id"] ?? .null) }
        }
      default: file
      }
    }
    return (others + leading).sorted { $0.name < $1.name }
  }

  private func changed(_ file: SideFile, _ change: (JSON) -> JSON) -> SideFile {
    guard !shared.added.isEmpty, let json = try? JSON(parsing: file.bytes), json.object != nil else { return file }
    let changed = change(json)
    return changed == json ? file : SideFile(file.name, Array(changed.pretty.utf8))
  }

  /// The new tokens in `added_tokens_decoder`, where a tokenizer's configuration has one.
  private func adding(to config: JSON) -> JSON {
    guard let decoder = config["added_tokens_decoder"], decoder.object != nil else { return config }
    let extended = shared.added.reduce(decoder) { decoder, token in
      let declaration = JSON.object((token.object ?? []).filter { $0.name != "id" })
      return decoder.setting(String(token["id"]?.integer ?? 0), to: declaration)
    }
    return config.setting("added_tokens_decoder", to: extended)
  }

  // MARK: Shared with other ways of changing a vocabulary

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
}
