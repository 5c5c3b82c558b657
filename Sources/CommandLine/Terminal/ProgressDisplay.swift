import Diagnostics
import Foundation
import Plans
import Recipes
import Synchronization

/// Shows how a run comes along, on standard error: a line for each step that ends and, on a terminal, one live region below.
final class ProgressDisplay: ProgressObserver {
  enum Mode { case live, plain, none }

  private let mode: Mode
  private let stream: TextStream
  private let style: Style
  private let labels: [StepID: (label: String, operation: String)]
  /// By how long each step took the last time; none where one of them never ran.
  private let expectation: RunExpectation?
  private let total: Int
  private let cached: Int
  private let labelWidth: Int
  /// Bytes that running steps may hold together.
  private let memory: Int
  private let clock = ContinuousClock()
  private let started: ContinuousClock.Instant
  private let state = Mutex(State())

  private struct State {
    var running: [StepID: RunningStep] = [:]
    var ended: [StepID: Double] = [:]
    var region = LiveRegion()
    var isFinished = false
  }

  init(_ plan: Plan, mode: Mode, memory: Int, stream: TextStream, style: Style) {
    self.memory = memory
    self.mode = mode
    self.stream = stream
    self.style = style
    let steps = plan.toRun
    labels = Dictionary(uniqueKeysWithValues: steps.map { ($0.id, (Renderer.printable($0.label), $0.step.operation)) })
    expectation = RunExpectation(steps)
    total = steps.count
    cached = plan.steps.count - steps.count
    labelWidth = min(steps.map(\.label.count).max() ?? 0, 28)
    started = clock.now
  }

  /// Begins to redraw the live region, or to say now and then that a silent run is alive.
  ///
  /// On a thread of its own: Dispatch has as many as there are processors, and the steps keep them busy.
  func start() {
    guard mode != .none, total > 0 else { return }
    let interval = mode == .live ? 0.1 : 30
    Thread.detachNewThread { [weak self] in
      repeat { Thread.sleep(forTimeInterval: interval) } while self?.tick() == true
    }
  }

  /// Takes the live region away. Nothing is shown after.
  func finish() {
    state.withLock { state in
      state.isFinished = true
      stream.write(state.region.clearing(columns: columns))
    }
  }

  func observe(_ event: RunEvent) {
    guard mode != .none else { return }
    let now = clock.now
    state.withLock { state in
      switch event {
      case .started(let id):
        guard let (label, operation) = labels[id] else { return }
        state.running[id] = RunningStep(label: label, operation: operation, started: now)
      case .progress(let id, let progress): state.running[id]?.report(progress, at: now)
      case .storing(let id, let done, let total): state.running[id]?.store(done, of: total, at: now)
      case .waiting(let id, let other):
        state.running[id]?.waitingFor = Renderer.printable(other)
        if mode == .plain, let step = state.running[id] {
          writeLine("\(step.label) waits: \(Renderer.printable(other))", &state)
        }
      case .ended(let id, let outcome):
        let spent = state.running[id].map { (now - $0.started).seconds } ?? 0
        state.running[id] = nil
        state.ended[id] = spent
        writeLine(line(id, outcome, number: state.ended.count), &state)
      }
    }
  }

  // MARK: Lines

  private func line(_ id: StepID, _ outcome: Outcome, number: Int) -> String {
    let (label, operation) = labels[id] ?? ("", "")
    let count = style("[\(String(number).padded(to: String(total).count, atStart: true))/\(total)]", .faint)
    let (text, ink): (String, Style.Ink?) =
      switch outcome {
      case .ran(let run): (Measure.duration(run.seconds), nil)
      case .reused(let run): ("there already, from run \(run.id)", .green)
      case .failed: ("failed", .red)
      case .skipped(let because): ("not run, as `\(labels[because]?.label ?? "what it reads")` failed", .yellow)
      case .interrupted: ("interrupted", .yellow)
      }
    let name = mode == .live ? Renderer.shortened(label, to: labelWidth) : label
    return "\(count) \(name.padded(to: labelWidth))  \(operation.padded(to: operationWidth))  \(style(text, ink))"
  }

  private var operationWidth: Int { labels.values.map(\.operation.count).max() ?? 0 }

  private func writeLine(_ line: String, _ state: inout State) {
    guard !state.isFinished else { return }
    stream.write(state.region.clearing(columns: columns) + line + "\n")
    if mode == .live { draw(&state) }
  }

  /// Returns whether there is more to show.
  private func tick() -> Bool {
    state.withLock { state in
      if !state.isFinished {
        if mode == .live { draw(&state) } else { writeHeartbeats(&state) }
      }
      return !state.isFinished
    }
  }

  private func writeHeartbeats(_ state: inout State) {
    let margin = String(repeating: " ", count: 2 * String(total).count + 3)
    for (_, step) in state.running.sorted(by: { $0.key < $1.key }) {
      writeLine("\(margin) \(step.label.padded(to: labelWidth))  \(step.activity(at: clock.now))", &state)
    }
  }

  /// Of the terminal as it is now; people make theirs wider and narrower.
  private var columns: Int { stream.columns ?? 80 }

  /// A line for each running step, as far as the terminal has room for them, and one for the whole.
  private func draw(_ state: inout State) {
    let now = clock.now
    let (width, rows) = (columns - 1, max((stream.rows ?? 24) - 2, 1))
    let running = state.running.sorted { $0.key < $1.key }
    let names = min(labelWidth, max(width / 3, 8))
    var lines = running.prefix(rows).map { _, step in
      let name = Renderer.shortened(step.label, to: names).padded(to: names)
      let operation = width < 70 ? "" : "  " + step.operation.padded(to: operationWidth)
      let percent = step.share.map { "\(Int($0 * 100))%".padded(to: 4, atStart: true) + "  " } ?? ""
      let bar = width < 90 ? "" : step.share.map { meter($0) + " " } ?? ""
      let line = "  \(name)\(operation)  \(bar)\(percent)\(step.activity(at: now))"
      let room = min(width - line.count - 2, 32)
      let curve = room < 8 ? "" : step.curve(width: room)
      return String((curve.isEmpty ? line : line + "  " + curve).prefix(width))
    }
    lines.append(String(whole(state, at: now).prefix(width)))
    let last = lines.count - 1
    stream.write(
      state.region.drawing(
        lines.enumerated().map { ($0 == last ? style($1, .faint) : $1, $1.count) }, columns: columns))
  }

  /// `[4/9] 2 running, 4 there already, 0:41, about 0:12 left, memory 7.1 GiB of 12.0 GiB`.
  private func whole(_ state: State, at now: ContinuousClock.Instant) -> String {
    var parts = ["\(state.running.count) running"]
    if cached > 0 { parts.append("\(cached) there already") }
    parts.append(Measure.clock((now - started).seconds))
    let running = state.running.mapValues { (spent: (now - $0.started).seconds, share: $0.share) }
    if let left = expectation?.secondsLeft(ended: state.ended, running: running), left >= 1 {
      parts.append("about \(Measure.clock(left)) left")
    }
    if let resident = ProcessMemory.resident {
      parts.append("memory \(Measure.bytes(resident)) of \(Measure.bytes(memory))")
    }
    return "[\(state.ended.count)/\(total)] " + parts.joined(separator: ", ")
  }

  private func meter(_ share: Double) -> String {
    let width = 20
    let full = Int(share * Double(width))
    return String(repeating: "━", count: full) + String(repeating: "─", count: width - full)
  }
}
