import Diagnostics
import Fingerprints
import Foundation
import Operations
import Recipes
import Registry
import Synchronization

/// A step whose inputs nobody has looked at yet: they are hashed while it reads them, so that each is read once. Its key is known only
/// after that, and nothing of it is kept before.
extension Runner {
  func run(_ id: StepID, hashing sources: [StepID]) throws -> (outcome: Outcome, artifact: Digest?) {
    let inputs = UnhashedInputs(self, sources.compactMap(opened))
    do {
      // Those that failed have said why, and what depends on them is skipped.
      guard inputs.opened.count == sources.count else { throw OperationError(.interrupted, "interrupted") }
      for input in inputs.opened { setContent(try inputs.reads.hashing(input.content), of: input.id) }
      let binding = try binding(of: id)
      // Two processes that begin the same step wait for each other by this, as they do by a key.
      let standIn = try key(of: binding, standIns: inputs.standIns).digest
      return try withLock(id, standIn) {
        if try !inputs.opened.contains(where: { try planner.isNew($0.binding) }) {
          try inputs.keep()
          return try runUnlessThere(id)
        }
        return try keep(make(id, binding, unfinished: standIn)) {
          try inputs.keep()
          return try self.key(of: binding)
        }
      }
    } catch {
      // It failed, and they did not.
      if !cancellation.isCancelled { try inputs.keep() }
      throw error
    }
  }

  /// Reads the headers of what a step reads; nil where that failed, and with it all that depends on it.
  private func opened(_ source: StepID) -> MadeStep? {
    observe(.started(source))
    do {
      let binding = try binding(of: source)
      return try make(source, binding, unfinished: planner.standIn(of: binding))
    } catch {
      finish(source, (outcome(of: error), nil))
      return nil
    }
  }
}

/// What one step reads that is hashed meanwhile.
private final class UnhashedInputs: Sendable {
  let opened: [MadeStep]
  let reads: HashedReads
  private let runner: Runner
  private let isKept = Atomic(false)

  init(_ runner: Runner, _ opened: [MadeStep]) {
    (self.runner, self.opened) = (runner, opened)
    reads = HashedReads(runner.registry)
  }

  var standIns: [StepID: Digest] { Dictionary(uniqueKeysWithValues: opened.map { ($0.id, $0.unfinished) }) }

  /// Records each as a step that has run, once and in order; what was not read of them is hashed now.
  /// - Throws: Why one of them cannot be recorded.
  func keep() throws {
    if isKept.exchange(true, ordering: .acquiringAndReleasing) { return }
    try reads.remember()
    var failure: (any Error)?
    for input in opened {
      do {
        runner.finish(input.id, try keep(input))
      } catch {
        runner.finish(input.id, (runner.outcome(of: error), nil))
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  private func keep(_ input: MadeStep) throws -> (outcome: Outcome, artifact: Digest?) {
    let key = try runner.key(of: input.binding)
    return try runner.withLock(input.id, key.digest) {
      if let run = try runner.registry.run(key: key.digest) { return (.reused(run), run.output) }
      var input = input
      // What reads it has taken its own time.
      input.started = Date()
      return try runner.keep(input) { key }
    }
  }
}
