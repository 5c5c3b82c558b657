import Diagnostics
import Operations
import Tensors

/// One task's model out of a vector that all tasks share (Huang et al. 2024, EMR-Merging: elect, mask and rescale).
struct Emr: TensorwiseOperation {
  static let about = About(
    "emr",
    "Make one task's model of what all tasks' models share.",
    discussion: """
      The shared vector has, entry by entry, the sign of Σₖ τₖ (a sum of 0 counts as negative) and the largest magnitude \
      of the τₖ = θₖ − θ₀ with that sign. A task's mask takes the entries where its own τ has the sign too, and its factor \
      r makes their mean magnitude its own: r = Σ mean|τ| / Σ mean|masked|, the sums over all tensors. θ = θ₀ + r · mask · \
      shared. Each task needs a model of its own, which stores as one bit an entry.
      """,
    papers: [.init("Huang et al. 2024, EMR-Merging: Tuning-Free High-Performance Model Merging", arXiv: "2405.17461")],
    cost: "O(models × entries), read twice; one tensor in memory at a time",
    examples: [Example("The second model's task", "emr(base:, models: [a, b, c], task: 2)")])

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models, one for each task.", count: 1...)
  var models: [Checkpoint]
  @Param("Whose task, counted from 1 in the order of the models.", in: 1...1_000_000)
  var task: Int = 1

  func check() throws { try checkTask(task, models, "emr") }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let scale = try read.once { try factor(read) }
    return try Tensor.elected(models.map { try read($0) }, from: read(base), for: task - 1, scale: scale)
  }

  /// r, from the means of all float tensors.
  private func factor(_ read: TensorReader) throws -> Double {
    var sums = (own: 0.0, elected: 0.0)
    for entry in base.content.tensors where entry.dtype.isFloat && entry.shape.count > 0 {
      try read.context.checkCancelled()
      let read = read.reading(entry.name)
      let tensor = try Tensor.electionSums(models.map { try read($0) }, from: read(base), for: task - 1)
      sums.own += tensor.own / Double(entry.shape.count)
      sums.elected += tensor.elected / Double(entry.shape.count)
    }
    return sums.elected == 0 ? 0 : sums.own / sums.elected
  }
}

/// Checks that there is a model for a task.
func checkTask(_ task: Int, _ models: [Checkpoint], _ operation: String) throws {
  guard task > models.count else { return }
  throw OperationError(.step, "`task` of `\(operation)` is \(task), and there are \(models.count) models")
}
