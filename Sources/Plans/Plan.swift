import Diagnostics
import Fingerprints
import Operations
import Recipes
import Registry

/// What a recipe comes to here and now: its steps in order, with what is there already and why the rest runs.
public struct Plan: Sendable {
  public let graph: Graph
  /// The steps that the goals need, each after all that it reads.
  public let steps: [PlannedStep]
  /// The exports and requirements that this plan sees to, in the recipe's order.
  public let goals: [Goal]
  /// What may be done and is likely a mistake.
  public let warnings: [Diagnostic]

  /// The steps that will run, or may have to.
  public var toRun: [PlannedStep] { steps.filter { !$0.isCached } }

  public subscript(id: StepID) -> PlannedStep? { steps.first { $0.id == id } }

  /// How long running it all should take, by how long the steps took the last time: at least as long as the longest chain of steps
  /// that wait for each other, at most as long as one after the other. Nil where a step never ran.
  public var expectedSeconds: ClosedRange<Double>? {
    var (total, longest) = (0.0, 0.0)
    var ends: [StepID: Double] = [:]
    for planned in toRun {
      guard let seconds = planned.lastSeconds else { return nil }
      let end = seconds + (planned.step.dependencies.compactMap { ends[$0] }.max() ?? 0)
      ends[planned.id] = end
      total += seconds
      longest = max(longest, end)
    }
    return min(longest, total)...total
  }
}

/// A step of a plan and its state.
public struct PlannedStep: Sendable, Identifiable {
  public enum State: Sendable {
    /// The result is there, from an earlier run.
    case cached(Run)
    /// It will run, for these reasons.
    case runs(Reason)
    /// It depends on a step that will run: if that comes out as it did before, this is there already.
    case undecided(after: StepID)
  }

  public let id: StepID
  public let step: Step
  public let origin: StepOrigin
  public internal(set) var state: State
  /// The digest of what it gives, where it is there already.
  public internal(set) var artifact: Digest?
  /// Bytes that a run reads, writes and holds, as far as headers tell.
  public internal(set) var bytesRead = 0
  public internal(set) var bytesWritten = 0
  public internal(set) var memory = 0
  /// How long its last run took; nil where there is none to go by.
  public internal(set) var lastSeconds: Double?
  /// Whether it reads files of which nothing is known, and they are hashed by the one step that reads what it gives.
  public internal(set) var isHashedLate = false
  /// All that decides it, as far as that is known before anything runs: what it reads of steps that will run is not among them.
  public internal(set) var components: [Run.Component] = []

  public var label: String { origin.label }

  public var isCached: Bool { if case .cached = state { true } else { false } }
}

/// Why a step runs.
public enum Reason: Sendable, Hashable {
  /// Nothing like it was ever run.
  case new
  /// It differs from its last run in these components.
  case changed([Change], since: Run)
  /// It was run, but what it gave is no longer there.
  case lost(Run)

  /// One component of a key, then and now.
  public struct Change: Sendable, Hashable {
    public let role: Run.Component.Role
    public let name: String
    /// Nil where it was not there.
    public let old: String?
    public let new: String?
  }
}

extension Reason {
  /// The reason as plans print it: `samples: 2048 → 4096`.
  public var text: String {
    switch self {
    case .new: "no earlier result for this step"
    case .lost(let run): "the result of run \(run.id) is no longer there"
    case .changed(let changes, _):
      changes.isEmpty ? "the key is made another way" : changes.map(\.text).joined(separator: ", ")
    }
  }
}

extension Reason.Change {
  public var text: String {
    switch role {
    case .operation: "operation: \(old ?? "none") → \(new ?? "none")"
    case .version: "`\(name)` is version \(new ?? "?") now, it was \(old ?? "?")"
    case .parameter: "\(name): \(old ?? "none") → \(new ?? "none")"
    case .input:
      if old == nil {
        "`\(name)` was added"
      } else if new == nil {
        "`\(name)` was taken away"
      } else {
        "`\(name)` changed"
      }
    case .source:
      if old == nil {
        "`\(name)` is new on disk"
      } else if new == nil {
        "`\(name)` is gone from disk"
      } else {
        "`\(name)` changed on disk"
      }
    }
  }
}
