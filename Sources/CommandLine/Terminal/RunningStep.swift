import Diagnostics
import Operations

/// A step that runs at this moment, as a display shows it.
struct RunningStep {
  let label: String
  let operation: String
  let started: ContinuousClock.Instant
  /// What it has reported last.
  private(set) var progress: Context.Progress?
  private(set) var storing: (done: Int, total: Int)?
  /// Where it stood when it began with what it is at now, for its speed.
  private var first: (done: Int, time: ContinuousClock.Instant)?
  /// Why it waits.
  var waitingFor: String?
  /// What its figure was from the beginning on, each the mean of `reportsOfPoint` reports.
  private var trail: [Double] = []
  private var reportsOfPoint = 1
  private var pending = (sum: 0.0, count: 0)

  init(label: String, operation: String, started: ContinuousClock.Instant) {
    self.label = label
    self.operation = operation
    self.started = started
  }

  mutating func report(_ progress: Context.Progress, at time: ContinuousClock.Instant) {
    if first == nil || progress.done < (self.progress?.done ?? 0) { first = (progress.done, time) }
    if let figure = progress.figure, figure.value.isFinite,
      progress.figure?.name == (self.progress?.figure ?? figure).name
    {
      note(figure.value)
    }
    self.progress = progress
  }

  private mutating func note(_ value: Double) {
    pending = (pending.sum + value, pending.count + 1)
    guard pending.count == reportsOfPoint else { return }
    trail.append(pending.sum / Double(pending.count))
    pending = (0, 0)
    guard trail.count == 128 else { return }
    trail = stride(from: 0, to: trail.count, by: 2).map { (trail[$0] + trail[$0 + 1]) / 2 }
    reportsOfPoint *= 2
  }

  /// How its figure went so far, drawn in so many columns: the loss of a training.
  func curve(width: Int) -> String { Sparkline(trail).text(width: width) }

  mutating func store(_ done: Int, of total: Int, at time: ContinuousClock.Instant) {
    if storing == nil { first = (done, time) }
    storing = (done, total)
  }

  /// What share of it is done; nil where it has not said.
  var share: Double? {
    guard let (done, total) = amounts, total > 0 else { return nil }
    return min(1, max(0, Double(done) / Double(total)))
  }

  private var amounts: (done: Int, total: Int)? { storing ?? progress.map { ($0.done, $0.total) } }

  /// What it does: `1240/2000 steps, loss 0.31, 0:12 left`; `writing 8.8 GiB of 14.2 GiB, 1.9 GiB/s, 0:03 left`.
  func activity(at time: ContinuousClock.Instant) -> String {
    if let waitingFor { return "waiting: \(waitingFor)" }
    guard let (done, total) = amounts else { return Measure.clock((time - started).seconds) }
    let isBytes = storing != nil || progress?.unit == "bytes"
    let verb = storing == nil ? "" : "writing "
    var parts = [
      isBytes
        ? "\(verb)\(Measure.bytes(done)) of \(Measure.bytes(total))" : "\(done)/\(total) \(progress?.unit ?? "")"
    ]
    if storing == nil, let figure = progress?.figure { parts.append(figure.text) }
    if let speed = speed(at: time) {
      if isBytes { parts.append("\(Measure.bytes(Int(speed)))/s") }
      if done < total { parts.append("\(Measure.clock((Double(total - done) / speed).rounded(.up))) left") }
    }
    return parts.joined(separator: ", ")
  }

  /// How much it does in a second; nil while that is a guess.
  private func speed(at time: ContinuousClock.Instant) -> Double? {
    guard let (done, _) = amounts, let first, done > first.done else { return nil }
    let spent = (time - first.time).seconds
    return spent >= 1 ? Double(done - first.done) / spent : nil
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
