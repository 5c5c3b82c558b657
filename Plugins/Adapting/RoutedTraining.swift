import Adapters
import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors

/// Training of routed skills: tasks take turns, a batch each, with rates of their own for skills and routers.
struct RoutedTraining {
  let name: String
  let steps: Int
  let batch: Int
  let rate: Double
  let routingRate: Double
  let relaxed: Bool
  let seed: Int

  /// Checks that there is something to learn from a dataset.
  static func check(_ data: Dataset, _ model: RunnableModel, _ name: String) throws {
    guard try ModelData.task(of: data, for: model) != .none else {
      throw OperationError(
        .data, "`\(model.label)` has \(model.blueprint.head), so `\(name)` has nothing to train it for")
    }
  }

  func run(_ routed: RoutedNetwork, _ tasks: [ModelData], _ context: Context) throws {
    let training = Training(routed.network, AdamW(weightDecay: 0), clip: nil)
    var orders = tasks.map { _ in ExampleOrder() }
    try UnfinishedTraining.run(training, context) { afterStep in
      for step in training.steps..<max(steps, training.steps) {
        try context.checkCancelled()
        let loss = try take(step, training, routed, tasks, &orders)
        context.progress(step + 1, of: steps, "steps", figure: loss.map { .init("loss", $0) })
        // A step in which nothing was scored has none.
        try afterStep(loss ?? .nan)
      }
    }
  }

  /// One step.
  /// - Returns: The loss; nil where nothing in the batch is scored.
  private func take(
    _ step: Int, _ training: Training, _ routed: RoutedNetwork, _ tasks: [ModelData], _ orders: inout [ExampleOrder]
  ) throws -> Double? {
    let number = step % tasks.count
    let data = tasks[number]
    let rows = rows(of: data, number, at: step, of: tasks.count, &orders[number])
    routed.choose(task: number, noise: relaxed ? (seed, step) : nil)
    let count = data.scored(rows)
    guard count > 0 else {
      training.skip()
      return nil
    }
    var loss = 0.0
    for part in data.parts(rows) {
      let inputs = data.batch(part)
      loss += training.add(inputs, data.objective(part, inputs), of: count)
    }
    guard loss.isFinite else {
      throw OperationError(
        .step, "training came apart at step \(step + 1) of \(steps): the loss is no longer a number",
        helps: ["a smaller `rate` or `routing_rate` keeps it together"])
    }
    if let stray = training.step(rate: 1, share: { RoutedNetwork.isRouter($0) ? routingRate : rate }).stray {
      throw OperationError(
        .step,
        "training came apart at step \(step + 1) of \(steps): the gradient of `\(stray.name)` is no longer finite",
        helps: ["a smaller `rate` or `routing_rate` keeps it together"])
    }
    return loss
  }

  /// A task's examples at one of its turns: it goes over all of them, in an order drawn anew each time.
  private func rows(
    of data: ModelData, _ number: Int, at step: Int, of tasks: Int, _ order: inout ExampleOrder
  ) -> [Int] {
    let turn = step / tasks
    let position = turn % ((data.count + batch - 1) / batch)
    let start = (turn - position) * tasks + number
    if order.start != start {
      var generator = Generator(seed: seed, stream: name, "task \(number)", "order at \(start)")
      order = ExampleOrder(start: start, rows: generator.permutation(of: data.count))
    }
    return Array(order.rows[position * batch..<min((position + 1) * batch, data.count)])
  }
}

extension RoutedTraining {
  /// What each task takes of each skill, the mean over all layers and blocks: a row for each task.
  static func shares(of inventory: Content) throws -> JSON {
    func count(_ field: String) -> Int { inventory.facts[field]?.integer ?? 1 }
    let (tasks, skills, splits) = (count("n_tasks"), count("n_skills"), count("n_splits"))
    let routers = inventory.tensors.map(\.name).filter { $0.hasSuffix("module_logits") }
    let tables = try routers.map { name -> [[[Double]]] in
      let logits = try inventory.tensor(name).doubles
      return (0..<tasks).map { task in
        let row = logits[task * splits * skills..<(task + 1) * splits * skills]
        return SkillMixture.weights(Array(row), splits: splits, skills: skills)
      }
    }
    return .array(
      (0..<tasks).map { task in
        .array(
          (0..<skills).map { skill in
            let taken = tables.flatMap { $0[task].map { $0[skill] } }
            return .number(taken.reduce(0, +) / Double(max(taken.count, 1)))
          })
      })
  }
}

/// In which order a task's examples come, and the step from which on.
private struct ExampleOrder {
  var start = -1
  var rows: [Int] = []
}
