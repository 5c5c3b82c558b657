import Diagnostics
import Foundation
import Networks
import Operations
import Tensors

/// Training by minimising the mean cross-entropy over mini-batches.
///
/// Each epoch goes over all examples once, in an order drawn anew from the seed; its last batch may be smaller. Step t
/// of T is taken at `rate · min(1, (t+1)/w) · s(t)`, with w the warm-up's steps and s the schedule's share over the
/// steps after it.
struct Finetune: RecipeOperation {
  enum Optimizer: String, Choice {
    case adamw, sgd

    var text: String {
      switch self {
      case .adamw: "AdamW with decays 0.9 and 0.999, as PyTorch defines it."
      case .sgd: "Stochastic gradient descent with momentum, as PyTorch defines it."
      }
    }
  }

  enum Schedule: String, Choice {
    case constant, linear, cosine

    var text: String {
      switch self {
      case .constant: "The rate stays as it is after the warm-up."
      case .linear: "The rate falls to zero along a line."
      case .cosine: "The rate falls to zero along half a cosine."
      }
    }

    /// - Parameter done: The share of the steps after the warm-up that have been taken.
    func share(_ done: Double) -> Double {
      switch self {
      case .constant: 1
      case .linear: 1 - done
      case .cosine: (1 + cos(Double.pi * done)) / 2
      }
    }
  }

  static let about = About(
    "finetune",
    "Train a model on examples, all of its weights, from where it stands.",
    discussion: """
      Minimises the mean cross-entropy over mini-batches. Each epoch goes over all examples once, in an order drawn \
      anew from the seed. Weights are kept in float32 while they are trained and rounded to the model's own dtypes at \
      the end. Weight decay takes biases too, as it does in PyTorch unless it is told otherwise.
      """,
    papers: [.init("Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization", arXiv: "1711.05101")],
    cost: "O(steps × batch × entries); the weights four times over in memory",
    examples: [
      Example("Twenty epochs of AdamW", "finetune(base:, data:, epochs: 20, rate: 1e-3)"),
      Example(
        "Two hundred steps of gradient descent",
        "finetune(base:, data:, steps: 200 steps, batch: 16 examples, rate: 0.05, optimizer: .sgd, schedule: .cosine)"),
    ])

  @Input("The model to start from.")
  var base: Checkpoint
  @Input("The examples to learn from.")
  var data: Dataset
  @Param("How often to go over all examples.", in: 1...100_000, unit: .epochs)
  var epochs: Int = 10
  @Param("How many batches to learn from, whatever `epochs` says.", in: 1...1_000_000_000, unit: .steps)
  var steps: Int? = nil
  @Param("Examples that each step looks at.", in: 1...1_000_000, unit: .examples)
  var batch: Int = 32
  @Param("The learning rate after the warm-up.", in: 0...1000)
  var rate: Double = 1e-3
  @Param("The rule that turns gradients into steps.")
  var optimizer: Optimizer = .adamw
  @Param("How strongly weights are pulled to zero.", in: 0...1000)
  var weightDecay: Double = 0.01
  @Param("How much of the last step goes into the next; only `.sgd` asks.", in: 0..<1)
  var momentum: Double = 0.9
  @Param("Share of the steps over which the rate rises from zero.")
  var warmup: Fraction = 0
  @Param("How the rate falls after the warm-up.")
  var schedule: Schedule = .constant
  @Param("Decides the order of the examples.")
  var seed: Int = 0

  func outline() throws -> Content? {
    _ = try architecture()
    var outline = base.content
    outline.tensors = outline.tensors.map { TensorEntry(foreseen: $0.name, dtype: $0.dtype, shape: $0.shape) }
    return outline
  }

  func memory() -> Int { data.content.byteCount * 2 + base.content.byteCount * 8 }

  func run(_ context: Context) throws -> Checkpoint {
    var network = try Perceptron(architecture()) { try base.content.finiteTensor($0) }
    let examples = Examples(features: try data.features(), labels: try data.labels())
    switch optimizer {
    case .adamw: try train(&network, on: examples, AdamW(weightDecay: weightDecay), context)
    case .sgd:
      let descent = StochasticGradientDescent(momentum: momentum, weightDecay: weightDecay)
      try train(&network, on: examples, descent, context)
    }
    let trained = Dictionary(uniqueKeysWithValues: network.tensors.map { ($0.name, $0.tensor) })
    var result = base.content
    result.tensors = result.tensors.map { entry in
      guard let tensor = trained[entry.name]?.converted(to: entry.dtype) else {
        preconditionFailure("`\(entry.name)` was checked to be one of the network's")
      }
      return TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape) { tensor }
    }
    return Checkpoint(result)
  }

  private func train(
    _ network: inout Perceptron, on examples: Examples, _ optimizer: some Networks.Optimizer, _ context: Context
  ) throws {
    var optimizer = optimizer
    let stepsPerEpoch = (examples.count + batch - 1) / batch
    let total = steps ?? epochs * stepsPerEpoch
    let warm = Int((warmup.share * Double(total)).rounded(.up))
    var order: [Int] = []
    for step in 0..<total {
      try context.checkCancelled()
      let position = step % stepsPerEpoch
      if position == 0 {
        var generator = Generator(seed: seed, stream: "finetune", "epoch \(step / stepsPerEpoch)")
        order = generator.permutation(of: examples.count)
      }
      let rows = order[position * batch..<min((position + 1) * batch, order.count)]
      let (loss, gradients) = network.lossAndGradients(examples.selecting(Array(rows)))
      guard loss.isFinite else {
        throw OperationError(
          .step, "training came apart at step \(step + 1) of \(total): the loss is no longer a number",
          helps: ["a smaller `rate` than \(rate), or a longer `warmup`, keeps it together"])
      }
      let rise = min(1, Double(step + 1) / Double(max(warm, 1)))
      let done = step < warm ? 0 : Double(step - warm) / Double(total - warm)
      network.step(&optimizer, gradients: gradients, rate: rate * rise * schedule.share(done))
      context.progress(step + 1, of: total, "steps", figure: .init("loss", loss))
    }
  }

  private func architecture() throws -> PerceptronArchitecture {
    let architecture = try PerceptronArchitecture(config: base.config, tensors: base.content.shapes, of: base.label)
    let size = try data.labelledSize()
    try architecture.check(features: size.features, classes: size.classes, of: data.label, for: base.label)
    return architecture
  }
}
