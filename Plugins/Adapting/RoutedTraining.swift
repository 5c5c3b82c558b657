import Adapters
import Diagnostics
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
    var orders = tasks.map { _ in [Int]() }
    for step in 0..<steps {
      try context.checkCancelled()
      let number = step % tasks.count
      if orders[number].isEmpty {
        var generator = Generator(seed: seed, stream: name, "task \(number)", "order at \(step)")
        orders[number] = generator.permutation(of: tasks[number].count)
      }
      let rows = Array(orders[number].prefix(batch))
      orders[number].removeFirst(rows.count)
      routed.choose(task: number, noise: relaxed ? (seed, step) : nil)
      let count = tasks[number].scored(rows)
      guard count > 0 else { continue }
      var loss = 0.0
      for part in tasks[number].parts(rows) {
        let inputs = tasks[number].batch(part)
        loss += training.add(inputs, tasks[number].objective(part, inputs), of: count)
      }
      guard loss.isFinite else {
        throw OperationError(
          .step, "training came apart at step \(step + 1) of \(steps): the loss is no longer a number",
          helps: ["a smaller `rate` or `routing_rate` keeps it together"])
      }
      training.step(rate: 1) { RoutedNetwork.isRouter($0) ? routingRate : rate }
      context.progress(step + 1, of: steps, "steps", figure: .init("loss", loss))
    }
  }
}
