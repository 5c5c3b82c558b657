/// The BLAKE3 hash (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020), without key, 32 bytes long.
///
/// The input is cut into chunks of 1,024 bytes, each compressed in 16 blocks of 64; the chunks' chaining values are the leaves of
/// a binary tree whose left subtrees are complete. Full chunks are compressed several at a time (`BLAKE3+Lanes`); everything here
/// is one chunk at a time, and plain.
public struct BLAKE3: Sendable {
  static let chunkLength = 1024
  static let blockLength = 64

  typealias ChainingValue = SIMD8<UInt32>

  static let initial = ChainingValue(
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19)

  /// What marks the place of a compression in the tree.
  struct Flags: OptionSet {
    let rawValue: UInt32
    static let chunkStart = Flags(rawValue: 1)
    static let chunkEnd = Flags(rawValue: 2)
    static let parent = Flags(rawValue: 4)
    static let root = Flags(rawValue: 8)
  }

  /// The chaining values of complete subtrees, the largest first: one for each bit that is set in `chunks`.
  private var stack: [ChainingValue] = []
  /// Chunks whose chaining values are in the stack.
  private var chunks: UInt64 = 0
  /// Bytes that are not in the stack yet: the last chunk stays here until it is known not to be the root.
  private var pending: [UInt8] = []

  public init() {}

  /// The hash of some bytes.
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var hasher = BLAKE3()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The hash of some bytes.
  public static func hash(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { hash($0) } }

  /// Adds bytes to the input.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Adds bytes to the input.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    if !pending.isEmpty {
      let missing = min(Self.chunkLength - pending.count, rest.count)
      pending += rest.prefix(missing)
      rest = rest.dropFirst(missing)
      guard !rest.isEmpty else { return }
      pending.withUnsafeBytes { push(Self.chainingValue(ofChunk: $0, number: chunks)) }
      pending.removeAll(keepingCapacity: true)
    }
    // The last chunk, full or not, is kept: only `finalize` knows whether it is the root.
    while rest.count > Self.lanes * Self.chunkLength {
      let group = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.lanes * Self.chunkLength))
      for value in Self.chainingValues(ofChunks: group, first: chunks) { push(value) }
      rest = rest.dropFirst(group.count)
    }
    while rest.count > Self.chunkLength {
      push(Self.chainingValue(ofChunk: UnsafeRawBufferPointer(rebasing: rest.prefix(Self.chunkLength)), number: chunks))
      rest = rest.dropFirst(Self.chunkLength)
    }
    pending += rest
  }

  /// The hash of all that was added.
  public func finalize() -> Digest {
    var value = pending.withUnsafeBytes { bytes in
      Self.chainingValue(ofChunk: bytes, number: chunks, isRoot: stack.isEmpty)
    }
    for (index, left) in stack.enumerated().reversed() {
      value = Self.parent(left, value, isRoot: index == 0)
    }
    return Digest(
      bytes: (0..<8).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: value[word] >> UInt32(8 * $0)) } })
  }

  /// Adds a chunk's chaining value, joining subtrees as they become complete.
  private mutating func push(_ value: ChainingValue) {
    chunks += 1
    var value = value
    var complete = chunks
    while complete & 1 == 0, let left = stack.popLast() {
      value = Self.parent(left, value, isRoot: false)
      complete >>= 1
    }
    stack.append(value)
  }

  // MARK: Compression

  private static func parent(_ left: ChainingValue, _ right: ChainingValue, isRoot: Bool) -> ChainingValue {
    compress(
      initial, block: SIMD16(lowHalf: left, highHalf: right), counter: 0, length: UInt32(blockLength),
      flags: isRoot ? [.parent, .root] : .parent)
  }

  /// One chunk of at most 1,024 bytes, plainly.
  static func chainingValue(ofChunk chunk: UnsafeRawBufferPointer, number: UInt64, isRoot: Bool = false) -> ChainingValue {
    var value = initial
    let blocks = max(1, (chunk.count + blockLength - 1) / blockLength)
    for index in 0..<blocks {
      let start = index * blockLength
      let length = min(blockLength, chunk.count - start)
      var block = SIMD16<UInt32>(repeating: 0)
      for byte in 0..<max(0, length) { block[byte / 4] |= UInt32(chunk[start + byte]) << UInt32(byte % 4 * 8) }
      var flags: Flags = index == 0 ? .chunkStart : []
      if index == blocks - 1 { flags.formUnion(isRoot ? [.chunkEnd, .root] : .chunkEnd) }
      value = compress(value, block: block, counter: number, length: UInt32(max(0, length)), flags: flags)
    }
    return value
  }

  /// The compression function: seven rounds over a state of 16 words.
  private static func compress(
    _ value: ChainingValue, block: SIMD16<UInt32>, counter: UInt64, length: UInt32, flags: Flags
  ) -> ChainingValue {
    let tail = ChainingValue(
      initial[0], initial[1], initial[2], initial[3], UInt32(truncatingIfNeeded: counter),
      UInt32(truncatingIfNeeded: counter >> 32), length, flags.rawValue)
    var state = SIMD16(lowHalf: value, highHalf: tail)
    var words = block
    for round in 0..<7 {
      mix(&state, 0, 4, 8, 12, words[0], words[1])
      mix(&state, 1, 5, 9, 13, words[2], words[3])
      mix(&state, 2, 6, 10, 14, words[4], words[5])
      mix(&state, 3, 7, 11, 15, words[6], words[7])
      mix(&state, 0, 5, 10, 15, words[8], words[9])
      mix(&state, 1, 6, 11, 12, words[10], words[11])
      mix(&state, 2, 7, 8, 13, words[12], words[13])
      mix(&state, 3, 4, 9, 14, words[14], words[15])
      guard round < 6 else { break }
      var permuted = words
      for index in 0..<16 { permuted[index] = words[permutation[index]] }
      words = permuted
    }
    return state.lowHalf ^ state.highHalf
  }

  /// Where each word of a round's message comes from in the round before.
  static let permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]

  @inline(__always)
  private static func mix(
    _ state: inout SIMD16<UInt32>, _ a: Int, _ b: Int, _ c: Int, _ d: Int, _ x: UInt32, _ y: UInt32
  ) {
    state[a] = state[a] &+ state[b] &+ x
    state[d] = rotate(state[d] ^ state[a], right: 16)
    state[c] = state[c] &+ state[d]
    state[b] = rotate(state[b] ^ state[c], right: 12)
    state[a] = state[a] &+ state[b] &+ y
    state[d] = rotate(state[d] ^ state[a], right: 8)
    state[c] = state[c] &+ state[d]
    state[b] = rotate(state[b] ^ state[c], right: 7)
  }

  @inline(__always)
  private static func rotate(_ word: UInt32, right count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }
}
