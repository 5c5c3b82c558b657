import Diagnostics
import Formats
import Tensors

/// The encoder of BERT (Devlin et al. 2019) and its kin: what tells them apart is data in `BertFamily`.
///
/// Embeddings of tokens, positions and segments are added and normed. Every block norms what it adds: x ← norm(x + attention(x)),
/// then x ← norm(x + perceptron(x)).
struct Bert: Architecture {
  static let modelTypes = BertFamily.all.flatMap(\.modelTypes)

  private let family: BertFamily
  private let vocabulary: Int
  private let width: Int
  private let embeddingWidth: Int
  private let hiddenWidth: Int
  /// Where the names of each block begin, in the order in which they are used; ALBERT uses some of them several times.
  private let blocks: [String]
  private let heads: Int
  private let positions: Int
  private let types: Int
  private let padding: Int
  private let epsilon: Double
  private let activation: Activation
  private let headActivation: Activation
  private let isTied: Bool

  var prefix: String { family.prefix }

  /// RoBERTa's positions begin behind that of padding.
  private var firstPosition: Int { family.countsFromPadding ? padding + 1 : 0 }

  var input: NetworkInput {
    .tokens(vocabulary: vocabulary, context: positions - firstPosition, types: max(types, 1), padding: padding)
  }

  init(_ config: ModelConfig) throws {
    family = try BertFamily(config)
    vocabulary = try config.count("vocab_size")
    width = try config.count(family.names.width)
    embeddingWidth = try config.count("embedding_size", default: width)
    hiddenWidth = try config.count(family.names.hiddenWidth)
    heads = try config.count(family.names.heads)
    try config.check(heads, divides: width, "`\(family.names.heads)` and `\(family.names.width)`")
    positions = try config.count("max_position_embeddings", default: 512)
    types = family.hasTypes ? config.json["type_vocab_size"]?.integer ?? 2 : 0
    padding = config.padding(below: vocabulary, default: family.countsFromPadding ? 1 : 0) ?? 0
    epsilon = try config.number("layer_norm_eps", default: 1e-12)
    activation = try config.activation(family.names.activation, default: family.activation)
    headActivation = family.headActivation ?? activation
    try config.require("position_embedding_type", is: ["absolute"])
    try config.require("is_decoder", is: [.bool(false)])
    isTied = try config.flag("tie_word_embeddings", default: true)
    blocks = try Self.blocks(family, config)
    guard positions > firstPosition else {
      throw OperationError(.data, "the configuration of `\(config.label)` leaves no position for a token")
    }
  }

  private static func blocks(_ family: BertFamily, _ config: ModelConfig) throws -> [String] {
    let layers = try config.count(family.names.layers)
    guard family.sharesLayers else { return (0..<layers).map { family.block($0, group: 0) } }
    let groups = try config.count("num_hidden_groups", default: 1)
    let inner = try config.count("inner_group_num", default: 1)
    try config.check(groups, divides: layers, "`num_hidden_groups` and `\(family.names.layers)`")
    return (0..<layers).flatMap { layer in
      (0..<inner).map { family.block($0, group: layer / (layers / groups)) }
    }
  }

  func hidden(_ pass: Pass, _ batch: Batch) -> Variable {
    guard case .texts(let texts) = batch else { preconditionFailure("an encoder reads tokens") }
    var x = embeddings(pass, texts)
    if embeddingWidth != width || family.alwaysProjects {
      x = pass.linear(prefix + "encoder.embedding_hidden_mapping_in", x, width)
    }
    let attention = Attention(
      heads: heads, groups: heads, scale: Float(1 / Double(width / heads).squareRoot()), bias: texts.keyBias)
    for path in blocks {
      x = pass.block(x) { x in
        let query = pass.linear(path + family.names.query, x, width)
        let key = pass.linear(path + family.names.key, x, width)
        let value = pass.linear(path + family.names.value, x, width)
        let attended = pass.linear(path + family.names.output, pass.attend(attention, query, key, value), width)
        let y = pass.layerNorm(path + family.names.attentionNorm, pass.add(x, attended), epsilon: epsilon)
        let inner = pass.activate(activation, pass.linear(path + family.names.up, y, hiddenWidth))
        let outer = pass.linear(path + family.names.down, inner, width)
        return pass.layerNorm(path + family.names.outputNorm, pass.add(y, outer), epsilon: epsilon)
      }
    }
    return x
  }

  private func embeddings(_ pass: Pass, _ texts: TextBatch) -> Variable {
    let path = prefix + "embeddings."
    func table(_ name: String, _ numbers: [Int], _ count: Int, padding: Int? = nil) -> Variable {
      pass.embedding(
        path + name, numbers, of: texts.examples, count: count, width: embeddingWidth, padding: padding)
    }
    var x = table("word_embeddings", texts.tokens, vocabulary, padding: padding)
    if types > 0 {
      let kinds = texts.types.isEmpty ? texts.tokens.map { _ in 0 } : texts.types
      x = pass.add(x, table("token_type_embeddings", kinds, types))
    }
    x = pass.add(
      x, table("position_embeddings", places(texts), positions, padding: family.countsFromPadding ? padding : nil))
    return pass.layerNorm(path + "LayerNorm", x, epsilon: epsilon)
  }

  /// The position of each token. Where positions are counted from that of padding, tokens of padding have it and are not counted,
  /// wherever they stand.
  private func places(_ texts: TextBatch) -> [Int] {
    guard family.countsFromPadding else { return texts.positions() }
    return (0..<texts.examples).flatMap { text in
      var next = firstPosition
      return (0..<texts.length).map { place in
        guard texts.tokens[text * texts.length + place] != padding else { return padding }
        defer { next += 1 }
        return next
      }
    }
  }

  // MARK: Heads

  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable? {
    guard case .texts(let texts) = batch else { return nil }
    switch head {
    case .none: return hidden
    case .tokenClassification(let classes): return pass.linear("classifier", hidden, classes)
    case .classification(let classes):
      let first = pass.pool(hidden, texts.pooling { _ in 0 })
      switch family.classifier {
      case .pooler(let path):
        let pooled = pass.activate(.tanh, pass.linear(prefix + path, first, width))
        return pass.linear("classifier", pooled, classes)
      case .twoLayers:
        return pass.linear(
          "classifier.out_proj", pass.activate(.tanh, pass.linear("classifier.dense", first, width)), classes)
      case .preClassifier:
        return pass.linear("classifier", pass.activate(.relu, pass.linear("pre_classifier", first, width)), classes)
      }
    case .maskedLanguageModel:
      let names = family.languageHead
      let turned = pass.activate(headActivation, pass.linear(names.dense, hidden, embeddingWidth))
      let normed = pass.layerNorm(names.norm, turned, epsilon: epsilon)
      guard isTied else { return pass.linear(names.decoder, normed, vocabulary) }
      let tied = prefix + "embeddings.word_embeddings.weight"
      let logits = pass.linear(names.decoder, normed, vocabulary, bias: false, tied: tied)
      return pass.add(logits, toEach: pass.parameter(names.bias, vocabulary))
    case .causalLanguageModel: return nil
    }
  }

  func olderNames(of name: String) -> [String] {
    guard name.contains("LayerNorm.") else { return [] }
    return [
      name.replacing("LayerNorm.weight", with: "LayerNorm.gamma").replacing("LayerNorm.bias", with: "LayerNorm.beta")
    ]
  }
}
