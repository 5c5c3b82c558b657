import Diagnostics
import Tensors

/// What a run of an operation may use besides its slots.
public struct Context: Sendable {
  /// How far a run has come, for people; it changes no result.
  public struct Progress: Sendable {
    public let done: Int
    public let total: Int
    /// What is counted: `steps`, `examples`.
    public let unit: String
    /// A figure worth watching, such as `loss 0.31`; may be empty.
    public let figure: String
  }

  private let report: @Sendable (Progress) -> Void
  private let isCancelled: @Sendable () -> Bool
  private let makeScratch: @Sendable () throws -> String

  public init(
    report: @escaping @Sendable (Progress) -> Void = { _ in }, isCancelled: @escaping @Sendable () -> Bool = { false },
    scratch: @escaping @Sendable () throws -> String
  ) {
    self.report = report
    self.isCancelled = isCancelled
    makeScratch = scratch
  }

  public func progress(_ done: Int, of total: Int, _ unit: String, figure: String = "") {
    report(Progress(done: done, total: total, unit: unit, figure: figure))
  }

  /// The same, for work within a run that is not to be reported on its own.
  public var silent: Context { Context(isCancelled: isCancelled, scratch: makeScratch) }

  /// Call it often: between tensors, batches, candidates.
  /// - Throws: `OperationError` of cause `.interrupted` once the user has stopped the run.
  public func checkCancelled() throws {
    if isCancelled() { throw OperationError(.interrupted, "interrupted") }
  }

  /// An empty folder that is removed after the step.
  public func scratch() throws -> String { try makeScratch() }
}
