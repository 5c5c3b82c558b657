import Diagnostics
import Foundation
import Networks
import Operations
import Tensors

/// Training by minimising the mean loss over mini-batches: in which order, how fast, and when to stop.
///
/// Each epoch goes over all examples once, in an order drawn anew from the seed; its last batch may be smaller.
public struct Finetuning: Sendable {
  /// What the random stream of the order is called: the operation's name.
  public let name: String
  public var epochs: Int
  /// Whatever `epochs` says.
  public var steps: Int?
  public var batch: Int
  public var rate: Double
  public var schedule: RateSchedule.Shape
  public var warmup: Double
  public var seed: Int
  /// Epochs without a better loss on held-out examples after which it stops.
  public var patience: Int?

  public init(
    _ name: String, epochs: Int, steps: Int?, batch: Int, rate: Double, schedule: RateSchedule.Shape, warmup: Double,
    seed: Int, patience: Int? = nil
  ) {
    (self.name, self.epochs, self.steps, self.batch, self.rate) = (name, epochs, steps, batch, rate)
    (self.schedule, self.warmup, self.seed, self.patience) = (schedule, warmup, seed, patience)
  }

  /// Trains what is trainable.
  ///
  /// A run that was stopped goes on where it was, with the same bits. Where there are held-out examples, the parameters end as they were when the loss on those was lowest.
  /// - Parameter keep: Keeps the parameters as they are, where they still are good and training cannot go on, and says where.
  /// - Throws: `OperationError` where the loss is no longer a number.
  public func run(
    _ training: Training, on data: ModelData, heldOut: ModelData? = nil, _ context: Context,
    keep: () throws -> String? = { nil }
  ) throws {
    let perEpoch = (data.count + batch - 1) / batch
    let total = steps ?? epochs * perEpoch
    try fit(training, data, context)
    let best = heldOut.map { _ in BestParameters(training.parameters) }
    do {
      try UnfinishedTraining.run(training, best: best, context) { afterStep in
        try run(training, on: data, perEpoch: perEpoch, of: total, heldOut, best, afterStep, context)
      }
    } catch let error as TrainingCameApart {
      throw error.error(of: total, rate: rate, kept: try kept(training, best, context, keep))
    }
    best?.restore(training.parameters)
  }

  /// Goes back to the last parameters that are good, and keeps them.
  private func kept(
    _ training: Training, _ best: BestParameters?, _ context: Context, _ keep: () throws -> String?
  ) throws -> String? {
    best?.restore(training.parameters)
    if training.lost != nil {
      guard let left = try UnfinishedTraining(context)?.load(), training.resume(left.state) else { return nil }
    }
    return training.lost == nil ? try keep() : nil
  }

  private func run(
    _ training: Training, on data: ModelData, perEpoch: Int, of total: Int, _ heldOut: ModelData?,
    _ best: BestParameters?, _ afterStep: (Double) throws -> Void, _ context: Context
  ) throws {
    let rates = RateSchedule(peak: rate, schedule, warmup: warmup, total: total)
    var order: [Int] = []
    for step in training.steps..<max(total, training.steps) {
      try context.checkCancelled()
      let position = step % perEpoch
      if position == 0 { try judge(training, heldOut, best, of: total, context) }
      if let patience, let best, best.since >= patience { return }
      if position == 0 || order.isEmpty {
        var generator = Generator(seed: seed, stream: name, "epoch \(step / perEpoch)")
        order = generator.permutation(of: data.count)
      }
      let rows = Array(order[position * batch..<min((position + 1) * batch, order.count)])
      let loss = try take(training, rows, data, rate: rates[step], step, of: total)
      context.progress(step + 1, of: total, "steps", figure: .init("loss", loss))
      try afterStep(loss)
    }
    try judge(training, heldOut, best, of: total, context)
  }

  /// Measures the loss on held-out examples, once after so many steps.
  private func judge(
    _ training: Training, _ heldOut: ModelData?, _ best: BestParameters?, of total: Int, _ context: Context
  ) throws {
    guard let heldOut, best?.steps != training.steps else { return }
    let loss = try Self.loss(training.network, on: heldOut, context)
    if training.steps > 0 {
      context.progress(training.steps, of: total, "steps", figure: .init("held-out loss", loss))
    }
    best?.note(loss, after: training.steps, training.parameters)
  }

  /// One step; examples that together are too much for one pass go through one after the other.
  private func take(
    _ training: Training, _ rows: [Int], _ data: ModelData, rate: Double, _ step: Int, of total: Int
  ) throws -> Double {
    let count = data.scored(rows)
    guard count > 0 else {
      training.skip()
      return 0
    }
    var loss = 0.0
    for part in data.parts(rows) {
      let batch = data.batch(part)
      loss += training.add(batch, data.objective(part, batch), of: count)
    }
    guard loss.isFinite else {
      throw TrainingCameApart(
        step: step, what: "the loss is no longer a number",
        place: data.parts(rows).lazy.compactMap { training.network.strayInput(data.batch($0)) }.first)
    }
    if let stray = training.step(rate: rate).stray {
      throw TrainingCameApart(step: step, what: "the gradient of `\(stray.name)` is no longer finite", place: nil)
    }
    // Looked for now and then, and at the end: it costs as much as a part of a step.
    if step % 50 == 49 || step == total - 1, let parameter = training.lost {
      throw TrainingCameApart(step: step, what: "`\(parameter.name)` is no longer finite", place: nil)
    }
    return loss
  }

  /// The mean loss over all examples.
  public static func loss(_ network: Network, on data: ModelData, _ context: Context) throws -> Double {
    var losses = [Double](repeating: 0, count: data.count)
    var counts = 0
    for rows in data.batches(64) {
      try context.checkCancelled()
      let batch = data.batch(rows)
      let each = data.objective(rows, batch).losses(network.output(batch))
      let length = each.count / rows.count
      for (index, row) in rows.enumerated() { losses[row] = each[index * length..<(index + 1) * length].reduce(0, +) }
      counts += data.scored(rows)
    }
    return losses.reduce(0, +) / Double(max(counts, 1))
  }
}

/// A loss, gradient or parameter is no number any more.
private struct TrainingCameApart: Error {
  let step: Int
  let what: String
  /// Where in the network it shows first.
  let place: String?

  func error(of total: Int, rate: Double, kept: String?) -> OperationError {
    OperationError(
      .step, "training came apart at step \(step + 1) of \(total): \(what)",
      notes: [
        place.map { "it shows first in what goes into `\($0)`" },
        kept.map { "the last good model is kept in `\($0)`" },
      ].compactMap { $0 },
      helps: ["a smaller `rate` than \(Value.number(rate).canonical), a longer `warmup`, or `clip` keeps it together"])
  }
}

extension Network {
  /// The first linear layer whose input is not finite.
  fileprivate func strayInput(_ batch: Batch) -> String? {
    var found: String?
    _ = output(batch) { path, input in
      if found == nil, !input.entries.allSatisfy(\.isFinite) { found = path }
    }
    return found
  }
}

/// The parameters as they were when a loss was lowest.
final class BestParameters {
  private(set) var loss = Double.infinity
  private(set) var entries: [[Float]]
  /// Losses noted since.
  private(set) var since = 0
  /// Steps that were taken when a loss was last noted; -1 before any was.
  private(set) var steps = -1

  init(_ parameters: [Parameter]) { entries = parameters.map { _ in [] } }

  init(loss: Double, since: Int, steps: Int, entries: [[Float]]) {
    (self.loss, self.since, self.steps, self.entries) = (loss, since, steps, entries)
  }

  /// Goes back to what an earlier run had found.
  func become(_ other: BestParameters) {
    (loss, entries, since, steps) = (other.loss, other.entries, other.since, other.steps)
  }

  func note(_ loss: Double, after steps: Int, _ parameters: [Parameter]) {
    self.steps = steps
    guard loss < self.loss else {
      since += 1
      return
    }
    self.loss = loss
    since = 0
    entries = parameters.map { $0.withEntries { Array($0) } }
  }

  func restore(_ parameters: [Parameter]) {
    for (parameter, entries) in zip(parameters, entries) where !entries.isEmpty {
      parameter.withEntries { $0.baseAddress?.update(from: entries, count: entries.count) }
    }
  }
}
