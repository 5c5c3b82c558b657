import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Recipes
import Registry

/// One `apply` of a recipe: runs what its plan says, then sees to what the recipe exports and requires, in its order.
public struct Application: Sendable {
  /// What became of one of the recipe's goals.
  public enum GoalOutcome: Sendable {
    case exported(Exporter.Written)
    case met(Requirement)
    case failed(Diagnostic, exitStatus: Int32)
    /// Something that it needs was not made, or a requirement before it was not met.
    case skipped(Goal)
  }

  public struct Report: Sendable {
    /// The number under which the history knows this apply.
    public let number: Int
    /// How each step that was to run ended, in order.
    public let outcomes: [(id: StepID, outcome: Outcome)]
    public let goals: [GoalOutcome]
    public let seconds: Double
    public let exitStatus: Int32
    /// What each step gave, where it is there.
    public let artifacts: [StepID: Digest]
  }

  let plan: Plan
  let planner: Planner
  let registry: Registry
  let exporter: Exporter

  public init(_ plan: Plan, planner: Planner, registry: Registry, exporter: Exporter) {
    self.plan = plan
    self.planner = planner
    self.registry = registry
    self.exporter = exporter
  }

  /// Checks what can be known to fail before anything runs: formats, places to write to, two exports to one place.
  /// - Throws: `PlanningError`.
  public func check() throws {
    var diagnostics: [Diagnostic] = []
    var cause: PlanningError.Cause?
    var places: [String: Place] = [:]
    for case .export(let export) in plan.goals {
      if let first = places.updateValue(export.place, forKey: export.path) {
        diagnostics.append(.exportedTwice(export, first: first))
        cause = cause ?? .recipe
      }
      do {
        try exporter.check(export, kinds: export.steps.compactMap { plan.graph[$0].kind(in: planner.catalog) })
      } catch let error as OperationError {
        diagnostics.append(Diagnostic(error.message, at: export.place, notes: error.notes, helps: error.helps))
        cause = cause ?? .operation(error.cause)
      }
    }
    if let cause { throw PlanningError(diagnostics: diagnostics, cause: cause) }
    try checkRoom()
  }

  /// Checks that the disk has room for what is known to be written.
  private func checkRoom() throws {
    let bytes = plan.toRun.reduce(0) { $0 + $1.bytesWritten }
    guard let free = freeBytes(under: registry.path), bytes > free else { return }
    let diagnostic = Diagnostic(
      "the disk is too full for this", at: nil,
      notes: ["\(bytes) bytes will be written at least, and \(free) are free where `\(registry.path)` is"],
      helps: ["make room, or keep results on another disk with `--registry DIR`"])
    throw PlanningError(diagnostics: [diagnostic], cause: .operation(.io))
  }

  /// Applies the plan.
  /// - Parameters:
  ///   - recipeText: The recipe as it was read, for the history.
  ///   - command: What does it again, as one would type it.
  /// - Throws: `OperationError` where the registry itself fails.
  public func apply(
    recipeText: String, command: String = "", limits: Runner.Limits, cancellation: Cancellation,
    observe: @escaping @Sendable (RunEvent) -> Void
  ) throws -> Report {
    let started = Date()
    let number = try registry.beginApply(recipe: planner.recipe, text: recipeText, command: command)
    do {
      let runner = Runner(
        plan, planner: planner, registry: registry, exporter: exporter, limits: limits, cancellation: cancellation,
        observe: observe)
      let outcomes = runner.run()
      let ids = plan.steps.map(\.id)
      let artifacts = Dictionary(
        uniqueKeysWithValues: ids.compactMap { id in runner.artifact(of: id).map { (id, $0) } })
      let goals =
        cancellation.isCancelled ? plan.goals.map(GoalOutcome.skipped) : try settle(artifacts, placed: runner.placed)
      let status = cancellation.isCancelled ? 130 : exitStatus(outcomes, goals)
      try registry.finishApply(
        number, status: status == 0 ? .ok : status == 130 ? .interrupted : .failed,
        message: message(outcomes, goals), steps: steps(outcomes))
      return Report(
        number: number, outcomes: outcomes, goals: goals, seconds: Date().timeIntervalSince(started),
        exitStatus: status,
        artifacts: artifacts)
    } catch {
      try? registry.finishApply(number, status: .failed, message: (error as? OperationError)?.message ?? "\(error)")
      throw error
    }
  }

  /// The runs that were made or found, in the plan's order.
  private func steps(_ outcomes: [(id: StepID, outcome: Outcome)]) -> [Apply.Step] {
    let ended = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.id, $0.outcome) })
    return plan.steps.compactMap { planned in
      switch (planned.state, ended[planned.id]) {
      case (.cached(let run), _), (_, .reused(let run)): .init(label: planned.label, run: run.id, reused: true)
      case (_, .ran(let run)): .init(label: planned.label, run: run.id, reused: false)
      default: nil
      }
    }
  }

  // MARK: Goals

  private func settle(_ artifacts: [StepID: Digest], placed: Set<String>) throws -> [GoalOutcome] {
    var isHeld = true
    return try plan.goals.map { goal in
      guard isHeld, goal.dependencies.allSatisfy({ artifacts[$0] != nil }) else { return .skipped(goal) }
      switch goal {
      case .export(let export):
        if placed.contains(export.path) {
          return .exported(.init(path: export.path, wasUpToDate: false, isSampled: true))
        }
        do {
          return .exported(try exporter.export(export, artifacts: export.steps.compactMap { artifacts[$0] }))
        } catch let error as OperationError {
          let diagnostic = Diagnostic(error.message, at: export.place, notes: error.notes, helps: error.helps)
          return .failed(diagnostic, exitStatus: error.exitStatus)
        }
      case .require(let requirement):
        let outcome = try settle(requirement, artifacts)
        if case .failed = outcome { isHeld = false }
        return outcome
      }
    }
  }

  private func settle(_ requirement: Requirement, _ artifacts: [StepID: Digest]) throws -> GoalOutcome {
    let facts = try requirement.formula.dependencies.map { step in
      (step, try artifacts[step].flatMap { try registry.content($0) })
    }
    let contents = Dictionary(uniqueKeysWithValues: facts)
    do {
      let value = try requirement.formula.value { step, name in contents[step]??.field(name) ?? .none }
      if value == .flag(true) { return .met(requirement) }
    } catch let error as OperationError {
      return .failed(Diagnostic(error.message, at: requirement.place, helps: error.helps), exitStatus: 1)
    }
    let values = requirement.formula.metrics.map { step, name in
      let value = contents[step]??.field(name)?.canonical ?? "missing"
      return "`\(plan.graph.origins[step.index].label).\(name)` is \(value)"
    }
    let message = requirement.message ?? "what the recipe requires does not hold"
    return .failed(
      Diagnostic(message, at: requirement.place, label: "this does not hold", notes: values), exitStatus: 1)
  }

  private func exitStatus(_ outcomes: [(id: StepID, outcome: Outcome)], _ goals: [GoalOutcome]) -> Int32 {
    for case (_, .failed(let error)) in outcomes { return error.exitStatus }
    for case .failed(_, let status) in goals { return status }
    return 0
  }

  private func message(_ outcomes: [(id: StepID, outcome: Outcome)], _ goals: [GoalOutcome]) -> String {
    for case (let id, .failed(let error)) in outcomes {
      return "`\(plan.graph.origins[id.index].label)` failed: \(error.message)"
    }
    for case .failed(let diagnostic, _) in goals { return diagnostic.message }
    return ""
  }
}

extension Step {
  /// The kind of what it makes; nil where there is no such operation.
  func kind(in catalog: Catalog) -> ArtifactKind? { catalog[operation].map { output($0.signature) } }
}

extension Diagnostic {
  static func exportedTwice(_ export: Export, first: Place) -> Diagnostic {
    Diagnostic(
      "two exports go to `\(export.path)`", at: export.place, label: "and again here",
      others: [.init(first, "first here")])
  }
}

extension Formula {
  /// The metrics it reads, in order, each once.
  var metrics: [(step: StepID, name: String)] {
    switch self {
    case .value: []
    case .field(let step, let name): [(step, name)]
    case .list(let parts), .call(_, let parts): Formula.distinct(parts.flatMap(\.metrics))
    case .choose(let condition, let then, let otherwise):
      Formula.distinct([condition, then, otherwise].flatMap(\.metrics))
    }
  }

  private static func distinct(_ metrics: [(step: StepID, name: String)]) -> [(step: StepID, name: String)] {
    metrics.enumerated().filter { index, metric in !metrics[..<index].contains { $0 == metric } }.map(\.element)
  }
}
