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

/// Does something for each of some sizes on all processors; the largest come first, so that none is left to one thread at
/// the end. Results are in the order of the sizes.
/// - Parameter body: Gets the place of a size.
func largestFirst<Result: Sendable>(
  _ sizes: [Int], isCancelled: @Sendable () -> Bool, _ body: @Sendable (_ index: Int) throws -> Result
) throws -> [Result] {
  let order = sizes.indices.sorted { sizes[$0] == sizes[$1] ? $0 < $1 : sizes[$0] > sizes[$1] }
  let results = try inParallel(order.count, isCancelled: isCancelled) { try body(order[$0]) }
  return zip(order, results).sorted { $0.0 < $1.0 }.map(\.1)
}

private struct ParallelState<Result: Sendable>: Sendable {
  var results: [Result?]
  var failure: (index: Int, error: any Error)?
}
