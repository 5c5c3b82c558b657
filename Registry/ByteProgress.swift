import Synchronization

/// Counts the bytes that are done and tells of them; the numbers only grow.
final class ByteProgress: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let tell: @Sendable (_ bytesDone: Int, _ bytesTotal: Int) -> Void

  init(of total: Int, _ tell: @escaping @Sendable (_ bytesDone: Int, _ bytesTotal: Int) -> Void) {
    self.total = total
    self.tell = tell
  }

  func add(_ bytes: Int) {
    done.withLock { done in
      done += bytes
      tell(done, total)
    }
  }
}
