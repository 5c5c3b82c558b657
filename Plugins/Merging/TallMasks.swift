import Operations
import Tensors

/// One task's part of the sum of all tasks' changes (Wang et al. 2024, TALL masks).
struct TallMask: TensorwiseOperation {
  static let about = About(
    "tall_mask",
    "Make one task's model of the sum of all tasks' changes.",
    discussion: """
      With τₖ = θₖ − θ₀ and τ their sum, a task keeps τ where its own change outweighs the others': |τₖ| > λ |τ − τₖ|; \
      elsewhere the base stands. The reference tries λ from 0.2 to 0.6 on validation data.
      """,
    papers: [.init("Wang et al. 2024, Localizing Task Information for Improved Model Merging", arXiv: "2405.07813")],
    cost: "O(models × entries); one tensor in memory at a time",
    examples: [Example("The first model's task", "tall_mask(base:, models: [a, b, c], task: 1, threshold: 0.4)")])

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models, one for each task.", count: 1...)
  var models: [Checkpoint]
  @Param("Whose task, counted from 1 in the order of the models.", in: 1...1_000_000)
  var task: Int = 1
  @Param("How much an own change must outweigh the others', λ.", in: 0...1_000)
  var threshold: Double = 0.4

  func check() throws { try checkTask(task, models, "tall_mask") }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    try Tensor.masked(
      models.map { try read($0) }, from: read(base), scale: 1, threshold: threshold, wanted: 1, task: task - 1)
  }
}

extension TallMask: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    guard task <= models.count else { return try read(base).doubles }
    let (models, base) = (try models.map { try read($0).doubles }, try read(base).doubles)
    return base.indices.map { entry in
      let changes = models.map { $0[entry] - base[entry] }
      let (sum, own) = (changes.reduce(0, +), changes[task - 1])
      return own.magnitude > threshold * (sum - own).magnitude ? base[entry] + sum : base[entry]
    }
  }
}

/// Task arithmetic without what only few tasks want (Wang et al. 2024, consensus merging).
struct Consensus: TensorwiseOperation {
  static let about = About(
    "consensus",
    "Merge models by the sum of their changes, without the entries that too few of them want.",
    discussion: """
      With τₖ = θₖ − θ₀ and τ their sum, a model wants an entry where |τₖ| > λ |τ − τₖ|. θ = θ₀ + scale · τ where at \
      least `wanted` models do, θ₀ elsewhere: neither selfish entries nor those that nobody misses.
      """,
    papers: [.init("Wang et al. 2024, Localizing Task Information for Improved Model Merging", arXiv: "2405.07813")],
    cost: "O(models × entries); one tensor in memory at a time",
    examples: [Example("What two of three want", "consensus(base:, models: [a, b, c], scale: 0.3, wanted: 2)")])

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("What the sum of changes is multiplied by.")
  var scale: Layered<Double> = 1
  @Param("How much an own change must outweigh the others', λ.", in: 0...1_000)
  var threshold: Double = 0.4
  @Param("How many models must want an entry.", in: 0...1_000_000)
  var wanted: Int = 2

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    try Tensor.masked(
      models.map { try read($0) }, from: read(base), scale: scale(tensor), threshold: threshold, wanted: wanted)
  }
}

extension Consensus: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let (models, base) = (try models.map { try read($0).doubles }, try read(base).doubles)
    return base.indices.map { entry in
      let changes = models.map { $0[entry] - base[entry] }
      let sum = changes.reduce(0, +)
      let voters = changes.count { $0.magnitude > threshold * (sum - $0).magnitude }
      return voters >= wanted ? base[entry] + scale(tensor) * sum : base[entry]
    }
  }
}
