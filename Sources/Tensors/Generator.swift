import Fingerprints
import Foundation

/// Random numbers that depend on a seed, a stream's name and a position, and on nothing else.
///
/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), a counter-based generator, under a key that is the fingerprint of seed and
/// stream: no state is shared, so the order in which tensors or steps are worked on changes nothing.
public struct Generator: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  /// How many numbers `next` has given.
  private var position: UInt64 = 0
  /// The second half of the block at an odd position.
  private var second: UInt64 = 0
  private var spare: Double?

  /// - Parameters:
  ///   - seed: As the recipe gives it.
  ///   - stream: What the numbers are for: the operation's name, then the tensor's or whatever else tells streams apart.
  public init(seed: Int, stream: String...) {
    var encoder = FingerprintEncoder(domain: "mergekit-random/1")
    encoder.add(seed)
    encoder.list(stream.count)
    for part in stream { encoder.add(part) }
    let bytes = encoder.digest.bytes
    key = (Generator.word(bytes[0..<4]), Generator.word(bytes[4..<8]))
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

  // MARK: By position

  /// The number at a position of the stream, evenly spread over 0 ..< 1 in steps of 2⁻⁵³: what the call of `uniform()` gives that
  /// comes after as many others.
  public func uniform(at position: Int) -> Double {
    precondition(position >= 0, "a stream begins at 0")
    let (first, second) = Generator.block(UInt64(position / 2), key)
    return Generator.uniform(position % 2 == 0 ? first : second)
  }

  /// Writes `uniform(at:)` for the positions from `start` on, much faster than one by one.
  public func fill(_ numbers: UnsafeMutableBufferPointer<Double>, from start: Int) {
    precondition(start >= 0, "a stream begins at 0")
    guard let target = numbers.baseAddress else { return }
    let head = min(start % 2, numbers.count)
    let pairs = (numbers.count - head) / 2
    if head == 1 { target[0] = uniform(at: start) }
    let firstBlock = UInt64((start + head) / 2)
    for pair in 0..<pairs {
      let (first, second) = Generator.block(firstBlock &+ UInt64(pair), key)
      target[head &+ 2 &* pair] = Generator.uniform(first)
      target[head &+ 2 &* pair &+ 1] = Generator.uniform(second)
    }
    if head + 2 * pairs < numbers.count { target[head + 2 * pairs] = uniform(at: start + head + 2 * pairs) }
  }

  // MARK: One after the other

  public mutating func next() -> UInt64 {
    defer { position += 1 }
    guard position % 2 == 0 else { return second }
    let block = Generator.block(position / 2, key)
    second = block.1
    return block.0
  }

  /// Evenly spread over 0 ..< 1, in steps of 2⁻⁵³.
  public mutating func uniform() -> Double { Generator.uniform(next()) }

  /// From the standard normal distribution, by Box and Muller's transform.
  ///
  /// Logarithm, sine and cosine are the system's: between systems the last bit can differ, on one it does not.
  public mutating func gaussian() -> Double {
    if let value = spare {
      spare = nil
      return value
    }
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Evenly spread over 0 ..< bound, without bias (Lemire 2019).
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "there is no number below \(bound)")
    let bound = UInt64(bound)
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= bound || product.low >= (0 &- bound) % bound { return Int(product.high) }
    }
  }

  /// The numbers 0 ..< count in random order, by Fisher and Yates' shuffle.
  public mutating func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, integer(below: last + 1)) }
    return order
  }

  // MARK: Philox

  /// The two numbers of one counter.
  @inline(__always)
  private static func block(_ counter: UInt64, _ key: (UInt32, UInt32)) -> (UInt64, UInt64) {
    let words = philox((UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), 0, 0), key)
    return (UInt64(words.0) << 32 | UInt64(words.1), UInt64(words.2) << 32 | UInt64(words.3))
  }

  @inline(__always)
  private static func uniform(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }

  typealias Words = (UInt32, UInt32, UInt32, UInt32)

  /// Ten rounds of Philox on one counter.
  @inline(__always)
  static func philox(_ counter: Words, _ key: (UInt32, UInt32)) -> Words {
    var (a, b, c, d) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let first = UInt64(a) &* 0xD251_1F53
      let second = UInt64(c) &* 0xCD9E_8D57
      (a, b, c, d) = (
        UInt32(truncatingIfNeeded: second &>> 32) ^ b ^ k0, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first &>> 32) ^ d ^ k1, UInt32(truncatingIfNeeded: first)
      )
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (a, b, c, d)
  }
}
