import Formats
import Foundation
import Tensors

/// A folder of models with a few small tensors each, called as Llama calls them; it goes when the test ends.
final class TinyModels {
  let path: String

  init() throws {
    path = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path + "/imports-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static func shapes(layers: Int) -> [(name: String, shape: Shape)] {
    [("model.embed_tokens.weight", [6, 4])]
      + (0..<layers).flatMap { layer -> [(name: String, shape: Shape)] in
        [
          ("model.layers.\(layer).self_attn.q_proj.weight", [4, 4]),
          ("model.layers.\(layer).mlp.up_proj.weight", [8, 4]),
        ]
      } + [("model.norm.weight", [4]), ("lm_head.weight", [6, 4])]
  }

  /// Writes a model whose entries follow from its name.
  func write(_ name: String, layers: Int = 3, dtype: DType = .f32, tokenizer: String? = nil) throws {
    let config: JSON = ["model_type": "llama", "num_hidden_layers": .integer(layers)]
    let tensors = Self.shapes(layers: layers).sorted { $0.name < $1.name }
    let folder = path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try config.pretty.write(toFile: folder + "/config.json", atomically: true, encoding: .utf8)
    if let tokenizer { try tokenizer.write(toFile: folder + "/tokenizer.json", atomically: true, encoding: .utf8) }
    try SafetensorsLayout(tensors.map { ($0.name, dtype, $0.shape) }).write(to: folder + "/model.safetensors") { tensor in
      let shape = tensors.first { $0.name == tensor }?.shape ?? []
      var generator = Generator(seed: 3, stream: name, tensor)
      return Tensor((0..<shape.count).map { _ in Float(generator.gaussian()) }, shape: shape).converted(to: dtype)
    }
  }
}
