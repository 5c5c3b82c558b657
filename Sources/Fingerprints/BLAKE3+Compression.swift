import CKernels

extension BLAKE3 {
  // What marks the place of a compression in the tree.
  static let chunkStart: UInt32 = 1
  static let chunkEnd: UInt32 = 2
  static let parent: UInt32 = 4
  static let root: UInt32 = 8

  static let initial = ChainingValue(
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19)

  /// How many inputs `CKernels` compresses at once.
  static let lanes = 16

  /// One compression: a chaining value and the 16 words of a block into the next chaining value.
  static func compress(
    _ value: ChainingValue, _ block: SIMD16<UInt32>, counter: UInt64, length: UInt32, flags: UInt32
  ) -> ChainingValue {
    var state = State(
      s0: value[0], s1: value[1], s2: value[2], s3: value[3], s4: value[4], s5: value[5], s6: value[6], s7: value[7],
      s8: initial[0], s9: initial[1], s10: initial[2], s11: initial[3], s12: UInt32(truncatingIfNeeded: counter),
      s13: UInt32(truncatingIfNeeded: counter >> 32), s14: length, s15: flags)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 16) { words in
      for word in 0..<16 { words[word] = block[word] }
      if let words = words.baseAddress { state.mix(words) }
    }
    return ChainingValue(
      state.s0 ^ state.s8, state.s1 ^ state.s9, state.s2 ^ state.s10, state.s3 ^ state.s11, state.s4 ^ state.s12,
      state.s5 ^ state.s13, state.s6 ^ state.s14, state.s7 ^ state.s15)
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
    values.withMemoryRebound(to: UInt32.self, capacity: 8 * lanes) { words in
      kernel_blake3_sixteen(
        inputs.assumingMemoryBound(to: UInt8.self), apart, blocks, flags, first, last, firstCounter ?? 0,
        firstCounter == nil ? 0 : 1, words)
    }
  }

  /// Sixteen words, four rows of four.
  private struct State {
    var s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15: UInt32

    typealias Places = (Int, Int, Int, Int, Int, Int, Int, Int)

    /// Seven rounds over the words of a block.
    mutating func mix(_ m: UnsafePointer<UInt32>) {
      round(m, (0, 1, 2, 3, 4, 5, 6, 7), (8, 9, 10, 11, 12, 13, 14, 15))
      round(m, (2, 6, 3, 10, 7, 0, 4, 13), (1, 11, 12, 5, 9, 14, 15, 8))
      round(m, (3, 4, 10, 12, 13, 2, 7, 14), (6, 5, 9, 0, 11, 15, 8, 1))
      round(m, (10, 7, 12, 9, 14, 3, 13, 15), (4, 0, 11, 2, 5, 8, 1, 6))
      round(m, (12, 13, 9, 11, 15, 10, 14, 8), (7, 2, 5, 3, 0, 1, 6, 4))
      round(m, (9, 14, 11, 5, 8, 12, 15, 1), (13, 3, 0, 10, 2, 6, 4, 7))
      round(m, (11, 15, 5, 0, 1, 9, 8, 6), (14, 10, 2, 12, 3, 4, 7, 13))
    }

    /// Mixes the columns, then the diagonals; the places say which words of the block go in where.
    @inline(__always)
    private mutating func round(_ m: UnsafePointer<UInt32>, _ columns: Places, _ diagonals: Places) {
      State.mix(&s0, &s4, &s8, &s12, m[columns.0], m[columns.1])
      State.mix(&s1, &s5, &s9, &s13, m[columns.2], m[columns.3])
      State.mix(&s2, &s6, &s10, &s14, m[columns.4], m[columns.5])
      State.mix(&s3, &s7, &s11, &s15, m[columns.6], m[columns.7])
      State.mix(&s0, &s5, &s10, &s15, m[diagonals.0], m[diagonals.1])
      State.mix(&s1, &s6, &s11, &s12, m[diagonals.2], m[diagonals.3])
      State.mix(&s2, &s7, &s8, &s13, m[diagonals.4], m[diagonals.5])
      State.mix(&s3, &s4, &s9, &s14, m[diagonals.6], m[diagonals.7])
    }

    @inline(__always)
    private static func mix(
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
    private static func rotate(_ word: UInt32, _ right: UInt32) -> UInt32 { word &>> right | word &<< (32 &- right) }
  }
}
