extension BytePairs {
  /// A word while its tokens are joined.
  struct Symbols {
    private var ids: [Int32] = []
    private var lengths: [Int32] = []
    /// For each symbol the rule that joins it with the next.
    private var rules: [UInt64] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap: [UInt64] = []

    /// Words of more symbols are joined with a heap.
    static let mostForScan = 40

    mutating func removeAll() {
      ids.removeAll(keepingCapacity: true)
      lengths.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    mutating func append(_ id: Int32, _ length: Int32) {
      ids.append(id)
      lengths.append(length)
    }

    /// Tokens in order. Their bytes are counted on from length to length.
    func emit(_ pieces: inout [Piece]) {
      var offset: Int32 = 0
      for index in ids.indices where lengths[index] >= 0 {
        pieces.append(Piece(id: ids[index], start: offset, end: offset + lengths[index]))
        offset += lengths[index]
      }
    }

    mutating func merge(_ merges: Merges) {
      if ids.count <= Self.mostForScan { scan(merges) } else { mergeWithHeap(merges) }
    }

    /// Looks for the best rule again and again: for words as they are, nothing is faster.
    private mutating func scan(_ merges: Merges) {
      guard ids.count > 1 else { return }
      rules.removeAll(keepingCapacity: true)
      for index in 0..<ids.count - 1 { rules.append(merges.rule(ids[index], ids[index + 1])) }
      while true {
        var best = Merges.none
        var place = 0
        for index in 0..<rules.count where rules[index] < best {
          best = rules[index]
          place = index
        }
        guard best != Merges.none else { return }
        ids[place] = Int32(truncatingIfNeeded: best & 0xFFFF_FFFF)
        lengths[place] += lengths[place + 1]
        ids.remove(at: place + 1)
        lengths.remove(at: place + 1)
        rules.remove(at: place)
        if place < rules.count { rules[place] = merges.rule(ids[place], ids[place + 1]) }
        if place > 0 { rules[place - 1] = merges.rule(ids[place - 1], ids[place]) }
      }
    }

    /// Keeps what may be joined in a heap by rank and place, and the symbols in a list: for whole texts without spaces.
    private mutating func mergeWithHeap(_ merges: Merges) {
      let count = ids.count
      next = (0..<count).map { $0 + 1 < count ? Int32($0 + 1) : -1 }
      previous = (0..<count).map { Int32($0 - 1) }
      heap.removeAll(keepingCapacity: true)
      func push(_ left: Int, _ right: Int) {
        let rule = merges.rule(ids[left], ids[right])
        if rule != Merges.none { insert(rule & ~0xFFFF_FFFF | UInt64(left)) }
      }
      for index in 0..<count - 1 { push(index, index + 1) }
      while let top = removeLeast() {
        let left = Int(top & 0xFFFF_FFFF)
        guard lengths[left] >= 0, case let right = Int(next[left]), right >= 0 else { continue }
        let rule = merges.rule(ids[left], ids[right])
        // What was pushed before a neighbour changed is no longer meant.
        guard rule != Merges.none, rule >> 32 == top >> 32 else { continue }
        ids[left] = Int32(truncatingIfNeeded: rule & 0xFFFF_FFFF)
        lengths[left] += lengths[right]
        lengths[right] = -1
        next[left] = next[right]
        if next[left] >= 0 {
          previous[Int(next[left])] = Int32(left)
          push(left, Int(next[left]))
        }
        if previous[left] >= 0 { push(Int(previous[left]), left) }
      }
    }

    private mutating func insert(_ value: UInt64) {
      heap.append(value)
      var index = heap.count - 1
      while index > 0, case let parent = (index - 1) / 2, heap[parent] > value {
        heap[index] = heap[parent]
        index = parent
      }
      heap[index] = value
    }

    private mutating func removeLeast() -> UInt64? {
      guard let least = heap.first else { return nil }
      let value = heap.removeLast()
      guard !heap.isEmpty else { return least }
      var index = 0
      while case var child = 2 * index + 1, child < heap.count {
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < value else { break }
        heap[index] = heap[child]
        index = child
      }
      heap[index] = value
      return least
    }
  }
}
