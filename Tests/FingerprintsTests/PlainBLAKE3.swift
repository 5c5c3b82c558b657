/// BLAKE3 as its paper defines it, for inputs of any length: one block at a time, the tree by recursion.
enum PlainBLAKE3 {
  private static let initial: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
  ]
  private static let permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]

  static func hash(_ bytes: [UInt8]) -> [UInt8] {
    subtree(bytes[...], chunk: 0, root: 8).flatMap { word in (0..<4).map { UInt8(word >> UInt32(8 * $0) & 255) } }
  }

  private static func subtree(_ bytes: ArraySlice<UInt8>, chunk: UInt64, root: UInt32) -> [UInt32] {
    guard bytes.count > 1024 else { return leaf(bytes, chunk: chunk, root: root) }
    var left = 1024
    while left * 2 < bytes.count { left *= 2 }
    let words =
      subtree(bytes.prefix(left), chunk: chunk, root: 0)
      + subtree(bytes.dropFirst(left), chunk: chunk + UInt64(left / 1024), root: 0)
    return compress(initial, words, counter: 0, length: 64, flags: 4 | root)
  }

  private static func leaf(_ bytes: ArraySlice<UInt8>, chunk: UInt64, root: UInt32) -> [UInt32] {
    var value = initial
    let starts = bytes.isEmpty ? [0] : Array(stride(from: 0, to: bytes.count, by: 64))
    for (index, start) in starts.enumerated() {
      let block = Array(bytes.dropFirst(start).prefix(64))
      let padded: [UInt8] = block + Array(repeating: 0, count: 64 - block.count)
      var words = [UInt32](repeating: 0, count: 16)
      for byte in 0..<64 { words[byte / 4] |= UInt32(padded[byte]) << UInt32(byte % 4 * 8) }
      let isLast = index == starts.count - 1
      let flags: UInt32 = (index == 0 ? 1 : 0) | (isLast ? 2 | root : 0)
      value = compress(value, words, counter: chunk, length: UInt32(block.count), flags: flags)
    }
    return value
  }

  private static func compress(
    _ value: [UInt32], _ block: [UInt32], counter: UInt64, length: UInt32, flags: UInt32
  ) -> [UInt32] {
    var state = value + initial[..<4] + [UInt32(counter & 0xFFFF_FFFF), UInt32(counter >> 32), length, flags]
    var words = block
    for _ in 0..<7 {
      for index in 0..<4 {
        mix(&state, index, 4 + index, 8 + index, 12 + index, words[2 * index], words[2 * index + 1])
      }
      for index in 0..<4 {
        let (b, c, d) = (4 + (index + 1) % 4, 8 + (index + 2) % 4, 12 + (index + 3) % 4)
        mix(&state, index, b, c, d, words[8 + 2 * index], words[9 + 2 * index])
      }
      words = permutation.map { words[$0] }
    }
    return (0..<8).map { state[$0] ^ state[$0 + 8] }
  }

  private static func mix(_ s: inout [UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int, _ x: UInt32, _ y: UInt32) {
    for (word, right) in [(x, [16, 12]), (y, [8, 7])] as [(UInt32, [UInt32])] {
      s[a] = s[a] &+ s[b] &+ word
      s[d] = rotated(s[d] ^ s[a], right[0])
      s[c] = s[c] &+ s[d]
      s[b] = rotated(s[b] ^ s[c], right[1])
    }
  }

  private static func rotated(_ word: UInt32, _ right: UInt32) -> UInt32 { word >> right | word << (32 - right) }
}
