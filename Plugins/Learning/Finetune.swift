import Adapters
import Diagnostics
import Formats
import Foundation
import Models
import Networks
import Operations
import Tensors

/// Training by minimising the mean loss over mini-batches: cross-entropy of classes or next tokens, or squared error.
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

    var shape: RateSchedule.Shape {
      switch self {
      case .constant: .constant
      case .linear: .linear
      case .cosine: .cosine
      }
    }
  }

  static let about = About(
    "finetune",
    "Train a model on examples, from where it stands.",
    discussion: """
      Minimises the mean loss over mini-batches: the cross-entropy of classes, of examples or words, or of every next token for a \
      language model (of the answers' alone where the data has an `answer`), or the squared error for a head of one number. Each epoch goes over all examples once, in an order drawn anew from the \
      seed. With `adapter` the adapter's tensors are trained and the model's stay as they are: the result is an adapter. Without, \
      `tune` names the tensors that are trained, by patterns; all others stay as they are, byte for byte. With `held_out` \
      the loss on those examples is measured before the first and after every epoch, and the result is the model as it was \
      when that was lowest; `patience` stops when it has not fallen for so many epochs. A batch whose texts are too much for one \
      pass goes through in parts, and their gradients are added up, so `batch` may be as large as is wanted. A run that was stopped or \
      killed goes on where it was, to the same bits. Where the loss, a gradient or a weight is no number any more, it stops, says at \
      which step and where, and keeps the last good model. Weights are kept in float32 while they \
      are trained and rounded to the model's own dtypes at the end. There is no dropout. Weight decay takes biases too, as it \
      does in PyTorch unless it is told otherwise.
      """,
    papers: [.init("Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization", arXiv: "1711.05101")],
    cost: "O(steps × batch × entries); the weights four times over in memory",
    examples: [
      Example("Twenty epochs of AdamW", "finetune(base:, data:, epochs: 20, rate: 1e-3)"),
      Example(
        "Two hundred steps of gradient descent",
        "finetune(base:, data:, steps: 200 steps, batch: 16 examples, rate: 0.05, optimizer: .sgd, schedule: .cosine)"),
      Example("An adapter", "finetune(base:, adapter: lora_init(base:, rank: 2), data:, epochs: 2)"),
      Example("The head alone", "finetune(base:, data:, tune: [\"layers.1.*\"], epochs: 5)"),
    ])

  @Input("The model to start from.")
  var base: Checkpoint
  @Input("An adapter to train in the place of the model's own tensors, which then stay as they are.")
  var adapter: Adapter?
  @Input("The examples to learn from.")
  var data: Dataset
  @Input("Examples to stop by, which nothing is learnt from.")
  var heldOut: Dataset?
  @Param("Patterns of the names of the tensors that are trained.")
  var tune: [String] = ["*"]
  @Param("How often to go over all examples.", in: 1...100_000, unit: .epochs)
  var epochs: Int = 10
  @Param("How many batches to learn from, whatever `epochs` says.", in: 1...1_000_000_000, unit: .steps)
  var steps: Int? = nil
  @Include var batches = Batches(of: 32)
  @Param("The learning rate after the warm-up.", in: 0...1000)
  var rate: Double = 1e-3
  @Param("The rule that turns gradients into steps.")
  var optimizer: Optimizer = .adamw
  @Param("The largest length that all gradients together may have; longer ones are shortened to it.", in: 1e-9...1e9)
  var clip: Double? = nil
  @Param("How strongly weights are pulled to zero.", in: 0...1000)
  var weightDecay: Double = 0.01
  @Param("How much of the last step goes into the next; only `.sgd` asks.", in: 0..<1)
  var momentum: Double = 0.9
  @Param("Share of the steps over which the rate rises from zero.")
  var warmup: Fraction = 0
  @Param("How the rate falls after the warm-up.")
  var schedule: Schedule = .constant
  @Param("Epochs without a lower loss on `held_out` after which training stops.", in: 1...100_000, unit: .epochs)
  var patience: Int? = nil
  @Include var reading: TextReading
  @Param("Decides the order of the examples.")
  var seed: Int = 0

  static let outputs = ["adapter": ArtifactKind.adapter]

  func outline() throws -> Content? {
    let model = try model()
    if let heldOut { _ = try ModelData.task(of: heldOut, for: model) }
    guard patience == nil || heldOut != nil else {
      throw OperationError(.step, "`patience` of `finetune` needs `held_out`, the examples to stop by")
    }
    try model.longest(reading.length)
    _ = try tuned(model)
    if let adapter { _ = try AdaptedModel(adapter.content, for: base.content) }
    return (adapter?.content ?? base.content).foreseen
  }

  func memory() -> Int {
    let model = try? RunnableModel(base)
    return model?.memory(for: data, examples: batches.batch, length: reading.length, .gradients, kept: rule.slots + 1)
      ?? 0
  }

  func run(_ context: Context) throws -> Trained {
    let model = try model()
    let examples = try ModelData(data, for: model, reading.lengths, context: context)
    let held = try heldOut.map { try ModelData($0, for: model, reading.lengths, context: context) }
    let network = try model.network()
    let names = try tuned(model)
    for parameter in network.weights.all { parameter.isTrainable = names.contains(parameter.name) }
    let adapted = try adapter.map { try AdaptedModel($0.content, for: base.content) }
    try adapted?.install(on: network, isTrainable: true)
    let training = Training(network, rule, clip: clip)
    let plan = Finetuning(
      "finetune", epochs: epochs, steps: steps, batch: batches.batch, rate: rate, schedule: schedule.shape,
      warmup: warmup.share, seed: seed, patience: patience)
    func trained() -> Content {
      if let adapted { return adapted.content(from: network) }
      let tensors = Dictionary(training.parameters.map { ($0.name, $0.tensor) }) { first, _ in first }
      return model.replacing(tensors).content
    }
    try plan.run(training, on: examples, heldOut: held, context) { try Self.keep(trained(), context) }
    return Trained(trained())
  }

  /// Writes what a training that came apart had last, where the next one finds it.
  private static func keep(_ content: Content, _ context: Context) throws -> String? {
    guard let unfinished = try context.unfinished() else { return nil }
    let folder = unfinished + "/last-good"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let layout = try ModelFolder.layout(
      config: content.facts, files: content.files.map { ($0.name, $0.bytes) },
      tensors: content.tensors.map { ($0.name, $0.dtype, $0.shape) }, shardSize: .max,
      layout: content.kind == .adapter ? .adapter : .model)
    try layout.write(to: folder) { try content.tensor($0) }
    return folder
  }

  private var rule: any Networks.Optimizer {
    switch optimizer {
    case .adamw: AdamW(weightDecay: weightDecay)
    case .sgd: StochasticGradientDescent(momentum: momentum, weightDecay: weightDecay)
    }
  }

  private func model() throws -> RunnableModel {
    let model = try RunnableModel(base)
    guard try ModelData.task(of: data, for: model) != .none else {
      throw OperationError(
        .data, "`\(model.label)` has \(model.blueprint.head), and nothing to be trained for",
        helps: ["`add_head(…)` gives it a head"])
    }
    return model
  }

  /// The names of the tensors that are trained.
  private func tuned(_ model: RunnableModel) throws -> Set<String> {
    let names = model.blueprint.trainable.map(\.name)
    var taken: Set<String> = []
    for pattern in tune {
      let found = names.filter(Pattern(pattern).matches)
      guard !found.isEmpty else {
        throw OperationError(
          .step, "`tune` of `finetune` has `\(pattern)`, and `\(model.label)` has no tensor like it",
          helps: NearestName.of(pattern, among: names).map { ["did you mean `\($0)`?"] } ?? [])
      }
      taken.formUnion(found)
    }
    return taken
  }
}

/// What training gives: a model, or an adapter where that was trained.
struct Trained: Artifact {
  static let kind = ArtifactKind.checkpoint
  let content: Content

  init(_ content: Content) { self.content = content }
}
