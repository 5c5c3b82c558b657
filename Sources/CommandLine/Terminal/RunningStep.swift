import Diagnostics
import Operations

/// A step that runs at this moment, as a display shows it.
struct RunningStep {
  let label: String
  let operation: String
  let started: ContinuousClock.Instant
  /// What it has reported last, and what it had reported first, for its speed.
  private(set) var progress: Context.Progress?
  private var first: (done: Int, time: ContinuousClock.Instant)?
  var storing: (done: Int, total: Int)?
  /// Why it waits.
  var waitingFor: String?

  init(label: String, operation: String, started: ContinuousClock.Instant) {
    self.label = label
    self.operation = operation
    self.started = started
  }

  mutating func report(_ progress: Context.Progress, at time: ContinuousClock.Instant) {
    if first == nil || progress.done < (self.progress?.done ?? 0) { first = (progress.done, time) }
    self.progress = progress
  }

  /// What share of it is done; nil where it has not said.
  var share: Double? {
    if let storing, storing.total > 0 { return min(1, Double(storing.done) / Double(storing.total)) }
    guard let progress, progress.total > 0 else { return nil }
    return min(1, max(0, Double(progress.done) / Double(progress.total)))
  }

  /// What it does: `1240/2000 steps, loss 0.31, 0:12 left`.
  func activity(at time: ContinuousClock.Instant) -> String {
    if let waitingFor { return "waiting: \(waitingFor)" }
    if let storing { return "writing \(Measure.bytes(storing.done)) of \(Measure.bytes(storing.total))" }
    guard let progress else { return Measure.clock((time - started).seconds) }
    var parts = ["\(progress.done)/\(progress.total) \(progress.unit)"]
    if let figure = progress.figure { parts.append(figure.text) }
    if let left = secondsLeft(at: time) { parts.append("\(Measure.clock(left.rounded(.up))) left") }
    return parts.joined(separator: ", ")
  }

  /// Seconds until it is done at the speed it had; nil while that is a guess.
  private func secondsLeft(at time: ContinuousClock.Instant) -> Double? {
    guard let progress, let first, progress.done > first.done, progress.done < progress.total else { return nil }
    let spent = (time - first.time).seconds
    guard spent >= 1 else { return nil }
    return spent / Double(progress.done - first.done) * Double(progress.total - progress.done)
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
