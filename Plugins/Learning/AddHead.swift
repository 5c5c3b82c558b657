import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// A model with a new head, whose weights are random.
///
/// Every weight of the head is drawn from N(0, `initializer_range`²), 0.02 where the configuration does not say; biases are 0 and
/// norms' weights 1, as `transformers` starts them.
struct AddHead: RecipeOperation {
  enum Kind: String, Choice {
    case sequence, tokens

    var text: String {
      switch self {
      case .sequence: "Each text as a whole gets a class, or a number."
      case .tokens: "Each token gets a class."
      }
    }
  }

  static let about = About(
    "add_head",
    "Give a model a new head, with random weights, to be trained for another task.",
    discussion: """
      The body stays as it is, byte for byte, and the head that was there goes. Weights are drawn from a normal distribution of width \
      `initializer_range`, biases are 0, as `transformers` starts them. With one class the head gives a number, which `finetune` \
      trains by the squared error.
      """,
    cost: "O(entries of the head)",
    examples: [
      Example("Three classes", "add_head(model, classes: 3)"),
      Example("A number", "add_head(model, classes: 1, seed: 2)"),
    ])

  @Input("The model.")
  var model: Checkpoint
  @Param("How many classes the head tells apart; 1 for a number.", in: 1...1_000_000)
  var classes: Int
  @Param("What the classes are of.")
  var kind: Kind = .sequence
  @Param("Another seed gives other weights.")
  var seed: Int = 0

  func outline() throws -> Content? { try made().foreseen }

  // What is taken over is not read, and a head is small.
  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try made()) }

  private func made() throws -> Content {
    let head: Head = kind == .sequence ? .classification(classes) : .tokenClassification(classes)
    let asked = try Blueprint.replacingHead(
      config: model.config, tensors: model.content.shapes, of: model.label, with: head)
    var result = model.content
    result.facts = asked.config
    let dtype = model.content.tensors.first { $0.dtype.isFloat }?.dtype ?? .f32
    let width = model.config["initializer_range"]?.number ?? 0.02
    result.tensors = asked.tensors.map { tensor in
      if let name = tensor.checkpoint, let entry = model.content.entry(name) {
        return TensorEntry(
          tensor.name, dtype: entry.dtype, shape: entry.shape, digest: entry.digest, file: nil, runs: entry.runs,
          load: entry.load)
      }
      let seed = self.seed
      return TensorEntry(tensor.name, dtype: dtype, shape: tensor.shape) {
        var generator = Generator(seed: seed, stream: "add_head", tensor.name)
        let isWeight = tensor.shape.rank >= 2
        let entries = (0..<tensor.shape.count).map { _ in
          isWeight ? Float(generator.gaussian() * width) : tensor.name.hasSuffix(".bias") ? 0 : 1
        }
        return Tensor(entries, shape: tensor.shape).converted(to: dtype)
      }
    }
    return result
  }
}
