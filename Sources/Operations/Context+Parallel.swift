import Dispatch
import Synchronization

extension Context {
  /// What `transform` makes of each element, in their order; several are worked on at once.
  /// - Throws: What the first element that fails throws, or `OperationError` once the user has stopped the run.
  public func map<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ transform: @Sendable (Element) throws -> Result
  ) throws -> [Result] {
    let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: elements.count))
    DispatchQueue.concurrentPerform(iterations: elements.count) { index in
      let result = Swift.Result {
        try checkCancelled()
        return try transform(elements[index])
      }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { $0 }.map { result in
      guard let result else { preconditionFailure("every element was worked on") }
      return try result.get()
    }
  }
}
