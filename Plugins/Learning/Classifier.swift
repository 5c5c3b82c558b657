import Diagnostics
import Formats
import Networks
import Operations
import Tensors

/// A new multilayer perceptron with random weights.
///
/// Every weight and bias of a layer with n inputs is drawn from U(−1/√n, 1/√n): what `torch.nn.Linear` does (Kaiming's
/// uniform initialisation with a = √5). Each tensor has a random stream of its own.
struct Classifier: RecipeOperation {
  static let about = About(
    "classifier",
    "Make a multilayer perceptron with random weights.",
    discussion: """
      Affine layers with a rectified linear unit between any two; the last gives one logit a class. All weights and \
      biases of a layer with n inputs are drawn evenly from −1/√n to 1/√n, as `torch.nn.Linear` draws them.
      """,
    cost: "O(entries)",
    examples: [Example("For digits of 8×8 pixels", "classifier(sizes: [64, 64, 10], seed: 1)")])

  @Param("Number of features, then the width of each hidden layer, then number of classes.", in: 1...65_536)
  var sizes: [Int]
  @Param("Another seed gives other weights.")
  var seed: Int = 0

  func outline() throws -> Content? {
    let config = try config()
    return Content(
      .checkpoint, facts: config.setting("torch_dtype", to: "float32"),
      tensors: try Blueprint.tensors(of: config, label: "classifier")
        .map { TensorEntry(foreseen: $0.name, dtype: .f32, shape: $0.shape) })
  }

  func memory() -> Int { (try? outline())?.byteCount ?? 0 }

  func run(_ context: Context) throws -> Checkpoint {
    let config = try config()
    var result = Content(.checkpoint, facts: config.setting("torch_dtype", to: "float32"))
    result.tensors = try Blueprint.tensors(of: config, label: "classifier").enumerated().map { index, tensor in
      TensorEntry(tensor.name, dtype: .f32, shape: tensor.shape) {
        try context.checkCancelled()
        var generator = Generator(seed: seed, stream: "classifier", tensor.name)
        let bound = 1 / Double(sizes[index / 2]).squareRoot()
        return Tensor(shape: tensor.shape) { entries in
          for entry in entries.indices { entries[entry] = Float((2 * generator.uniform() - 1) * bound) }
        }
      }
    }
    return Checkpoint(result)
  }

  private func config() throws -> JSON {
    guard sizes.count >= 2 else {
      throw OperationError(
        .step, "`sizes` of `classifier` has \(sizes.count == 1 ? "one number" : "no numbers"), and needs two at least",
        helps: ["for example `[64, 64, 10]`: 64 features, 64 hidden units, 10 classes"])
    }
    return MultilayerPerceptron.config(sizes: sizes)
  }
}
