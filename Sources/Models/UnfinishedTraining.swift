import Diagnostics
import Formats
import Foundation
import Networks
import Operations
import Tensors

/// Where a training leaves how far it has come, so that a killed run goes on from there.
public struct UnfinishedTraining {
  private let path: String
  private var saved = Date()
  /// The loss of every step so far, to draw the whole curve again.
  private var losses: [Double] = []

  /// Seconds between two states: what a killed run may lose.
  private static let interval = 20.0

  /// Nil where nothing is kept.
  init?(_ context: Context) throws {
    guard let folder = try context.unfinished() else { return nil }
    path = folder + "/training.safetensors"
  }

  /// Takes steps that a later run goes on with where this one is stopped.
  ///
  /// What earlier runs reported is reported again, so that the curve is that of a run which was never stopped.
  /// - Parameter body: Goes on from `training.steps`, and calls what it is given with the loss after each step.
  public static func run(
    _ training: Training, _ context: Context, _ body: (_ afterStep: (Double) throws -> Void) throws -> Void
  ) throws {
    try run(training, best: nil, context, body)
  }

  /// The same, with the parameters of the best step, where they are looked for.
  static func run(
    _ training: Training, best: BestParameters?, _ context: Context,
    _ body: (_ afterStep: (Double) throws -> Void) throws -> Void
  ) throws {
    var unfinished = try UnfinishedTraining(context)
    if let left = unfinished?.load(), training.resume(left.state) {
      if let found = left.best { best?.become(found) }
      unfinished?.losses = left.losses
      for (step, loss) in left.losses.enumerated() where !loss.isNaN {
        context.progress(step + 1, of: left.losses.count, "steps", figure: .init("loss", loss))
      }
    }
    do {
      try body { loss in
        unfinished?.losses.append(loss)
        try unfinished?.saveNowAndThen(training, best)
      }
    } catch let error as OperationError where error.cause == .interrupted {
      // What was done is not lost.
      try unfinished?.save(training, best)
      throw error
    }
  }

  /// What an earlier run left: the state, and the parameters of its best step with their loss and how long ago that was.
  ///
  /// What cannot be read is as good as nothing.
  func load() -> (state: TrainingState, best: BestParameters?, losses: [Double])? {
    guard let file = try? SafetensorsFile(path),
      let steps = file.metadata.first(where: { $0.name == "steps" }).flatMap({ Int($0.text) }),
      let tensors = try? file.entries.map({ (name: $0.name, tensor: try file.tensor($0)) })
    else { return nil }
    let best = tensors.filter { $0.name.hasPrefix("best ") }.sorted { Self.number($0.name) < Self.number($1.name) }
    func figure(_ name: String) -> Double? { file.metadata.first { $0.name == name }.flatMap { Double($0.text) } }
    let kept = figure("loss").map { loss in
      BestParameters(
        loss: loss, since: Int(figure("since") ?? 0), steps: Int(figure("noted") ?? -1),
        entries: best.map { $0.tensor.floats })
    }
    let losses = tensors.first { $0.name == Self.lossesName }?.tensor.doubles ?? []
    let own = tensors.filter { !$0.name.hasPrefix("best ") && $0.name != Self.lossesName }
    return (TrainingState(steps: steps, tensors: own), kept, losses)
  }

  private static let lossesName = "losses"

  private static func number(_ name: String) -> Int { Int(name.dropFirst("best ".count)) ?? 0 }

  /// Leaves a state if the last is old enough.
  mutating func saveNowAndThen(_ training: Training, _ best: BestParameters?) throws {
    guard Date().timeIntervalSince(saved) > Self.interval else { return }
    try save(training, best)
    saved = Date()
  }

  /// Leaves a state, whole or not at all.
  func save(_ training: Training, _ best: BestParameters?) throws {
    let state = training.current
    let kept = zip(training.parameters, best?.entries ?? []).enumerated().compactMap { index, pair in
      pair.1.isEmpty ? nil : (name: "best \(index)", tensor: Tensor(pair.1, shape: pair.0.shape))
    }
    let all = state.tensors + kept + [(name: Self.lossesName, tensor: Tensor(doubles: losses, shape: [losses.count]))]
    let tensors = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.tensor) })
    var metadata = [(name: "steps", text: String(state.steps))]
    if let best, best.loss.isFinite {
      metadata += [("loss", String(best.loss)), ("since", String(best.since)), ("noted", String(best.steps))]
    }
    let layout = SafetensorsLayout(
      all.map { ($0.name, $0.tensor.dtype, $0.tensor.shape) }, metadata: metadata)
    let fresh = path + ".new"
    unlink(fresh)
    try layout.write(to: fresh) { name in
      guard let tensor = tensors[name] else { preconditionFailure("`\(name)` was laid out") }
      return tensor
    }
    guard rename(fresh, path) == 0 else { throw OperationError(.io, "`\(path)` cannot be written") }
  }
}
