extension BLAKE3 {
  /// How many chunks are compressed at once: as many words as the vectors that every processor of the kind has.
  static let lanes = 4

  private typealias Lanes = SIMD4<UInt32>

  /// The chaining values of `lanes` full chunks that lie behind one another; each lane does what `chainingValue(ofChunk:)` does.
  static func chainingValues(ofChunks chunks: UnsafeRawBufferPointer, first number: UInt64) -> [ChainingValue] {
    precondition(chunks.count == lanes * chunkLength, "a group is \(lanes) full chunks")
    let counters = (0..<UInt64(lanes)).map { number + $0 }
    let low = Lanes(counters.map { UInt32(truncatingIfNeeded: $0) })
    let high = Lanes(counters.map { UInt32(truncatingIfNeeded: $0 >> 32) })
    return withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 8 + 16) { memory in
      let value = UnsafeMutableBufferPointer(rebasing: memory[..<8])
      let words = UnsafeMutableBufferPointer(rebasing: memory[8...])
      for index in 0..<8 { value[index] = Lanes(repeating: initial[index]) }
      for block in 0..<16 {
        for word in 0..<16 {
          let offset = block * blockLength + word * 4
          words[word] = Lanes(
            load(chunks, offset), load(chunks, offset + chunkLength), load(chunks, offset + 2 * chunkLength),
            load(chunks, offset + 3 * chunkLength))
        }
        let flags: Flags = block == 0 ? .chunkStart : block == 15 ? .chunkEnd : []
        compress(value, words, low, high, flags)
      }
      return (0..<lanes).map { lane in
        var result = ChainingValue()
        for index in 0..<8 { result[index] = value[index][lane] }
        return result
      }
    }
  }

  @inline(__always)
  private static func load(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The compression function on a full block of each lane. The rounds' message orders are written out as constants.
  @inline(__always)
  private static func compress(
    _ v: UnsafeMutableBufferPointer<Lanes>, _ m: UnsafeMutableBufferPointer<Lanes>, _ low: Lanes, _ high: Lanes,
    _ flags: Flags
  ) {
    var (s0, s1, s2, s3, s4, s5, s6, s7) = (v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7])
    var (s8, s9, s10, s11) = (
      Lanes(repeating: initial[0]), Lanes(repeating: initial[1]), Lanes(repeating: initial[2]),
      Lanes(repeating: initial[3])
    )
    var (s12, s13, s14, s15) = (
      low, high, Lanes(repeating: UInt32(blockLength)), Lanes(repeating: flags.rawValue)
    )
    for round in 0..<7 {
      let at = round * 16
      mix(&s0, &s4, &s8, &s12, m[order[at]], m[order[at + 1]])
      mix(&s1, &s5, &s9, &s13, m[order[at + 2]], m[order[at + 3]])
      mix(&s2, &s6, &s10, &s14, m[order[at + 4]], m[order[at + 5]])
      mix(&s3, &s7, &s11, &s15, m[order[at + 6]], m[order[at + 7]])
      mix(&s0, &s5, &s10, &s15, m[order[at + 8]], m[order[at + 9]])
      mix(&s1, &s6, &s11, &s12, m[order[at + 10]], m[order[at + 11]])
      mix(&s2, &s7, &s8, &s13, m[order[at + 12]], m[order[at + 13]])
      mix(&s3, &s4, &s9, &s14, m[order[at + 14]], m[order[at + 15]])
    }
    (v[0], v[1], v[2], v[3]) = (s0 ^ s8, s1 ^ s9, s2 ^ s10, s3 ^ s11)
    (v[4], v[5], v[6], v[7]) = (s4 ^ s12, s5 ^ s13, s6 ^ s14, s7 ^ s15)
  }

  /// For each round, which word of the block stands at each place: the permutation applied again and again.
  private static let order: [Int] = {
    var round = Array(0..<16)
    var all: [Int] = []
    for _ in 0..<7 {
      all += round
      round = permutation.map { round[$0] }
    }
    return all
  }()

  @inline(__always)
  private static func mix(_ a: inout Lanes, _ b: inout Lanes, _ c: inout Lanes, _ d: inout Lanes, _ x: Lanes, _ y: Lanes) {
    a = a &+ b &+ x
    d = rotate(d ^ a, right: 16)
    c = c &+ d
    b = rotate(b ^ c, right: 12)
    a = a &+ b &+ y
    d = rotate(d ^ a, right: 8)
    c = c &+ d
    b = rotate(b ^ c, right: 7)
  }

  @inline(__always)
  private static func rotate(_ lanes: Lanes, right count: UInt32) -> Lanes {
    lanes &>> Lanes(repeating: count) | lanes &<< Lanes(repeating: 32 &- count)
  }
}
