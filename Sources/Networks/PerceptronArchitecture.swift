import Diagnostics
import Formats
import Tensors

/// How a multilayer perceptron is built: what its `config.json` says.
public struct PerceptronArchitecture: Sendable, Hashable {
  /// Features, then the width of each hidden layer, then classes.
  public let sizes: [Int]

  public static let modelType = "mlp"

  /// - Parameter sizes: At least two.
  public init(sizes: [Int]) {
    precondition(sizes.count >= 2, "a perceptron has an input and an output")
    self.sizes = sizes
  }

  /// - Throws: `OperationError` where it is another kind of model.
  init(config: JSON, of label: String) throws {
    guard let type = config["model_type"]?.string else {
      throw OperationError(
        .data, "the configuration of `\(label)` does not say what kind of model it is",
        helps: ["its `config.json` needs `model_type`"])
    }
    guard type == Self.modelType else {
      throw OperationError(
        .data, "`\(label)` is a `\(type)`, and only multilayer perceptrons (`\(Self.modelType)`) can be run",
        helps: ["`classifier(sizes: …)` makes one"])
    }
    guard let sizes = config["sizes"]?.array?.map(\.integer), sizes.count >= 2,
      sizes.allSatisfy({ $0 != nil && $0.map { (1...Self.widest).contains($0) } == true })
    else {
      throw OperationError(
        .data, "the configuration of `\(label)` gives no `sizes`",
        notes: ["`sizes` lists features, the width of each hidden layer, and classes, such as [64, 64, 10]"])
    }
    if let activation = config["activation"]?.string, activation != "relu" {
      throw OperationError(.data, "the activation of `\(label)` is `\(activation)`, and only `relu` is known")
    }
    self.init(sizes: sizes.compactMap { $0 })
  }

  /// The most units that a layer may have.
  public static let widest = 65_536

  /// The configuration that says all this.
  public var config: JSON {
    [
      "architectures": ["MultilayerPerceptron"], "model_type": .string(Self.modelType),
      "sizes": .array(sizes.map { .integer($0) }), "activation": "relu",
    ]
  }

  public var features: Int { sizes[0] }
  public var classes: Int { sizes[sizes.count - 1] }
  /// Layers of weights.
  public var depth: Int { sizes.count - 1 }

  /// Its tensors in order: weights (out, in) and biases (out) of each layer.
  public var tensors: [(name: String, shape: Shape)] {
    (0..<depth).flatMap { layer in
      [
        ("layers.\(layer).weight", Shape([sizes[layer + 1], sizes[layer]])),
        ("layers.\(layer).bias", Shape([sizes[layer + 1]])),
      ]
    }
  }

  /// `64×64×10`.
  private var text: String { sizes.map(String.init).joined(separator: "×") }

  /// Reads a model's configuration, and checks that the model has the tensors that this means.
  /// - Parameters:
  ///   - tensors: Of the model, from its headers.
  ///   - label: What errors call the model.
  public init(config: JSON, tensors: [(name: String, shape: Shape)], of label: String) throws {
    try self.init(config: config, of: label)
    try check(tensors: tensors, of: label)
  }

  /// Checks that a model has its tensors, each of its shape, and no others.
  func check(tensors there: [(name: String, shape: Shape)], of label: String) throws {
    let shapes = Dictionary(there.map { ($0.name, $0.shape) }) { first, _ in first }
    for (name, shape) in tensors {
      guard let found = shapes[name] else {
        throw OperationError(.data, "`\(label)` has no `\(name)`, which a perceptron of \(text) needs")
      }
      guard found == shape else {
        throw OperationError(.data, "`\(name)` of `\(label)` is \(found), and a perceptron of \(text) needs \(shape)")
      }
    }
    let names = Set(tensors.map(\.name))
    if let extra = there.first(where: { !names.contains($0.name) }) {
      throw OperationError(.data, "`\(label)` has `\(extra.name)`, which a perceptron of \(text) has no use for")
    }
  }

  /// Checks that examples have as many features as it takes, and no class that it does not know.
  public func check(features: Int, classes: Int, of data: String, for model: String) throws {
    guard features == self.features else {
      throw OperationError(.data, "`\(data)` has \(features) features, and `\(model)` takes \(self.features)")
    }
    guard classes <= self.classes else {
      throw OperationError(.data, "`\(data)` has \(classes) classes, and `\(model)` tells \(self.classes) apart")
    }
  }
}
