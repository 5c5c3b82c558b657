import Operations
import Tensors

/// The weighted sum of task vectors, added to the base: `θ = θ₀ + λ Σₖ wₖ (θₖ − θ₀)` (Ilharco et al. 2023).
struct TaskArithmetic: TaskVectorMerge, LinearOperation {
  static let about = About(
    "task_arithmetic",
    "Merge models by adding up what each of them adds to their common base.",
    discussion: """
      θ = θ₀ + λ Σₖ wₖ δₖ with δₖ = θₖ − θ₀; with `normalize`, Σₖ wₖ δₖ is divided by Σₖ wₖ. A negative weight takes \
      away what a model has learnt. mergekit's defaults are these; the paper chooses one λ for all weights on held-out \
      data, often about 0.3, which is FusionBench's default.
      """,
    papers: [.init("Ilharco et al. 2023, Editing Models with Task Arithmetic", arXiv: "2212.04089")],
    cost: "O(models × entries); no tensor in memory",
    examples: [
      Example("Two task vectors, each by 0.3", "task_arithmetic(base:, models: [a, b], scale: 0.3)"),
      Example("Learn one thing, forget another", "task_arithmetic(base:, models: [a, b], weights: [1, -0.5])"),
    ])

  static let version = 2

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("How much each model counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Whether the sum of task vectors is divided by the sum of the weights.")
  var normalize: Bool = false
  @Param("What the sum is multiplied with before it is added to the base, λ.")
  var scale: Layered<Double> = 1
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func check() throws { try weights.checkCount(as: models, "task_arithmetic") }

  var origin: Checkpoint? { base }

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum(
      models, weights: weights.shares(of: models.count, at: tensor), isNormalized: normalize, times: scale(tensor))
  }
}

extension TaskArithmetic: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    try PlainTaskVectors(self, read).merged(
      weights.shares(of: models.count, at: tensor), .none, normalize: normalize, scale: scale(tensor))
  }
}
