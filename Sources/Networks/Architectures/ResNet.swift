import Diagnostics
import Formats
import Tensors

/// The residual network (He et al. 2016) as `transformers` has it: convolutions with batch norm, whose statistics stay as they are.
/// The configuration's activation comes after the stem and after each sum; inside a layer it is always ReLU.
struct ResNet: Architecture {
  static let modelTypes = ["resnet"]

  private let channels: Int
  private let image: Int
  private let stem: Int
  private let widths: [Int]
  private let depths: [Int]
  private let isBottleneck: Bool
  private let stridesFirstStage: Bool
  private let stridesFirstLayer: Bool
  private let activation: Activation

  let prefix = "resnet."

  var input: NetworkInput { .numbers([channels, image, image]) }

  init(_ config: ModelConfig) throws {
    channels = try config.count("num_channels", default: 3)
    image = try config.count("image_size", default: 224)
    stem = try config.count("embedding_size", default: 64)
    widths = (config.json["hidden_sizes"]?.array ?? [256, 512, 1024, 2048]).compactMap(\.integer)
    depths = (config.json["depths"]?.array ?? [3, 4, 6, 3]).compactMap(\.integer)
    guard !widths.isEmpty, widths.count == depths.count, (widths + depths).allSatisfy({ (1...65_536).contains($0) })
    else {
      throw OperationError(
        .data, "`hidden_sizes` and `depths` in the configuration of `\(config.label)` are not one for each stage")
    }
    let type = try config.text("layer_type", default: "bottleneck")
    try config.require("layer_type", is: ["basic", "bottleneck"])
    isBottleneck = type == "bottleneck"
    stridesFirstStage = try config.flag("downsample_in_first_stage", default: false)
    stridesFirstLayer = try config.flag("downsample_in_bottleneck", default: false)
    activation = try config.activation("hidden_act", default: "relu")
  }

  func hidden(_ pass: Pass, _ batch: Batch) -> Variable {
    guard case .numbers(let pixels) = batch else { preconditionFailure("a residual network sees images") }
    var x = unit(pass, prefix + "embedder.embedder", pass.constant(pixels), stem, size: 7, stride: 2)
    x = pass.maximum(pass.activate(activation, x), size: 3, stride: 2, padding: 1)
    for (stage, width) in widths.enumerated() {
      for layer in 0..<depths[stage] {
        let strides = layer == 0 && (stage > 0 || stridesFirstStage)
        let path = prefix + "encoder.stages.\(stage).layers.\(layer)"
        x = pass.block(x) { self.layer(pass, path, $0, width, stride: strides ? 2 : 1) }
      }
    }
    return x
  }

  private func layer(_ pass: Pass, _ path: String, _ x: Variable, _ width: Int, stride: Int) -> Variable {
    let isSame = x.shape[1] == width && stride == 1
    let residual = isSame ? x : unit(pass, path + ".shortcut", x, width, size: 1, stride: stride)
    let inner = width / 4
    let units: [(width: Int, size: Int, stride: Int)] =
      isBottleneck
      ? [(inner, 1, stridesFirstLayer ? stride : 1), (inner, 3, stridesFirstLayer ? 1 : stride), (width, 1, 1)]
      : [(width, 3, stride), (width, 3, 1)]
    var y = x
    for (number, part) in units.enumerated() {
      y = unit(pass, path + ".layer.\(number)", y, part.width, size: part.size, stride: part.stride)
      if number < units.count - 1 { y = pass.activate(.relu, y) }
    }
    return pass.activate(activation, pass.add(y, residual))
  }

  /// A convolution that keeps the size but for its stride, and batch norm.
  private func unit(
    _ pass: Pass, _ path: String, _ x: Variable, _ outputs: Int, size: Int, stride: Int
  ) -> Variable {
    let y = pass.convolution(
      path + ".convolution", x, outputs, size: size, stride: stride, padding: size / 2, bias: false)
    return pass.batchNorm(path + ".normalization", y)
  }

  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable? {
    switch head {
    case .none: return hidden
    case .classification(let classes):
      let (examples, channels, places) = (hidden.shape[0], hidden.shape[1], hidden.shape[2] * hidden.shape[3])
      let rows = pass.turn(hidden.reshaped([examples, channels, places]))
      let mean = Pooling(weights: [Float](repeating: 1 / Float(places), count: examples * places))
      return pass.linear("classifier.1", pass.pool(rows, mean), classes)
    case .causalLanguageModel, .maskedLanguageModel, .tokenClassification: return nil
    }
  }
}
