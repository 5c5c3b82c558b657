import Dispatch
import Foundation
import Synchronization
import Testing

@testable import Operations

@Suite("Room in memory") struct MemoryRoomTests {
  @Test("is never given twice, but always to what needs all of it")
  func admission() {
    let room = MemoryRoom(limit: 10)
    let state = Mutex((taken: 0, most: 0, done: 0))
    let needs = (0..<200).map { [3, 7, 1, 25, 10][$0 % 5] }
    DispatchQueue.concurrentPerform(iterations: needs.count) { index in
      room.with(needs[index]) {
        state.withLock { state in
          state.taken += needs[index]
          // What is larger than the room is alone in it.
          #expect(state.taken <= 10 || state.taken == 25)
          state.most = max(state.most, state.taken)
        }
        usleep(50)
        state.withLock { state in
          state.taken -= needs[index]
          state.done += 1
        }
      }
    }
    #expect(state.withLock { $0.done } == 200 && state.withLock { $0.most } == 25)
  }

  @Test("is free again after an error")
  func errors() {
    let room = MemoryRoom(limit: 1)
    for _ in 0..<3 {
      #expect(throws: CancellationError.self) { try room.with(5) { throw CancellationError() } }
    }
  }

  @Test("is counted as it is given: the largest needs at once, up to the limit, but a larger one whole")
  func counting() {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    #expect(MemoryRoom.memory([], limit: 100) == 16 << 20)
    #expect(MemoryRoom.memory([5, 900, 7], limit: 100) == (16 << 20) + 900)
    #expect(
      MemoryRoom.memory([Int](repeating: 60, count: 1000), limit: 100) == (16 << 20) + (processors > 1 ? 100 : 60))
    let all = [Int](repeating: 3, count: 10 * processors)
    #expect(MemoryRoom.memory(all, limit: 1 << 40) == (16 << 20) + 3 * processors)
  }
}
