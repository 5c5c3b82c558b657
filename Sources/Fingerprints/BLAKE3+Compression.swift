extension BLAKE3 {
  // What marks the place of a compression in the tree.
  static let chunkStart: UInt32 = 1
  static let chunkEnd: UInt32 = 2
  static let parent: UInt32 = 4
  static let root: UInt32 = 8

  static let initial = ChainingValue(
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19)

  /// How many inputs are compressed at once: a few vectors full on any processor.
  static let lanes = 16

  /// One compression: a chaining value and the 16 words of a block into the next chaining value.
  static func compress(
    _ value: ChainingValue, _ block: SIMD16<UInt32>, counter: UInt64, length: UInt32, flags: UInt32
  ) -> ChainingValue {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8 + 16 + 2) { memory in
      guard let state = memory.baseAddress else { return value }
      for word in 0..<8 { state[word] = value[word] }
      for word in 0..<16 { state[8 + word] = block[word] }
      state[24] = UInt32(truncatingIfNeeded: counter)
      state[25] = UInt32(truncatingIfNeeded: counter >> 32)
      compress(1, state, state + 8, low: state + 24, high: state + 25, length: length, flags: flags)
      var result = ChainingValue()
      for word in 0..<8 { result[word] = state[word] }
      return result
    }
  }

  /// The chaining values of as many full chunks as there are lanes, behind one another.
  static func chainingValues(
    ofChunks chunks: UnsafeRawPointer, firstChunk: UInt64, into values: UnsafeMutablePointer<ChainingValue>
  ) {
    chainingValues(
      of: chunks, apart: chunkLength, blocks: chunkLength / blockLength, flags: 0, first: chunkStart, last: chunkEnd,
      firstCounter: firstChunk, into: values)
  }

  /// The parents of as many pairs as there are lanes, behind one another; the results may take the place of the pairs.
  static func chainingValues(
    ofPairs pairs: UnsafePointer<ChainingValue>, into values: UnsafeMutablePointer<ChainingValue>
  ) {
    chainingValues(
      of: UnsafeRawPointer(pairs), apart: blockLength, blocks: 1, flags: parent, first: 0, last: 0, firstCounter: nil,
      into: values)
  }

  /// - Parameters:
  ///   - apart: Bytes from one lane's input to the next lane's.
  ///   - firstCounter: The first lane's counter, the next lanes count on; nil where all are 0.
  private static func chainingValues(
    of inputs: UnsafeRawPointer, apart: Int, blocks: Int, flags: UInt32, first: UInt32, last: UInt32,
    firstCounter: UInt64?, into values: UnsafeMutablePointer<ChainingValue>
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: (8 + 16 + 2) * lanes) { memory in
      guard let value = memory.baseAddress else { return }
      let words = value + 8 * lanes
      let (low, high) = (words + 16 * lanes, words + 17 * lanes)
      for lane in 0..<lanes {
        for word in 0..<8 { value[word * lanes + lane] = initial[word] }
        let counter = firstCounter.map { $0 + UInt64(lane) } ?? 0
        low[lane] = UInt32(truncatingIfNeeded: counter)
        high[lane] = UInt32(truncatingIfNeeded: counter >> 32)
      }
      for block in 0..<blocks {
        transpose(inputs + block * blockLength, apart: apart, into: words)
        let ends = (block == 0 ? first : 0) | (block == blocks - 1 ? last : 0)
        compress(lanes, value, words, low: low, high: high, length: UInt32(blockLength), flags: flags | ends)
      }
      for lane in 0..<lanes {
        var result = ChainingValue()
        for word in 0..<8 { result[word] = value[word * lanes + lane] }
        values[lane] = result
      }
    }
  }

  /// Gathers one block of each lane, so that the lanes' first words lie together, then their second ones, and so on.
  @inline(__always)
  private static func transpose(_ blocks: UnsafeRawPointer, apart: Int, into words: UnsafeMutablePointer<UInt32>) {
    for lane in stride(from: 0, to: lanes, by: 4) {
      for word in stride(from: 0, to: 16, by: 4) {
        let source = blocks + (lane * apart + word * 4)
        let a = source.loadUnaligned(as: SIMD4<UInt32>.self)
        let b = (source + apart).loadUnaligned(as: SIMD4<UInt32>.self)
        let c = (source + 2 * apart).loadUnaligned(as: SIMD4<UInt32>.self)
        let d = (source + 3 * apart).loadUnaligned(as: SIMD4<UInt32>.self)
        let target = UnsafeMutableRawPointer(words + (word * lanes + lane))
        for row in 0..<4 {
          let column = SIMD4(a[row], b[row], c[row], d[row])
          target.storeBytes(of: column, toByteOffset: row * lanes * 4, as: SIMD4<UInt32>.self)
        }
      }
    }
  }

  /// Seven rounds over each lane. The lanes' states never meet, and their words lie side by side: the compiler turns this plain
  /// loop into vector code, where Swift's own vector types rotate word by word.
  @inline(__always)
  private static func compress(
    _ lanes: Int, _ value: UnsafeMutablePointer<UInt32>, _ block: UnsafePointer<UInt32>, low: UnsafePointer<UInt32>,
    high: UnsafePointer<UInt32>, length: UInt32, flags: UInt32
  ) {
    for lane in 0..<lanes {
      let v = value + lane
      let m = block + lane
      let n = lanes
      var s = State(
        s0: v[0], s1: v[n], s2: v[2 * n], s3: v[3 * n], s4: v[4 * n], s5: v[5 * n], s6: v[6 * n], s7: v[7 * n],
        s8: 0x6A09_E667, s9: 0xBB67_AE85, s10: 0x3C6E_F372, s11: 0xA54F_F53A, s12: low[lane], s13: high[lane],
        s14: length, s15: flags)
      s.round(m, n, (0, 1, 2, 3, 4, 5, 6, 7), (8, 9, 10, 11, 12, 13, 14, 15))
      s.round(m, n, (2, 6, 3, 10, 7, 0, 4, 13), (1, 11, 12, 5, 9, 14, 15, 8))
      s.round(m, n, (3, 4, 10, 12, 13, 2, 7, 14), (6, 5, 9, 0, 11, 15, 8, 1))
      s.round(m, n, (10, 7, 12, 9, 14, 3, 13, 15), (4, 0, 11, 2, 5, 8, 1, 6))
      s.round(m, n, (12, 13, 9, 11, 15, 10, 14, 8), (7, 2, 5, 3, 0, 1, 6, 4))
      s.round(m, n, (9, 14, 11, 5, 8, 12, 15, 1), (13, 3, 0, 10, 2, 6, 4, 7))
      s.round(m, n, (11, 15, 5, 0, 1, 9, 8, 6), (14, 10, 2, 12, 3, 4, 7, 13))
      (v[0], v[n], v[2 * n], v[3 * n]) = (s.s0 ^ s.s8, s.s1 ^ s.s9, s.s2 ^ s.s10, s.s3 ^ s.s11)
      (v[4 * n], v[5 * n], v[6 * n], v[7 * n]) = (s.s4 ^ s.s12, s.s5 ^ s.s13, s.s6 ^ s.s14, s.s7 ^ s.s15)
    }
  }

  /// One lane's sixteen words, four rows of four.
  private struct State {
    var s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15: UInt32

    typealias Places = (Int, Int, Int, Int, Int, Int, Int, Int)

    /// Mixes the columns, then the diagonals; the places say which words of the block go in where.
    @inline(__always)
    mutating func round(_ m: UnsafePointer<UInt32>, _ n: Int, _ columns: Places, _ diagonals: Places) {
      State.mix(&s0, &s4, &s8, &s12, m[columns.0 * n], m[columns.1 * n])
      State.mix(&s1, &s5, &s9, &s13, m[columns.2 * n], m[columns.3 * n])
      State.mix(&s2, &s6, &s10, &s14, m[columns.4 * n], m[columns.5 * n])
      State.mix(&s3, &s7, &s11, &s15, m[columns.6 * n], m[columns.7 * n])
      State.mix(&s0, &s5, &s10, &s15, m[diagonals.0 * n], m[diagonals.1 * n])
      State.mix(&s1, &s6, &s11, &s12, m[diagonals.2 * n], m[diagonals.3 * n])
      State.mix(&s2, &s7, &s8, &s13, m[diagonals.4 * n], m[diagonals.5 * n])
      State.mix(&s3, &s4, &s9, &s14, m[diagonals.6 * n], m[diagonals.7 * n])
    }

    @inline(__always)
    static func mix(
      _ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32, _ d: inout UInt32, _ x: UInt32, _ y: UInt32
    ) {
      a = a &+ b &+ x
      d = rotate(d ^ a, 16)
      c = c &+ d
      b = rotate(b ^ c, 12)
      a = a &+ b &+ y
      d = rotate(d ^ a, 8)
      c = c &+ d
      b = rotate(b ^ c, 7)
    }

    @inline(__always)
    static func rotate(_ word: UInt32, _ right: UInt32) -> UInt32 { word &>> right | word &<< (32 &- right) }
  }
}
