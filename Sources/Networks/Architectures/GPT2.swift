import Diagnostics
import Formats
import Tensors

/// The decoder of GPT-2 (Radford et al. 2019): learned positions, layer norms before attention and perceptron, weights kept as
/// (in, out).
struct GPT2: Architecture {
  static let modelTypes = ["gpt2"]

  private let vocabulary: Int
  private let width: Int
  private let hiddenWidth: Int
  private let layers: Int
  private let heads: Int
  private let context: Int
  /// Nil where the configuration names none.
  private let padding: Int?
  private let epsilon: Double
  private let activation: Activation
  private let scalesScores: Bool
  private let scalesByLayer: Bool
  private let isTied: Bool

  let prefix = "transformer."

  var input: NetworkInput { .tokens(vocabulary: vocabulary, context: context, types: 1, padding: padding ?? 0) }

  init(_ config: ModelConfig) throws {
    vocabulary = try config.count("vocab_size")
    width = try config.count("n_embd")
    hiddenWidth = try config.count("n_inner", default: 4 * width)
    layers = try config.count("n_layer")
    heads = try config.count("n_head")
    try config.check(heads, divides: width, "`n_head` and `n_embd`")
    context = try config.count("n_positions", default: 1024)
    padding = config.padding(below: vocabulary)
    epsilon = try config.number("layer_norm_epsilon", default: 1e-5)
    activation = try config.activation("activation_function", default: "gelu_new")
    scalesScores = try config.flag("scale_attn_weights", default: true)
    scalesByLayer = try config.flag("scale_attn_by_inverse_layer_idx", default: false)
    isTied = try config.flag("tie_word_embeddings", default: true)
  }

  func hidden(_ pass: Pass, _ batch: Batch) -> Variable {
    guard case .texts(let texts) = batch else { preconditionFailure("a language model reads tokens") }
    func table(_ name: String, _ numbers: [Int], _ count: Int) -> Variable {
      pass.embedding(prefix + name, numbers, of: texts.examples, count: count, width: width)
    }
    var x = pass.add(table("wte", texts.tokens, vocabulary), table("wpe", texts.positions(), context))
    for layer in 0..<layers {
      let path = prefix + "h.\(layer)."
      x = pass.block(x) { x in
        let normed = pass.layerNorm(path + "ln_1", x, epsilon: epsilon)
        let y = pass.add(x, attention(pass, path + "attn.", normed, layer, texts))
        let inner = conv(pass, path + "mlp.c_fc", pass.layerNorm(path + "ln_2", y, epsilon: epsilon), hiddenWidth)
        return pass.add(y, conv(pass, path + "mlp.c_proj", pass.activate(activation, inner), width))
      }
    }
    return pass.layerNorm(prefix + "ln_f", x, epsilon: epsilon)
  }

  private func attention(_ pass: Pass, _ path: String, _ x: Variable, _ layer: Int, _ texts: TextBatch) -> Variable {
    let all = conv(pass, path + "c_attn", x, 3 * width)
    let scale = (scalesScores ? 1 / Double(width / heads).squareRoot() : 1) / (scalesByLayer ? Double(layer + 1) : 1)
    let attention = Attention(
      heads: heads, groups: heads, isCausal: true, scale: Float(scale), bias: texts.keyBias)
    let parts = (0..<3).map { pass.columns(all, $0 * width..<($0 + 1) * width) }
    return conv(
      pass, path + "c_proj", pass.attend(attention, at: path, parts[0], parts[1], parts[2], texts), width)
  }

  func keepsKeys(upTo length: Int) -> Bool { true }

  private func conv(_ pass: Pass, _ path: String, _ x: Variable, _ outputs: Int) -> Variable {
    pass.linear(path, x, outputs, isTransposed: true)
  }

  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable? {
    guard case .texts(let texts) = batch else { return nil }
    switch head {
    case .none: return hidden
    case .causalLanguageModel:
      return pass.linear(
        "lm_head", hidden, vocabulary, bias: false, tied: isTied ? prefix + "wte.weight" : nil)
    case .classification(let classes):
      return pass.linear("score", pass.pool(hidden, texts.last(before: padding)), classes, bias: false)
    case .tokenClassification(let classes): return pass.linear("classifier", hidden, classes)
    case .maskedLanguageModel: return nil
    }
  }
}
