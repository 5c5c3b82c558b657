import Diagnostics
import Dispatch
import Synchronization

/// Does something for each number below `count`, on all processors; the results are in order.
///
/// After an error nothing further is begun, and the error of the lowest number is thrown: the same one whatever the
/// timing.
/// - Throws: what `body` throws; `OperationError` of cause `.interrupted` once cancelled.
func inParallel<Result: Sendable>(
  _ count: Int, isCancelled: @Sendable () -> Bool, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  let state = Mutex(ParallelState(results: [Result?](repeating: nil, count: count)))
  DispatchQueue.concurrentPerform(iterations: count) { index in
    // Numbers are begun in order, so all below a failing one have begun and will be heard.
    guard state.withLock({ $0.failure.map { $0.index > index } ?? true }) else { return }
    do {
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      let result = try body(index)
      state.withLock { $0.results[index] = result }
    } catch {
      state.withLock { state in
        if let failure = state.failure, failure.index < index { return }
        state.failure = (index, error)
      }
    }
  }
  return try state.withLock { state in
    if let failure = state.failure { throw failure.error }
    return state.results.compactMap { $0 }
  }
}

private struct ParallelState<Result: Sendable>: Sendable {
  var results: [Result?]
  var failure: (index: Int, error: any Error)?
}
