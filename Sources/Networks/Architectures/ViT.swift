import Diagnostics
import Formats
import Tensors

/// The vision transformer (Dosovitskiy et al. 2021): patches of an image are the tokens, with one of their own for the class.
struct ViT: Architecture {
  static let modelTypes = ["vit"]

  private let width: Int
  private let hiddenWidth: Int
  private let layers: Int
  private let heads: Int
  private let image: Int
  private let patch: Int
  private let channels: Int
  private let epsilon: Double
  private let activation: Activation
  private let hasQueryBias: Bool

  let prefix = "vit."

  var input: NetworkInput { .numbers([channels, image, image]) }

  init(_ config: ModelConfig) throws {
    width = try config.count("hidden_size", default: 768)
    hiddenWidth = try config.count("intermediate_size", default: 3072)
    layers = try config.count("num_hidden_layers", default: 12)
    heads = try config.count("num_attention_heads", default: 12)
    try config.check(heads, divides: width, "`num_attention_heads` and `hidden_size`")
    image = try config.count("image_size", default: 224)
    patch = try config.count("patch_size", default: 16)
    try config.check(patch, divides: image, "`patch_size` and `image_size`")
    channels = try config.count("num_channels", default: 3)
    epsilon = try config.number("layer_norm_eps", default: 1e-12)
    activation = try config.activation("hidden_act", default: "gelu")
    hasQueryBias = try config.flag("qkv_bias", default: true)
  }

  func hidden(_ pass: Pass, _ batch: Batch) -> Variable {
    guard case .numbers(let pixels) = batch else { preconditionFailure("a vision transformer sees images") }
    let (examples, side) = (pixels.shape[0], image / patch)
    let path = prefix + "embeddings."
    let patches = pass.convolution(
      path + "patch_embeddings.projection", pass.constant(pixels), width, size: patch, stride: patch)
    let tokens = pass.turn(patches.reshaped([examples, width, side * side]))
    let row = pass.parameter(path + "cls_token", 1, 1, width)
    let places = pass.parameter(path + "position_embeddings", 1, side * side + 1, width)
    var x = pass.add(pass.prefix(tokens, row), toEach: places)
    let attention = Attention(heads: heads, groups: heads, scale: Float(1 / Double(width / heads).squareRoot()))
    for layer in 0..<layers {
      let path = prefix + "layers.\(layer)."
      x = pass.block(x) { x in
        let normed = pass.layerNorm(path + "layernorm_before", x, epsilon: epsilon)
        let parts = ["q_proj", "k_proj", "v_proj"].map {
          pass.linear(path + "attention." + $0, normed, width, bias: hasQueryBias)
        }
        let attended = pass.attend(attention, parts[0], parts[1], parts[2])
        let y = pass.add(x, pass.linear(path + "attention.o_proj", attended, width))
        let inner = pass.linear(
          path + "mlp.fc1", pass.layerNorm(path + "layernorm_after", y, epsilon: epsilon), hiddenWidth)
        return pass.add(y, pass.linear(path + "mlp.fc2", pass.activate(activation, inner), width))
      }
    }
    return pass.layerNorm(prefix + "layernorm", x, epsilon: epsilon)
  }

  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable? {
    switch head {
    case .none: return hidden
    case .classification(let classes):
      let places = hidden.shape[1]
      let first = Pooling(weights: (0..<hidden.shape[0] * places).map { $0 % places == 0 ? 1 : 0 })
      return pass.linear("classifier", pass.pool(hidden, first), classes)
    case .causalLanguageModel, .maskedLanguageModel, .tokenClassification: return nil
    }
  }

  /// What files had before `transformers` 5.
  func olderNames(of name: String) -> [String] {
    let pairs = [
      ("attention.q_proj", "attention.attention.query"), ("attention.k_proj", "attention.attention.key"),
      ("attention.v_proj", "attention.attention.value"), ("attention.o_proj", "attention.output.dense"),
      ("mlp.fc1", "intermediate.dense"), ("mlp.fc2", "output.dense"), ("vit.layers.", "vit.encoder.layer."),
    ]
    let older = pairs.reduce(name) { $0.replacing($1.0, with: $1.1) }
    return older == name ? [] : [older]
  }
}
