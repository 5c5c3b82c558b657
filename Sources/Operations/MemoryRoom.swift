import Foundation

/// Room in memory for what a step works on at once: a decomposition takes many times what its tensor takes, and a large one on
/// every processor would fill any machine.
///
/// - Note: `@unchecked` because `taken` is read and written only while the condition is locked.
public final class MemoryRoom: @unchecked Sendable {
  /// What those worked on at once take together at most; one that needs more is worked on alone.
  public static let bytes = 2 << 30

  private let condition = NSCondition()
  private let limit: Int
  private var taken = 0

  public init(limit: Int = MemoryRoom.bytes) { self.limit = limit }

  /// Does something once there is room for it, and keeps the room as long as that takes.
  public func with<Result>(_ bytes: Int, _ body: () throws -> Result) rethrows -> Result {
    condition.lock()
    while taken > 0 && taken + bytes > limit { condition.wait() }
    taken += bytes
    condition.unlock()
    defer {
      condition.lock()
      taken -= bytes
      condition.broadcast()
      condition.unlock()
    }
    return try body()
  }

  /// What a step holds at its peak whose tensors need these many bytes each, with as many at once as there are processors.
  public static func memory(_ needs: [Int], limit: Int = MemoryRoom.bytes) -> Int {
    let largest = needs.sorted(by: >).prefix(ProcessInfo.processInfo.activeProcessorCount)
    return (16 << 20) + max(largest.first ?? 0, min(limit, largest.reduce(0, +)))
  }
}
