/// The room that activations and gradients take: blocks that go back when nobody holds them any more, and are used again.
///
/// A dry memory only counts. The same pass over a dry memory takes and gives back the same blocks in the same order, so
/// what it held at most is what the real pass will hold.
public final class Memory {
  let isDry: Bool
  /// Bytes that were ever taken from the system, and are kept for later.
  public private(set) var peak = 0
  /// Blocks that nobody uses, by the room in them, smallest first.
  private var free: [(capacity: Int, base: UnsafeMutablePointer<Float>)] = []

  public convenience init() { self.init(isDry: false) }

  init(isDry: Bool) { self.isDry = isDry }

  deinit { if !isDry { for block in free { block.base.deallocate() } } }

  /// Room for so many entries, which hold anything.
  func block(_ count: Int) -> Block {
    let wanted = (max(count, 1) + 255) / 256 * 256
    let index = firstFree(atLeast: wanted)
    if index < free.count, free[index].capacity <= wanted + wanted / 2 {
      let (capacity, base) = free.remove(at: index)
      return Block(memory: self, capacity: capacity, floats: Floats(base: base, count: count))
    }
    peak += wanted * 4
    let bytes = isDry ? Memory.nothing : UnsafeMutableRawPointer.allocate(byteCount: wanted * 4, alignment: 64)
    let base = bytes.bindMemory(to: Float.self, capacity: isDry ? 0 : wanted)
    return Block(memory: self, capacity: wanted, floats: Floats(base: base, count: count))
  }

  /// What dry blocks point at; nobody reads it.
  private nonisolated(unsafe) static let nothing = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

  fileprivate func takeBack(_ base: UnsafeMutablePointer<Float>, capacity: Int) {
    free.insert((capacity, base), at: firstFree(atLeast: capacity))
  }

  private func firstFree(atLeast capacity: Int) -> Int {
    var (low, high) = (0, free.count)
    while low < high {
      let middle = (low + high) / 2
      if free[middle].capacity < capacity { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// A piece of a memory, as long as somebody holds it.
final class Block {
  private let memory: Memory
  private let capacity: Int
  let floats: Floats

  fileprivate init(memory: Memory, capacity: Int, floats: Floats) {
    self.memory = memory
    self.capacity = capacity
    self.floats = floats
  }

  deinit { memory.takeBack(floats.base, capacity: capacity) }
}
