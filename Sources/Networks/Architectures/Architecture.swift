import Diagnostics
import Formats
import Tensors

/// A kind of network: what its configuration says, and how values flow through it.
///
/// A new one is a file like `Llama.swift` and a line in `Architectures.all`. Its weights' names and shapes are those that `hidden`
/// and `output` ask for.
protocol Architecture: Sendable {
  /// What `model_type` calls it.
  static var modelTypes: [String] { get }

  /// - Throws: `OperationError` where the configuration asks for what is not done here.
  init(_ config: ModelConfig) throws

  /// What the body's names begin with where a head stands beside it; a model without a head is saved without it.
  var prefix: String { get }

  var input: NetworkInput { get }

  /// The last hidden states, (examples, places, width).
  func hidden(_ pass: Pass, _ batch: Batch) -> Variable

  /// What a head makes of them; nil where the architecture has no such head.
  func output(_ head: Head, _ hidden: Variable, _ pass: Pass, _ batch: Batch) -> Variable?

  /// The head that the model has by its configuration.
  func head(_ config: ModelConfig) throws -> Head

  /// The configuration of the same network with another head.
  func config(_ config: JSON, with head: Head) -> JSON

  /// Whether the keys and values of what was read stay as they are while a text grows up to so many tokens, so that a decoder may keep
  /// them.
  func keepsKeys(upTo length: Int) -> Bool

  /// Other names that a tensor has in older files.
  func olderNames(of name: String) -> [String]
}

extension Architecture {
  func head(_ config: ModelConfig) throws -> Head { try Head(config) }
  func config(_ config: JSON, with head: Head) -> JSON { head.renaming(config, isOfNumbers: input.isNumbers) }
  func olderNames(of name: String) -> [String] { [] }
  func keepsKeys(upTo length: Int) -> Bool { false }
}

/// What a network takes.
public enum NetworkInput: Sendable, Hashable {
  /// Tokens below `vocabulary`, at most `context` of them; `types` is how many kinds of segment are told apart.
  case tokens(vocabulary: Int, context: Int, types: Int, padding: Int)
  /// Numbers of this shape for each example: (channels, height, width) or (features).
  case numbers(Shape)

  var isNumbers: Bool { if case .numbers = self { true } else { false } }

  /// A batch that a dry pass can be made with.
  func example(_ examples: Int, length: Int) -> Batch {
    switch self {
    case .tokens(_, let context, _, _):
      .texts(TextBatch(Array(repeating: Array(repeating: 0, count: min(length, context)), count: examples), padding: 0))
    case .numbers(let shape):
      .numbers(Tensor([Float](repeating: 0, count: examples * shape.count), shape: Shape([examples] + shape.axes)))
    }
  }
}

/// All architectures there are.
public enum Architectures {
  static let all: [any Architecture.Type] = [
    Llama.self,
    GPT2.self,
    Bert.self,
    ViT.self,
    ResNet.self,
    MultilayerPerceptron.self,
  ]

  /// Every `model_type` that can be run.
  public static var modelTypes: [String] { all.flatMap { $0.modelTypes } }

  static func architecture(_ config: ModelConfig) throws -> any Architecture {
    let type = try config.text("model_type")
    guard let found = all.first(where: { $0.modelTypes.contains(type) }) else {
      throw OperationError(
        .data, "`\(config.label)` is a `\(type)`, and networks like that cannot be run",
        notes: ["known are \(modelTypes.map { "`\($0)`" }.joined(separator: ", "))"],
        helps: ["merging, adapting and exporting it need no running network, and work on any model"])
    }
    // What changes every kind of network, and none of them here knows.
    try config.require("quantization_config", is: [])
    for field in ["is_encoder_decoder", "add_cross_attention"] { try config.require(field, is: [.bool(false)]) }
    return try found.init(config)
  }
}
