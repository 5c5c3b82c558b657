import Diagnostics
import Formats
import Tensors

/// A multilayer perceptron: affine layers with a rectified linear unit between any two; the last gives the logits.
public struct MultilayerPerceptron: Architecture {
  public static let modelTypes = ["mlp"]

  /// The most units that a layer may have.
  public static let widest = 65_536

  /// Features, then the width of each hidden layer, then classes.
  private let sizes: [Int]

  let prefix = "mlp."

  var input: NetworkInput { .numbers([sizes[0]]) }

  init(_ config: ModelConfig) throws {
    let sizes = config.json["sizes"]?.array?.map(\.integer) ?? []
    guard sizes.count >= 2, sizes.allSatisfy({ $0.map { (1...Self.widest).contains($0) } == true }) else {
      throw OperationError(
        .data, "the configuration of `\(config.label)` gives no `sizes`",
        notes: ["`sizes` lists features, the width of each hidden layer, and classes, such as [64, 64, 10]"])
    }
    self.sizes = sizes.compactMap { $0 }
    try config.require("activation", is: ["relu"])
  }

  /// The configuration of one.
  public static func config(sizes: [Int]) -> JSON {
    [
      "architectures": ["MultilayerPerceptron"], "model_type": .string(modelTypes[0]),
      "sizes": .array(sizes.map { .integer($0) }), "activation": "relu",
    ]
  }

  func hidden(_ pass: Pass, _ batch: Batch) -> Variable {
    guard case .numbers(let features) = batch else { preconditionFailure("a perceptron reads numbers") }
    var x = pass.constant(features)
    for layer in 0..<sizes.count - 2 {
      x = pass.activate(.relu, pass.linear("layers.\(layer)", x, sizes[layer + 1]))
    }
    return x
  }

  func head(_ config: ModelConfig) throws -> Head { .classification(sizes[sizes.count - 1]) }

  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable? {
    switch head {
    case .none: return hidden
    case .classification(let classes): return pass.linear("layers.\(sizes.count - 2)", hidden, classes)
    case .causalLanguageModel, .maskedLanguageModel, .tokenClassification: return nil
    }
  }

  func config(_ config: JSON, with head: Head) -> JSON {
    guard case .classification(let classes) = head else { return config }
    return config.setting("sizes", to: .array((sizes.dropLast() + [classes]).map { .integer($0) }))
  }
}
