import Diagnostics
import Dispatch
import Fingerprints
import Foundation
import Operations
import Recipes
import Registry
import Synchronization

/// Runs a plan's steps: as many at once as there are jobs and as fit into memory.
///
/// A failing step stops what depends on it and nothing else. All state lives behind one lock; steps run on one concurrent queue.
public final class Runner: Sendable {
  public struct Limits: Sendable {
    /// Steps that run at the same time.
    public var jobs: Int
    /// Bytes that running steps may hold together; a step that alone needs more runs alone.
    public var memory: Int

    public init(jobs: Int, memory: Int) {
      self.jobs = jobs
      self.memory = memory
    }
  }

  private let plan: Plan
  let planner: Planner
  let registry: Registry
  private let limits: Limits
  private let schedule: Schedule
  let cancellation: Cancellation
  let observe: @Sendable (RunEvent) -> Void
  private let exporter: Exporter
  /// The exports that large results go straight into, by the step that makes them.
  private let places: [StepID: Export]

  private let workers = DispatchQueue(label: "mergekit.steps", attributes: .concurrent)
  private let allDone = DispatchGroup()
  private let state: Mutex<State>

  private struct State {
    /// What each step still waits for.
    var waits: [StepID: Int]
    /// In the plan's order.
    var ready: [StepID]
    var running: [StepID: Int] = [:]
    /// How often each value will still be read.
    var readers: [StepID: Int]
    var contents: [StepID: Content] = [:]
    var artifacts: [StepID: Digest]
    var outcomes: [StepID: Outcome] = [:]
    /// The paths of the exports that were computed in their places.
    var placed: Set<String> = []

    var memoryInUse: Int { running.values.reduce(0, +) }
  }

  public init(
    _ plan: Plan, planner: Planner, registry: Registry, exporter: Exporter, limits: Limits,
    cancellation: Cancellation, observe: @escaping @Sendable (RunEvent) -> Void
  ) {
    self.plan = plan
    self.planner = planner
    self.registry = registry
    self.limits = limits
    self.cancellation = cancellation
    self.observe = observe
    self.exporter = exporter
    places = Self.places(plan)
    let schedule = Schedule(plan)
    self.schedule = schedule
    let artifacts = plan.steps.compactMap { step in step.artifact.map { (step.id, $0) } }
    state = Mutex(
      State(
        waits: schedule.waits, ready: schedule.order.filter { schedule.waits[$0] == 0 }, readers: schedule.readers,
        artifacts: Dictionary(uniqueKeysWithValues: artifacts)))
  }

  /// Runs until everything is done, has failed or was stopped; returns how each step that was to run ended, in order.
  public func run() -> [(id: StepID, outcome: Outcome)] {
    launchReady()
    allDone.wait()
    let outcomes = state.withLock(\.outcomes)
    return schedule.order.map { ($0, outcomes[$0] ?? .interrupted) }
  }

  /// The artifact of a step, once it is there.
  public func artifact(of step: StepID) -> Digest? { state.withLock { $0.artifacts[step] } }

  /// The paths of the exports that were computed in their places.
  public var placed: Set<String> { state.withLock(\.placed) }

  /// What a requirement could hold back is not exported before it is met.
  private static func places(_ plan: Plan) -> [StepID: Export] {
    var places: [StepID: Export] = [:]
    for goal in plan.goals {
      guard case .export(let export) = goal else { break }
      if let step = export.steps.first, !export.isList, places[step] == nil { places[step] = export }
    }
    return places
  }

  // MARK: Scheduling

  private func launchReady() {
    let launched = state.withLock { state in
      var launched: [StepID] = []
      while !cancellation.isCancelled, state.running.count < limits.jobs, let next = state.ready.first {
        let memory = plan[next]?.memory ?? 0
        guard state.running.isEmpty || state.memoryInUse + memory <= limits.memory else { break }
        state.ready.removeFirst()
        state.running[next] = memory
        launched.append(next)
      }
      return launched
    }
    for step in launched {
      allDone.enter()
      workers.async { [self] in
        observe(.started(step))
        let result = perform(step)
        Machine.giveBackFreedMemory()
        finish(step, result)
        launchReady()
        allDone.leave()
      }
    }
  }

  func finish(_ step: StepID, _ result: (outcome: Outcome, artifact: Digest?)) {
    let skipped: [StepID]? = state.withLock { state in
      state.running[step] = nil
      // It is skipped already where one of its inputs, which ran with it, failed.
      guard state.outcomes[step] == nil else { return nil }
      state.outcomes[step] = result.outcome
      for read in Set(plan.graph[step].dependencies) {
        state.readers[read, default: 1] -= 1
        if state.readers[read] == 0 { state.contents[read] = nil }
      }
      guard let artifact = result.artifact else { return skipAll(after: step, &state) }
      state.artifacts[step] = artifact
      for dependant in schedule.dependants[step, default: []] where state.outcomes[dependant] == nil {
        state.waits[dependant, default: 1] -= 1
        if state.waits[dependant] == 0 { state.ready.append(dependant) }
      }
      state.ready.sort()
      return []
    }
    guard let skipped else { return }
    observe(.ended(step, result.outcome))
    for step in skipped.sorted() { observe(.ended(step, state.withLock { $0.outcomes[step] } ?? .interrupted)) }
  }

  /// Marks everything that depends on a step as skipped.
  private func skipAll(after failed: StepID, _ state: inout State) -> [StepID] {
    guard case .failed = state.outcomes[failed] else { return [] }
    var skipped: [StepID] = []
    var waiting = schedule.dependants[failed, default: []]
    while let step = waiting.popLast() {
      guard state.outcomes[step] == nil else { continue }
      state.outcomes[step] = .skipped(because: failed)
      skipped.append(step)
      // What was to run with it runs by itself.
      if state.running[step] == nil { state.ready += schedule.hashedLate[step, default: []] }
      waiting += schedule.dependants[step, default: []]
    }
    return skipped
  }

  // MARK: One step

  private func perform(_ id: StepID) -> (outcome: Outcome, artifact: Digest?) {
    do {
      let unhashed = schedule.hashedLate[id, default: []]
      return try unhashed.isEmpty ? runUnlessThere(id) : run(id, hashing: unhashed)
    } catch {
      return (outcome(of: error), nil)
    }
  }

  func outcome(of error: any Error) -> Outcome {
    guard let error = error as? OperationError else { return .failed(OperationError(.io, "\(error)")) }
    return error.cause == .interrupted ? .interrupted : .failed(error)
  }

  /// Runs a step all of whose inputs are known, or finds what it gives.
  func runUnlessThere(_ id: StepID) throws -> (outcome: Outcome, artifact: Digest?) {
    let binding = try binding(of: id)
    let key = try key(of: binding)
    if let run = try registry.run(key: key.digest) { return (.reused(run), run.output) }
    return try withLock(id, key.digest) {
      if let run = try registry.run(key: key.digest) { return (.reused(run), run.output) }
      return try keep(make(id, binding, unfinished: key.digest)) { key }
    }
  }

  func withLock<Result>(_ id: StepID, _ key: Digest, _ body: () throws -> Result) throws -> Result {
    try registry.withLock(
      key: key, waiting: { observe(.waiting(id, $0)) }, isCancelled: { cancellation.isCancelled }, body)
  }

  /// Runs a step's operation.
  /// - Parameter key: Under this it keeps how far it has come.
  func make(_ id: StepID, _ binding: StepBinding, unfinished key: Digest) throws -> MadeStep {
    let started = Date()
    let scratch = Scratch()
    let recorder = CurveRecorder()
    let context = Context(
      memory: limits.memory,
      report: { progress in
        recorder.add(progress)
        self.observe(.progress(id, progress))
      }, isCancelled: { self.cancellation.isCancelled },
      scratch: { try scratch.folder() }, unfinished: { try self.registry.unfinishedFolder(key: key) })
    let made = try binding.operation.run(context)
    return MadeStep(
      id: id, binding: binding, content: made.content, started: started, curve: recorder, scratch: scratch,
      unfinished: key)
  }

  /// Stores what a step gives, and records it.
  /// - Parameter key: Asked once the result is computed; more than once then.
  func keep(
    _ made: MadeStep, key: @escaping @Sendable () throws -> StepKey
  ) throws -> (outcome: Outcome, artifact: Digest?) {
    let (id, signature) = (made.id, made.binding.entry.signature)
    let run = { @Sendable (output: Digest) in
      let key = try key()
      let artifacts = self.state.withLock(\.artifacts)
      let inputs = made.binding.inputs.compactMap { slot, step in
        artifacts[step].map { Run.Input(slot: slot, artifact: $0) }
      }
      return Run(
        key: key.digest, operation: signature.name, version: signature.version,
        label: self.plan.graph.origins[id.index].label, recipe: self.planner.recipe, components: key.components,
        inputs: inputs, output: output, started: made.started, seconds: Date().timeIntervalSince(made.started),
        environment: Machine.environment, curve: made.curve.curve)
    }
    let stored = try store(made.content, of: id, by: run)
    setContent(stored.content, of: id)
    defer { registry.removeUnfinished(key: made.unfinished) }
    let recorded = try registry.record(run(stored.digest))
    return (.ran(recorded), recorded.output)
  }

  private func store(
    _ content: Content, of id: StepID, by run: @escaping @Sendable (_ output: Digest) throws -> Run
  ) throws -> (digest: Digest, content: Content) {
    let export = places[id]
    let placement = try export.flatMap { try exporter.placement(for: $0, content, by: run) }
    let stored = try registry.store(
      content, placement: placement, progress: { self.observe(.storing(id, done: $0, total: $1)) },
      isCancelled: { self.cancellation.isCancelled })
    if stored.isPlaced, let export {
      try exporter.recordPlaced(export, stored.content, artifact: stored.digest)
      state.withLock { _ = $0.placed.insert(export.path) }
    }
    return (stored.digest, stored.content)
  }

  // MARK: What a step reads

  func binding(of id: StepID) throws -> StepBinding {
    try StepBinding(plan.graph[id], in: plan.graph, catalog: planner.catalog) { step in
      try content(of: step)
    } field: { step, name in
      try content(of: step).field(name) ?? .none
    }
  }

  /// - Parameter standIns: For the artifacts of inputs that are not known yet.
  func key(of binding: StepBinding, standIns: [StepID: Digest] = [:]) throws -> StepKey {
    let artifacts = state.withLock(\.artifacts).merging(standIns) { known, _ in known }
    return try planner.key(of: binding, artifacts: artifacts, registry: registry)
  }

  func setContent(_ content: Content, of id: StepID) { state.withLock { $0.contents[id] = content } }

  private func content(of step: StepID) throws -> Content {
    let (content, artifact) = state.withLock { ($0.contents[step], $0.artifacts[step]) }
    if let content { return content }
    guard let artifact else { preconditionFailure("a step ran before what it reads") }
    guard let stored = try registry.content(artifact) else {
      throw OperationError(
        .corrupt, "the result of `\(plan.graph.origins[step.index].label)` is no longer in the registry",
        helps: ["`mergekit apply` again makes what is missing anew"])
    }
    state.withLock { $0.contents[step] = stored }
    return stored
  }
}

/// A step whose operation has run, and whose result is not kept yet.
struct MadeStep: Sendable {
  let id: StepID
  let binding: StepBinding
  let content: Content
  var started: Date
  let curve: CurveRecorder
  /// Goes when this does.
  let scratch: Scratch
  let unfinished: Digest
}
