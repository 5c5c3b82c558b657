import Diagnostics
import Foundation
import Tensors

/// What a run of an operation may use besides its slots.
public struct Context: Sendable {
  /// How far a run has come, for people; it changes no result.
  public struct Progress: Sendable {
    public let done: Int
    public let total: Int
    /// What is counted: `steps`, `examples`.
    public let unit: String
    /// A figure worth watching, where there is one.
    public let figure: Figure?
  }

  /// A number that says how it goes, such as the loss: shown while the step runs, and kept as a curve beside the run.
  public struct Figure: Sendable, Hashable {
    public let name: String
    public let value: Double

    public init(_ name: String, _ value: Double) {
      self.name = name
      self.value = value
    }

    /// `loss 0.31`.
    public var text: String { "\(name) \(String(format: "%.3g", value))" }
  }

  /// Bytes that all running steps together may take, as `--memory` says: what an operation can do in less, it does in less.
  public let memory: Int
  private let report: @Sendable (Progress) -> Void
  private let isCancelled: @Sendable () -> Bool
  private let makeScratch: @Sendable () throws -> String
  private let findUnfinished: @Sendable () throws -> String?

  public init(
    memory: Int = .max, report: @escaping @Sendable (Progress) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false },
    scratch: @escaping @Sendable () throws -> String,
    unfinished: @escaping @Sendable () throws -> String? = { nil }
  ) {
    self.memory = memory
    self.report = report
    self.isCancelled = isCancelled
    makeScratch = scratch
    findUnfinished = unfinished
  }

  public func progress(_ done: Int, of total: Int, _ unit: String, figure: Figure? = nil) {
    report(Progress(done: done, total: total, unit: unit, figure: figure))
  }

  /// The same, for work within a run that is not to be reported on its own.
  public var silent: Context { Context(memory: memory, isCancelled: isCancelled, scratch: makeScratch) }

  /// Call it often: between tensors, batches, candidates.
  /// - Throws: `OperationError` of cause `.interrupted` once the user has stopped the run.
  public func checkCancelled() throws {
    if isCancelled() { throw OperationError(.interrupted, "interrupted") }
  }

  /// A folder that outlives a run which is stopped or killed, and is found again by the next run of the very same step; nil where
  /// nothing is kept. What a run leaves there must not change the result.
  public func unfinished() throws -> String? { try findUnfinished() }

  /// An empty folder that is removed after the step.
  public func scratch() throws -> String { try makeScratch() }
}
