/// SHA-256 (FIPS 180-4), only to pin files by the digest that Hugging Face publishes.
public struct SHA256: Sendable {
  private var state = SIMD8<UInt32>(
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19)
  /// The bytes that do not fill a block yet.
  private var pending: [UInt8] = []
  private var count: UInt64 = 0

  public init() {}

  /// The 64 hexadecimal digits of the hash of some bytes.
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> String {
    var hasher = SHA256()
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The 64 hexadecimal digits of the hash of some bytes.
  public static func hash(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hash($0) } }

  /// Adds bytes to the input.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Adds bytes to the input.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    count &+= UInt64(bytes.count)
    var rest = bytes
    if !pending.isEmpty {
      let missing = min(Self.blockLength - pending.count, rest.count)
      pending += rest.prefix(missing)
      rest = UnsafeRawBufferPointer(rebasing: rest[missing...])
      guard pending.count == Self.blockLength else { return }
      state = pending.withUnsafeBytes { Self.compress(state, $0) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count / Self.blockLength * Self.blockLength
    state = Self.compress(state, UnsafeRawBufferPointer(rebasing: rest[..<whole]))
    pending += rest[whole...]
  }

  /// The 64 hexadecimal digits of the hash of all that was added; more may be added after it.
  public func finalize() -> String {
    var tail = pending + [0x80]
    while tail.count % Self.blockLength != Self.blockLength - 8 { tail.append(0) }
    tail += withUnsafeBytes(of: (count &* 8).bigEndian) { Array($0) }
    let last = tail.withUnsafeBytes { Self.compress(state, $0) }
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: (0..<64).map { digits[Int(last[$0 / 8] >> UInt32(28 - $0 % 8 * 4) & 15)] }, as: UTF8.self)
  }

  private static let blockLength = 64

  /// The compression function over whole blocks.
  private static func compress(_ start: SIMD8<UInt32>, _ blocks: UnsafeRawBufferPointer) -> SIMD8<UInt32> {
    var state = start
    constants.withUnsafeBufferPointer { k in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
        for block in stride(from: 0, to: blocks.count, by: blockLength) {
          for index in 0..<16 {
            w[index] = UInt32(bigEndian: blocks.loadUnaligned(fromByteOffset: block + index * 4, as: UInt32.self))
          }
          for index in 16..<64 {
            let (x, y) = (w[index - 15], w[index - 2])
            let s0 = rotate(x, 7) ^ rotate(x, 18) ^ x &>> 3
            let s1 = rotate(y, 17) ^ rotate(y, 19) ^ y &>> 10
            w[index] = w[index - 16] &+ s0 &+ w[index - 7] &+ s1
          }
          var (a, b, c, d) = (state[0], state[1], state[2], state[3])
          var (e, f, g, h) = (state[4], state[5], state[6], state[7])
          for index in stride(from: 0, to: 64, by: 8) {
            // The words keep their places and change their roles, which saves moving them.
            step(a, b, c, &d, e, f, g, &h, k[index] &+ w[index])
            step(h, a, b, &c, d, e, f, &g, k[index + 1] &+ w[index + 1])
            step(g, h, a, &b, c, d, e, &f, k[index + 2] &+ w[index + 2])
            step(f, g, h, &a, b, c, d, &e, k[index + 3] &+ w[index + 3])
            step(e, f, g, &h, a, b, c, &d, k[index + 4] &+ w[index + 4])
            step(d, e, f, &g, h, a, b, &c, k[index + 5] &+ w[index + 5])
            step(c, d, e, &f, g, h, a, &b, k[index + 6] &+ w[index + 6])
            step(b, c, d, &e, f, g, h, &a, k[index + 7] &+ w[index + 7])
          }
          state = state &+ SIMD8(a, b, c, d, e, f, g, h)
        }
      }
    }
    return state
  }

  @inline(__always)
  private static func step(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32,
    _ word: UInt32
  ) {
    h = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ (g ^ e & (f ^ g)) &+ word
    d = d &+ h
    h = h &+ (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ (a & b | c & (a | b))
  }

  @inline(__always)
  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
