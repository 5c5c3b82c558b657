import Diagnostics
import Fingerprints
import Operations
import Pages
import Plans
import Recipes
import Registry

/// A plan as people read it.
struct PlanTable {
  let plan: Plan
  /// The recipe as it was named.
  let recipe: String
  /// The command line that does what is planned.
  let apply: String
  /// None where nothing was ever stored.
  let registry: Registry?
  let exports: PlannedExports

  func lines(_ style: Style) throws -> [String] {
    let title = plan.graph.title.isEmpty ? "" : ": \(Renderer.printable(plan.graph.title))"
    var table = Table()
    let rows = try rows()
    for row in rows {
      let step = row.steps[0]
      let (mark, ink) = PlanTable.mark(of: step)
      let count = row.steps.count > 1 ? " × \(row.steps.count)" : ""
      table.add(
        .init(mark, ink),
        .init(Renderer.printable(StepFolding.name(row.steps.map(\.label))), step.isCached ? .faint : .bold),
        .init(step.step.operation + count, step.isCached ? .faint : nil),
        .init(row.reason, step.isCached ? .faint : nil))
    }
    let note =
      rows.count == plan.steps.count
      ? [] : ["", style("Repeated steps are folded; `--json` lists each, `--why STEP` tells of one.", .faint)]
    return ["Plan for \(Renderer.printable(recipe))\(title)"] + table.lines(style) + exportLines(style) + note + [""]
      + counts
  }

  /// One line of the table: a step, or several that are in the same state for the same reason.
  private typealias Row = (steps: [PlannedStep], reason: String)

  private func rows() throws -> [Row] {
    let whole: [Row] = try plan.steps.map { ([$0], try reason(of: $0)) }
    guard whole.count > GraphFolding.threshold else { return whole }
    var places: [[String]: Int] = [:]
    var rows: [Row] = []
    for (steps, reason) in whole {
      let step = steps[0]
      let key = [step.step.operation, StepFolding.family(step.label), step.stateName, alike(reason, step)]
      if let place = places[key] {
        rows[place].steps.append(step)
      } else {
        places[key] = rows.count
        rows.append(([step], reason))
      }
    }
    return rows.map { row in row.steps.count == 1 ? row : (row.steps, folded(row)) }
  }

  /// What the reasons of folded steps have in common.
  private func alike(_ reason: String, _ step: PlannedStep) -> String {
    switch step.state {
    case .cached: ""
    case .runs: reason
    case .undecided: StepFolding.family(reason)
    }
  }

  /// The reason of several steps in one.
  private func folded(_ row: Row) -> String {
    let runs = row.steps.compactMap { if case .cached(let run) = $0.state { run.id } else { nil } }
    guard let first = runs.min(), let last = runs.max() else { return alike(row.reason, row.steps[0]) }
    return first == last ? "there, from run \(first)" : "there, from runs \(first) to \(last)"
  }

  private static func mark(of step: PlannedStep) -> (String, Style.Ink) {
    switch step.state {
    case .cached: ("=", .faint)
    case .runs(.changed): ("~", .yellow)
    case .runs: ("+", .green)
    case .undecided: ("?", .cyan)
    }
  }

  private func reason(of step: PlannedStep) throws -> String {
    switch step.state {
    case .cached(let run): "there, from run \(run.id)"
    case .runs(let reason): Renderer.printable(reason.text) + (try cause(of: reason).map { " (\($0))" } ?? "")
    case .undecided(let id): "depends on `\(Renderer.printable(plan.graph.origins[id.index].label))`"
    }
  }

  /// Where an input is all that has changed: what made it another one, in the step that it comes from.
  private func cause(of reason: Reason) throws -> String? {
    guard case .changed(let changes, _) = reason, let first = changes.first, first.role == .input, let registry,
      let old = first.old.flatMap({ Digest($0) }), let new = first.new.flatMap({ Digest($0) }),
      let divergence = try Divergence.find(old, new, in: registry),
      let change = divergence.comparison.changes.first
    else { return nil }
    // A result may have had another name in the recipe that made it.
    let label = plan.steps.first { $0.artifact == divergence.new.output }?.label ?? divergence.new.label
    return "`\(Renderer.printable(label))`: \(Renderer.printable(change.sentence))"
  }

  private func exportLines(_ style: Style) -> [String] {
    var table = Table()
    for case .export(let export) in plan.goals {
      let labels = StepFolding.names(export.steps.map { plan.graph.origins[$0.index].label })
      table.add(
        .init("→"), .init(Renderer.printable(export.path), .bold),
        .init(Renderer.printable(labels.joined(separator: ", ")), .faint),
        .init(exports.isOccupied(export.path) ? "there already; `--force` replaces it if it differs" : "", .yellow))
    }
    return table.lines(style)
  }

  private var counts: [String] {
    let tally = plan.tally
    guard tally.toRun + tally.undecided > 0 else {
      let nothing = "Nothing to run: all \(Measure.count(tally.cached, "step")) are there already"
      let are = exports.missing == 1 ? "is" : "are"
      return exports.missing == 0
        ? ["\(nothing)."]
        : ["\(nothing); \(Measure.count(exports.missing, "export")) \(are) to be written.", "Next: \(apply)"]
    }
    let amounts = [
      ("read", plan.toRun.reduce(0) { $0 + $1.bytesRead }), ("write", plan.toRun.reduce(0) { $0 + $1.bytesWritten }),
      ("hold at most", plan.toRun.map(\.memory).max() ?? 0),
    ]
    let known = amounts.filter { $0.1 > 0 }.map { "\($0.0) \(Measure.bytes($0.1))" }.joined(separator: ", ")
    let sizes = known.isEmpty ? "" : " It will \(known)."
    let time = expectedTime.map { [$0] } ?? []
    return [
      "To run \(tally.toRun), there already \(tally.cached), undecided \(tally.undecided).\(sizes)"
    ] + time + ["Next: \(apply)"]
  }

  /// How long it takes, as a sentence; nil where that is not known, or not worth saying.
  private var expectedTime: String? {
    guard let seconds = plan.expectedSeconds, seconds.upperBound >= 10 else { return nil }
    let ends = [Measure.duration(seconds.lowerBound), Measure.duration(seconds.upperBound)]
    return
      "By the last runs of these steps, that takes \(ends[0] == ends[1] ? "about \(ends[0])" : "\(ends[0]) to \(ends[1])")."
  }
}

extension Plan {
  /// How many steps will run, are there already, or depend on what others give.
  var tally: (toRun: Int, cached: Int, undecided: Int) {
    var tally = (toRun: 0, cached: 0, undecided: 0)
    for step in steps {
      switch step.state {
      case .cached: tally.cached += 1
      case .runs: tally.toRun += 1
      case .undecided: tally.undecided += 1
      }
    }
    return tally
  }
}
