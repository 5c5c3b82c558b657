import Diagnostics
import Fingerprints
import Operations
import Recipes
import Registry

/// Works out which steps of a graph are there already, which will run, and why.
///
/// Planning and applying share this: the runner asks for the same keys in the same way.
public struct Planner: Sendable {
  let graph: Graph
  /// The recipe's path, under which its runs are remembered.
  let recipe: String
  let catalog: Catalog
  /// None where nothing was ever stored: then everything is new.
  let registry: Registry?
  /// Whether inputs of which nothing is known are hashed by the step that reads them, and not by the plan.
  let hashesLate: Bool
  let isCancelled: @Sendable () -> Bool

  public init(
    graph: Graph, recipe: String, catalog: Catalog, registry: Registry?, hashesLate: Bool = false,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.graph = graph
    self.recipe = recipe
    self.catalog = catalog
    self.registry = registry
    self.hashesLate = hashesLate
    self.isCancelled = isCancelled
  }

  /// Makes the plan. Reads headers and fingerprints inputs; runs nothing.
  ///
  /// - Parameter targets: What the recipe calls the values that are wanted; empty for all that it exports and requires.
  /// - Throws: `PlanningError` with everything that can be known to fail before anything runs, `OperationError`.
  public func plan(targets: [String] = []) throws -> Plan {
    let roots = targets.isEmpty ? graph.goals.flatMap(\.dependencies) : try targetSteps(targets)
    let needed = graph.steps(neededBy: roots) { _ in false }
    var draft = Draft(mayBeHashedLate: try hashesLate ? stepsReadOnce(among: needed, roots) : [])
    for id in needed {
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      examine(id, in: &draft)
    }
    if let cause = draft.cause { throw PlanningError(diagnostics: draft.diagnostics, cause: cause) }
    let found = Dictionary(uniqueKeysWithValues: draft.found.map { ($0.id, $0) })
    let wanted = Set(graph.steps(neededBy: roots) { found[$0]?.isCached ?? false })
    return Plan(
      graph: graph, steps: draft.found.filter { $0.isCached || wanted.contains($0.id) },
      goals: graph.goals.filter { Set(needed).isSuperset(of: $0.dependencies) }, warnings: draft.warnings)
  }

  private func targetSteps(_ targets: [String]) throws -> [StepID] {
    try targets.flatMap { target in
      let found = graph.origins.indices.filter { graph.origins[$0].isCalled(target) }
      guard !found.isEmpty else {
        throw PlanningError(diagnostics: [.unknownTarget(target, labels: graph.origins.map(\.label))], cause: .usage)
      }
      return found.map { StepID($0) }
    }
  }

  // MARK: One step

  /// What is known so far.
  private struct Draft {
    let mayBeHashedLate: Set<StepID>
    var found: [PlannedStep] = []
    var contents: [StepID: Content] = [:]
    var artifacts: [StepID: Digest] = [:]
    var diagnostics: [Diagnostic] = []
    var warnings: [Diagnostic] = []
    /// Of the first failure.
    var cause: PlanningError.Cause?
    /// The steps that cannot be planned, so that what reads them is not blamed again.
    var failed: Set<StepID> = []
  }

  private func examine(_ id: StepID, in draft: inout Draft) {
    let step = graph[id]
    let origin = graph.origins[id.index]
    guard draft.failed.isDisjoint(with: step.dependencies) else {
      draft.failed.insert(id)
      return
    }
    do {
      draft.found.append(try planned(id, step, origin, in: &draft))
    } catch let error as PlanningError {
      draft.diagnostics += error.diagnostics
      draft.cause = draft.cause ?? error.cause
      draft.failed.insert(id)
    } catch {
      let error = error as? OperationError ?? OperationError(.io, "\(error)")
      draft.diagnostics.append(Diagnostic(error, failing: origin))
      draft.cause = draft.cause ?? .operation(error.cause)
      draft.failed.insert(id)
    }
  }

  private func planned(
    _ id: StepID, _ step: Step, _ origin: StepOrigin, in draft: inout Draft
  ) throws -> PlannedStep {
    let missing = step.dependencies.first { draft.artifacts[$0] == nil }
    let isForeseeable = step.arguments.allSatisfy { argument in
      switch argument {
      case .value: true
      case .steps(let steps): steps.allSatisfy { draft.contents[$0] != nil }
      case .formula(let formula): formula.dependencies.allSatisfy { draft.artifacts[$0] != nil }
      case .function(let function): function.dependencies.allSatisfy { draft.contents[$0] != nil }
      }
    }
    guard isForeseeable else { return undecided(id, step, origin, after: missing ?? id) }
    let contents = draft.contents
    let binding = try StepBinding(step, in: graph, catalog: catalog) { step in
      contents[step].stored
    } field: { step, name in
      contents[step].stored.field(name) ?? .none
    }
    var planned: PlannedStep
    if draft.mayBeHashedLate.contains(id), try isNew(binding) {
      planned = undecided(id, step, origin, after: id)
      planned.isHashedLate = true
    } else if missing == nil, let registry {
      planned = try decided(
        id, step, origin, key(of: binding, artifacts: draft.artifacts, registry: registry), registry)
      if case .cached(let run) = planned.state {
        draft.contents[id] = try registry.content(run.output)
        draft.artifacts[id] = run.output
        return planned
      }
      // What it will give is known, so what only reads it may be there already, and then it need not run for that. Of metrics
      // the numbers are wanted, too.
      if case .runs(.lost(let run)) = planned.state, step.output(binding.entry.signature) != .metrics {
        draft.artifacts[id] = run.output
      }
    } else {
      planned = undecided(id, step, origin, after: missing ?? id)
    }
    planned.bytesRead = binding.inputs.reduce(0) { $0 + contents[$1.step].stored.byteCount }
    try origin.check(step, on: binding.lead)
    let outline = try binding.operation.outline()
    planned.bytesWritten = outline?.bytesToWrite ?? 0
    planned.memory = binding.operation.memory()
    if let warning = try ParentCheck(binding).warning(at: origin) { draft.warnings.append(warning) }
    draft.contents[id] = outline
    return planned
  }

  /// The key of a step whose inputs are there.
  func key(of binding: StepBinding, artifacts: [StepID: Digest], registry: Registry) throws -> StepKey {
    let inputs = binding.inputs.map { slot, step in
      guard let artifact = artifacts[step] else {
        preconditionFailure("a key was asked for before the inputs were there")
      }
      return (slot, artifact)
    }
    let sources = try binding.sources().map { name, path in
      (name, try registry.fingerprint(file: path, isCancelled: isCancelled))
    }
    return StepKey(binding.entry.signature, settings: binding.settings, inputs: inputs, sources: sources)
  }

  func lastRun(_ step: Step, _ origin: StepOrigin) throws -> Run? {
    try registry?.lastRun(operation: step.operation, label: origin.label, recipe: recipe)
  }

  /// A step whose inputs are all there: either it was run on them before, or it will be.
  private func decided(
    _ id: StepID, _ step: Step, _ origin: StepOrigin, _ key: StepKey, _ registry: Registry
  ) throws -> PlannedStep {
    var planned = PlannedStep(id: id, step: step, origin: origin, state: .runs(.new))
    planned.components = key.components
    if let run = try registry.run(key: key.digest) {
      planned.state = .cached(run)
      planned.artifact = run.output
    } else if let last = try lastRun(step, origin) {
      planned.lastSeconds = last.seconds
      let isLost = last.key == key.digest
      planned.state = .runs(isLost ? .lost(last) : .changed(key.changes(since: last), since: last))
    }
    return planned
  }

  /// A step whose inputs are not all there yet: a setting of its own that has changed is worth saying all the same.
  private func undecided(_ id: StepID, _ step: Step, _ origin: StepOrigin, after missing: StepID) -> PlannedStep {
    var planned = PlannedStep(id: id, step: step, origin: origin, state: .runs(.new))
    guard let entry = catalog[step.operation] else { return planned }
    let settings = zip(entry.signature.slots, step.arguments).compactMap {
      slot, argument -> (name: String, value: Value)? in
      guard case .value(let value) = argument, !slot.type.isPath else { return nil }
      return (slot.name, value)
    }
    let key = StepKey(entry.signature, settings: settings, inputs: [], sources: [])
    planned.components = key.components
    guard let last = try? lastRun(step, origin) else { return planned }
    planned.lastSeconds = last.seconds
    let changes = key.changes(since: last).filter { $0.new != nil }
    planned.state = changes.isEmpty ? .undecided(after: missing) : .runs(.changed(changes, since: last))
    return planned
  }
}

extension Content? {
  /// The content of a step that stands before the one in hand.
  fileprivate var stored: Content {
    guard let self else { preconditionFailure("a step was planned before what it reads") }
    return self
  }
}

extension Content {
  /// Bytes that storing it would write: all that is not there yet.
  fileprivate var bytesToWrite: Int {
    tensors.reduce(0) { $0 + ($1.digest == nil && $1.file == nil ? $1.byteCount : 0) }
  }
}

extension Graph {
  /// The steps that some others need, themselves included, in order; what a step `isThere` needs is not looked at.
  func steps(neededBy roots: [StepID], isThere: (StepID) -> Bool) -> [StepID] {
    var needed = Set(roots)
    for index in steps.indices.reversed() where needed.contains(StepID(index)) && !isThere(StepID(index)) {
      needed.formUnion(steps[index].dependencies)
    }
    return steps.indices.map { StepID($0) }.filter(needed.contains)
  }
}
