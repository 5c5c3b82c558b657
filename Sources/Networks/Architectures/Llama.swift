import Diagnostics
import Formats
import Tensors

/// The decoder of Llama (Touvron et al. 2023) and its kin: what tells them apart is data in `LlamaFamily`.
///
/// Every block adds to its input x what attention makes of norm(x), and to that what a gated perceptron makes of its norm.
struct Llama: Architecture {
  static let modelTypes = LlamaFamily.all.map(\.modelType)

  private let family: LlamaFamily
  private let vocabulary: Int
  private let width: Int
  private let hiddenWidth: Int
  private let layers: [Layer]
  private let heads: Int
  private let groups: Int
  private let headWidth: Int
  private let epsilon: Double
  private let context: Int
  /// Nil where the configuration names none.
  private let padding: Int?
  private let isTied: Bool
  private let activation: Activation
  private let hasAttentionBias: Bool
  private let hasPerceptronBias: Bool
  private let scoreScale: Double
  private let scoreCap: Double?
  private let logitCap: Double?
  private let rotary: Rotary
  private let localRotary: Rotary?

  /// What one layer has of its own.
  private struct Layer: Sendable {
    /// How many keys a query sees; nil for all.
    let window: Int?
    let rotates: Bool
  }

  let prefix = "model."

  var input: NetworkInput { .tokens(vocabulary: vocabulary, context: context, types: 1, padding: padding ?? 0) }

  init(_ config: ModelConfig) throws {
    family = try LlamaFamily(config)
    vocabulary = try config.count("vocab_size")
    width = try config.count("hidden_size")
    hiddenWidth = try config.count("intermediate_size")
    heads = try config.count("num_attention_heads")
    groups = try config.count("num_key_value_heads", default: heads)
    try config.check(groups, divides: heads, "`num_key_value_heads` and `num_attention_heads`")
    if let fixed = family.headWidth {
      headWidth = try config.count("head_dim", default: fixed)
    } else if config.has("head_dim") {
      headWidth = try config.count("head_dim")
    } else {
      try config.check(heads, divides: width, "`num_attention_heads` and `hidden_size`")
      headWidth = width / heads
    }
    epsilon = try config.number("rms_norm_eps", default: 1e-6)
    context = try config.count("max_position_embeddings", default: 2048)
    padding = config.padding(below: vocabulary)
    isTied = try config.flag("tie_word_embeddings", default: family.isTied)
    activation = try config.activation(
      config.has("hidden_activation") ? "hidden_activation" : "hidden_act", default: family.activation)
    hasAttentionBias = try config.flag("attention_bias", default: false)
    hasPerceptronBias = try config.flag("mlp_bias", default: false)
    let divisor =
      try family.scoreDivisor.map { try config.number("query_pre_attn_scalar", default: $0) } ?? Double(headWidth)
    scoreScale = 1 / divisor.squareRoot()
    (scoreCap, logitCap) = try family.caps(config)
    rotary = try Rotary(config, width: headWidth, theta: family.theta, layers: "full_attention")
    localRotary = family.hasLocalRotary ? try Rotary(local: config, width: headWidth) : nil
    let rotates = try family.rotations(config, layers: try config.count("num_hidden_layers"))
    layers = zip(try family.windows(config, rotates), rotates).map(Layer.init)
  }

  func hidden(_ pass: Pass, _ batch: Batch) -> Variable {
    guard case .texts(let texts) = batch else { preconditionFailure("a language model reads tokens") }
    let angles = rotary.angles(texts)
    let localAngles = localRotary?.angles(texts)
    var x = pass.embedding(
      "model.embed_tokens", texts.tokens, of: texts.examples, count: vocabulary, width: width, padding: padding)
    if family.scalesEmbeddings { x = pass.scale(x, by: Double(width).squareRoot()) }
    for (index, layer) in layers.enumerated() {
      let path = "model.layers.\(index)"
      let turned = layer.rotates ? (layer.window == nil ? angles : localAngles ?? angles) : nil
      x = pass.block(x) { x in
        let attended = attention(
          pass, path + ".self_attn", normed(pass, path + ".input_layernorm", x, .before), layer, turned, texts)
        let y = pass.add(x, normed(pass, path + ".post_attention_layernorm", attended, .after))
        let inner = normed(
          pass, path + (family.norms == .before ? ".post_attention_layernorm" : ".pre_feedforward_layernorm"), y,
          .before)
        return pass.add(
          y, normed(pass, path + ".post_feedforward_layernorm", perceptron(pass, path + ".mlp", inner), .after))
      }
    }
    return pass.rmsNorm("model.norm", x, epsilon: epsilon, offset: family.normOffset)
  }

  func keepsKeys(upTo length: Int) -> Bool {
    rotary.isTheSame(upTo: length) && localRotary?.isTheSame(upTo: length) ?? true
  }

  /// A norm, where the family has one at that side of a block's parts.
  private func normed(_ pass: Pass, _ path: String, _ x: Variable, _ side: LlamaFamily.Norms) -> Variable {
    guard family.norms == side || family.norms == .both else { return x }
    return pass.rmsNorm(path, x, epsilon: epsilon, offset: family.normOffset)
  }

  private func attention(
    _ pass: Pass, _ path: String, _ x: Variable, _ layer: Layer, _ angles: RotaryAngles?, _ texts: TextBatch
  ) -> Variable {
    let hasBias = hasAttentionBias || family.hasQueryBias
    var query = pass.linear(path + ".q_proj", x, heads * headWidth, bias: hasBias)
    var key = pass.linear(path + ".k_proj", x, groups * headWidth, bias: hasBias)
    let value = pass.linear(path + ".v_proj", x, groups * headWidth, bias: hasBias)
    switch family.queryNorm {
    case .none: break
    case .heads:
      query = pass.rmsNormOfHeads(path + ".q_norm", query, heads: heads, epsilon: epsilon, offset: family.normOffset)
      key = pass.rmsNormOfHeads(path + ".k_norm", key, heads: groups, epsilon: epsilon, offset: family.normOffset)
    case .whole:
      query = pass.rmsNorm(path + ".q_norm", query, epsilon: epsilon)
      key = pass.rmsNorm(path + ".k_norm", key, epsilon: epsilon)
    }
    if let angles {
      query = pass.rotate(query, heads: heads, angles)
      key = pass.rotate(key, heads: groups, angles)
    }
    let attention = Attention(
      heads: heads, groups: groups, isCausal: true, window: layer.window, scale: Float(scoreScale),
      cap: Float(scoreCap ?? 0), bias: texts.keyBias)
    let attended = pass.attend(attention, at: path, query, key, value, texts)
    return pass.linear(path + ".o_proj", attended, width, bias: hasAttentionBias)
  }

  private func perceptron(_ pass: Pass, _ path: String, _ x: Variable) -> Variable {
    let gate = pass.linear(path + ".gate_proj", x, hiddenWidth, bias: hasPerceptronBias)
    let up = pass.linear(path + ".up_proj", x, hiddenWidth, bias: hasPerceptronBias)
    return pass.linear(path + ".down_proj", pass.gate(activation, gate, up), width, bias: hasPerceptronBias)
  }

  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable? {
    guard case .texts(let texts) = batch else { return nil }
    switch head {
    case .none: return hidden
    case .causalLanguageModel:
      let tied = isTied ? "model.embed_tokens.weight" : nil
      let logits = pass.linear("lm_head", hidden, vocabulary, bias: false, tied: tied)
      return logitCap.map { pass.cap(logits, at: $0) } ?? logits
    case .classification(let classes):
      return pass.linear("score", pass.pool(hidden, texts.last(before: padding)), classes, bias: false)
    case .tokenClassification(let classes): return pass.linear("score", hidden, classes)
    case .maskedLanguageModel: return nil
    }
  }
}
