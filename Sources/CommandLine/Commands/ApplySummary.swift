import Diagnostics
import Fingerprints
import Formats
import Operations
import Plans
import Recipes
import Registry

/// What is said at the end of an apply.
struct ApplySummary {
  let report: Application.Report
  let plan: Plan
  let registry: Registry
  /// The folder that exports landed in, as it was named; none for the working directory.
  let out: String?

  /// What failed, each on its line of the recipe.
  var diagnostics: [Diagnostic] {
    let steps = report.outcomes.compactMap { id, outcome -> Diagnostic? in
      guard case .failed(let error) = outcome else { return nil }
      return Diagnostic(error, failing: plan.graph.origins[id.index])
    }
    let goals = report.goals.compactMap { goal -> Diagnostic? in
      if case .failed(let diagnostic, _) = goal { diagnostic } else { nil }
    }
    return steps + goals
  }

  // MARK: Results

  /// The exports, and the numbers of those that are metrics.
  func results(_ style: Style) throws -> [String] {
    guard !isNothingNew else { return [] }
    var table = Table()
    for case .exported(let written) in report.goals {
      table.add(.init(path(written), .bold), .init(written.wasUpToDate ? "up to date" : "written"))
    }
    let metrics = try MetricsTable(measured).lines(style)
    return table.lines(style, indent: 0) + (metrics.isEmpty || table.rows.isEmpty ? metrics : [""] + metrics)
  }

  /// The facts of all exported metrics, by what the recipe calls them.
  private var measured: [(label: String, facts: JSON)] {
    get throws {
      let steps = zip(plan.goals, report.goals).flatMap { goal, outcome -> [StepID] in
        guard case .export(let export) = goal else { return [] }
        if case .skipped = outcome { return [] }
        return export.steps
      }
      // What is exported in two ways is told once.
      var seen: Set<StepID> = []
      return try steps.filter { seen.insert($0).inserted }.compactMap { id in
        guard let digest = report.artifacts[id], let content = try registry.content(digest), content.kind == .metrics
        else {
          return nil
        }
        return (plan.graph.origins[id.index].label, content.facts)
      }
    }
  }

  private func path(_ written: Exporter.Written) -> String {
    Renderer.printable(out.map { Invocation.join($0, written.path) } ?? written.path)
  }

  // MARK: Remarks

  /// Whether everything was there already, exports included.
  private var isNothingNew: Bool {
    report.outcomes.isEmpty
      && report.goals.allSatisfy { goal in
        switch goal {
        case .exported(let written): written.wasUpToDate
        case .met: true
        case .failed, .skipped: false
        }
      }
  }

  /// How it went, and what to type next.
  func remarks(_ style: Style) -> [String] {
    if isNothingNew {
      let exports = report.goals.filter { if case .exported = $0 { true } else { false } }.count
      let also = exports == 0 ? "" : ", \(Measure.count(exports, "export")) up to date"
      return ["nothing to do: \(Measure.count(plan.steps.count, "step")) there already\(also)"]
    }
    var lines = [counts]
    let ran = report.outcomes.compactMap { id, outcome in
      if case .ran(let run) = outcome { (id: id, seconds: run.seconds) } else { nil }
    }
    let slow = ran.filter { $0.seconds >= 0.5 }.sorted { ($1.seconds, $0.id) < ($0.seconds, $1.id) }.prefix(5)
    if ran.count > 1, !slow.isEmpty {
      let steps = slow.map { "\(Renderer.shortened(label($0.id), to: 24)) \(Measure.duration($0.seconds))" }
      lines.append("slowest: " + steps.joined(separator: ", "))
    }
    switch report.exitStatus {
    case 0:
      lines.append("next: `mergekit log` shows how everything was made")
      if let path = sampled.first {
        let more = sampled.count > 1 ? "; so of \(Measure.count(sampled.count - 1, "other export"))" : ""
        lines.append(
          "of \(path) samples were read again from the disk; `mergekit verify \(path)` reads all of it\(more)")
      }
    case 130: lines.append("stopped; the same command goes on from here")
    default: lines.append("what was finished is kept; once that is mended, the same command goes on from here")
    }
    return lines
  }

  /// The exports that were computed in their places, of which only samples were read again.
  private var sampled: [String] {
    report.goals.compactMap { goal in
      if case .exported(let written) = goal, written.isSampled { path(written) } else { nil }
    }
  }

  private var counts: String {
    var (ran, reused, failed, skipped, interrupted) = (0, 0, 0, 0, 0)
    for (_, outcome) in report.outcomes {
      switch outcome {
      case .ran: ran += 1
      case .reused: reused += 1
      case .failed: failed += 1
      case .skipped: skipped += 1
      case .interrupted: interrupted += 1
      }
    }
    let cached = plan.steps.count - report.outcomes.count
    let saved = plan.steps.reduce(0) { seconds, step in
      if case .cached(let run) = step.state { seconds + run.seconds } else { seconds }
    }
    let there = saved < 1 ? "there already" : "there already, which saved \(Measure.duration(saved))"
    let parts = [
      (ran, "ran in \(Measure.duration(report.seconds))"), (reused, "came out as before"), (cached, there),
      (failed, "failed"), (skipped, "not run because of that"), (interrupted, "not done"),
    ].filter { $0.0 > 0 }
    let texts = parts.enumerated().map { index, part in
      "\(index == 0 ? Measure.count(part.0, "step") : Measure.grouped(part.0)) \(part.1)"
    }
    return "apply \(report.number): " + texts.joined(separator: ", ")
  }

  private func label(_ id: StepID) -> String { Renderer.printable(plan.graph.origins[id.index].label) }

  // MARK: JSON

  func json() throws -> JSON {
    let outcomes = Dictionary(uniqueKeysWithValues: report.outcomes.map { ($0.id, $0.outcome) })
    let steps = plan.steps.map { step in step.json(outcomes[step.id], artifact: report.artifacts[step.id]) }
    let goals = report.goals.map { $0.json(plan.graph, path: path) }
    let metrics = try measured.map { label, facts -> JSON in ["label": .string(label), "facts": facts] }
    return [
      "apply": .integer(report.number), "exit_status": .integer(Int(report.exitStatus)),
      "seconds": .number(report.seconds), "steps": .array(steps), "goals": .array(goals), "metrics": .array(metrics),
    ]
  }
}

extension PlannedStep {
  fileprivate func json(_ outcome: Outcome?, artifact: Digest?) -> JSON {
    var json: JSON = ["label": .string(label), "operation": .string(step.operation)]
    func set(_ name: String, _ value: JSON) { json = json.setting(name, to: value) }
    switch (outcome, state) {
    case (.ran(let run), _):
      set("outcome", "ran")
      set("run", .integer(run.id))
      set("seconds", .number(run.seconds))
    case (.reused(let run), _):
      set("outcome", "reused")
      set("run", .integer(run.id))
    case (.failed(let error), _):
      set("outcome", "failed")
      set("error", .string(error.message))
    case (.skipped, _): set("outcome", "skipped")
    case (.interrupted, _): set("outcome", "interrupted")
    case (nil, .cached(let run)):
      set("outcome", "cached")
      set("run", .integer(run.id))
    case (nil, _): set("outcome", "skipped")
    }
    if let artifact { set("artifact", .string(artifact.description)) }
    return json
  }
}

extension Application.GoalOutcome {
  fileprivate func json(_ graph: Graph, path: (Exporter.Written) -> String) -> JSON {
    switch self {
    case .exported(let written):
      ["goal": "export", "path": .string(path(written)), "outcome": written.wasUpToDate ? "up to date" : "written"]
    case .met(let requirement): ["goal": "require", "condition": .string(requirement.place.text), "outcome": "met"]
    case .failed(let diagnostic, _): ["outcome": "failed", "error": .string(diagnostic.message)]
    case .skipped(.export(let export)): ["goal": "export", "path": .string(export.path), "outcome": "skipped"]
    case .skipped(.require(let requirement)):
      ["goal": "require", "condition": .string(requirement.place.text), "outcome": "skipped"]
    }
  }
}
