extension BLAKE3 {
  static let chunkLength = 1024
  static let blockLength = 64

  /// Eight words that stand for a subtree.
  typealias ChainingValue = SIMD8<UInt32>

  /// A compression that has not been done yet, because the root's is done with a flag of its own.
  struct Node {
    let value: ChainingValue
    let block: SIMD16<UInt32>
    let counter: UInt64
    let length: UInt32
    let flags: UInt32

    var chainingValue: ChainingValue {
      BLAKE3.compress(value, block, counter: counter, length: length, flags: flags)
    }

    var digest: Digest {
      Digest(littleEndian: BLAKE3.compress(value, block, counter: counter, length: length, flags: flags | BLAKE3.root))
    }
  }

  /// The subtree of one batch at most, of bytes that begin with chunk `firstChunk`.
  ///
  /// Chaining values are joined in pairs, level by level; an odd last one goes up as it is. That is the same tree as the
  /// definition's, which cuts the largest complete subtree off the left.
  static func node(of bytes: UnsafeRawBufferPointer, firstChunk: UInt64) -> Node {
    guard bytes.count > chunkLength else { return node(ofChunk: bytes, number: firstChunk) }
    let capacity = (bytes.count + chunkLength - 1) / chunkLength
    return withUnsafeTemporaryAllocation(of: ChainingValue.self, capacity: capacity) { values in
      var count = leaves(of: bytes, firstChunk: firstChunk, into: values)
      while count > 2 {
        joinPairs(values, count / 2)
        if count % 2 == 1 { values[count / 2] = values[count - 1] }
        count = (count + 1) / 2
      }
      return Node(values[0], values[1])
    }
  }

  static func chainingValue(of bytes: UnsafeRawBufferPointer, firstChunk: UInt64) -> ChainingValue {
    node(of: bytes, firstChunk: firstChunk).chainingValue
  }

  /// Writes the chaining values of all chunks, as many together as there are lanes, and returns their number.
  private static func leaves(
    of bytes: UnsafeRawBufferPointer, firstChunk: UInt64, into values: UnsafeMutableBufferPointer<ChainingValue>
  ) -> Int {
    var count = 0
    while (count + lanes) * chunkLength <= bytes.count, let base = bytes.baseAddress, let target = values.baseAddress {
      chainingValues(ofChunks: base + count * chunkLength, firstChunk: firstChunk + UInt64(count), into: target + count)
      count += lanes
    }
    while count * chunkLength < bytes.count {
      let chunk = bytes[(count * chunkLength)...].prefix(chunkLength)
      let node = node(ofChunk: UnsafeRawBufferPointer(rebasing: chunk), number: firstChunk + UInt64(count))
      values.initializeElement(at: count, to: node.chainingValue)
      count += 1
    }
    return count
  }

  /// Replaces the first 2 · `count` values by their `count` parents.
  private static func joinPairs(_ values: UnsafeMutableBufferPointer<ChainingValue>, _ count: Int) {
    var done = 0
    while done + lanes <= count, let base = values.baseAddress {
      chainingValues(ofPairs: base + 2 * done, into: base + done)
      done += lanes
    }
    // Few are joined together too, with whatever is in the other lanes.
    if count - done > 2 {
      withUnsafeTemporaryAllocation(of: ChainingValue.self, capacity: 2 * lanes) { pairs in
        pairs.initialize(repeating: initial)
        for index in 0..<2 * (count - done) { pairs[index] = values[2 * done + index] }
        if let base = pairs.baseAddress { chainingValues(ofPairs: base, into: base) }
        for index in done..<count { values[index] = pairs[index - done] }
      }
      return
    }
    for index in done..<count { values[index] = Node(values[2 * index], values[2 * index + 1]).chainingValue }
  }

  /// One chunk of at most 1,024 bytes, block by block; the last block is the node.
  static func node(ofChunk chunk: UnsafeRawBufferPointer, number: UInt64) -> Node {
    let last = max(0, chunk.count - 1) / blockLength
    var value = initial
    for index in 0...last {
      let bytes = chunk[(index * blockLength)...].prefix(blockLength)
      var block = SIMD16<UInt32>()
      withUnsafeMutableBytes(of: &block) { $0.copyBytes(from: bytes) }
      let flags = (index == 0 ? chunkStart : 0) | (index == last ? chunkEnd : 0)
      let node = Node(value: value, block: block, counter: number, length: UInt32(bytes.count), flags: flags)
      if index == last { return node }
      value = node.chainingValue
    }
    preconditionFailure("a chunk has a last block")
  }
}

extension BLAKE3.Node {
  /// The parent of two subtrees.
  init(_ left: BLAKE3.ChainingValue, _ right: BLAKE3.ChainingValue) {
    self.init(
      value: BLAKE3.initial, block: SIMD16(lowHalf: left, highHalf: right), counter: 0,
      length: UInt32(BLAKE3.blockLength), flags: BLAKE3.parent)
  }
}
