import Formats
import Operations
import Plans
import Recipes
import Synchronization

/// How a run comes along, for programs: a JSON document on each line.
///
/// The first says what will run, then each step says when it begins, how far it is (twice a second at most) and how it ended, and
/// the last is `{"event":"end"}`.
final class ProgressJournal: ProgressObserver {
  private let stream: TextStream
  private let steps: [StepID: PlannedStep]
  private let total: Int
  private let cached: Int
  private let clock = ContinuousClock()
  private let state = Mutex(State())

  private struct State {
    /// When each running step was last heard of, and what it is storing.
    var told: [StepID: ContinuousClock.Instant] = [:]
    var isFinished = false
  }

  private static let interval = Duration.milliseconds(500)

  init(_ plan: Plan, stream: TextStream) {
    self.stream = stream
    let toRun = plan.toRun
    steps = Dictionary(uniqueKeysWithValues: toRun.map { ($0.id, $0) })
    total = toRun.count
    cached = plan.steps.count - toRun.count
  }

  func start() { write(["event": "begin", "version": 1, "to_run": .integer(total), "cached": .integer(cached)]) }

  func finish() {
    let isFirst = state.withLock { state in
      defer { state.isFinished = true }
      return !state.isFinished
    }
    if isFirst { write(["event": "end"]) }
  }

  func observe(_ event: RunEvent) {
    switch event {
    case .started(let id): write(about(id, "started"))
    case .progress(let id, let progress):
      guard isDue(id, isLast: progress.done == progress.total) else { return }
      var json = about(id, "progress").setting("done", to: .integer(progress.done))
        .setting("total", to: .integer(progress.total)).setting("unit", to: .string(progress.unit))
      if let figure = progress.figure { json = json.setting(figure.name, to: .number(figure.value)) }
      write(json)
    case .storing(let id, let done, let total):
      guard isDue(id, isLast: done == total) else { return }
      write(
        about(id, "storing").setting("done", to: .integer(done)).setting("total", to: .integer(total))
          .setting("unit", to: "bytes"))
    case .waiting(let id, let why): write(about(id, "waiting").setting("reason", to: .string(why)))
    case .ended(let id, let outcome): write(ended(id, outcome))
    }
  }

  private func ended(_ id: StepID, _ outcome: Outcome) -> JSON {
    let json = about(id, "ended")
    switch outcome {
    case .ran(let run):
      return json.setting("outcome", to: "ran").setting("run", to: .integer(run.id))
        .setting("seconds", to: .number(run.seconds)).setting("artifact", to: .string(run.output.description))
    case .reused(let run):
      return json.setting("outcome", to: "reused").setting("run", to: .integer(run.id))
        .setting("artifact", to: .string(run.output.description))
    case .failed(let error):
      return json.setting("outcome", to: "failed").setting("error", to: .string(error.message))
    case .skipped(let because):
      return json.setting("outcome", to: "skipped").setting("because", to: .string(steps[because]?.label ?? ""))
    case .interrupted: return json.setting("outcome", to: "interrupted")
    }
  }

  private func about(_ id: StepID, _ event: String) -> JSON {
    [
      "event": .string(event), "step": .string(steps[id]?.label ?? ""),
      "operation": .string(steps[id]?.step.operation ?? ""),
    ]
  }

  /// Whether enough time has gone by since a step was heard of; its end is always told.
  private func isDue(_ id: StepID, isLast: Bool) -> Bool {
    let now = clock.now
    return state.withLock { state in
      if !isLast, let last = state.told[id], now - last < Self.interval { return false }
      state.told[id] = now
      return true
    }
  }

  private func write(_ json: JSON) { stream.writeLine(json.compact) }
}
