import Fingerprints
import Foundation

/// Random numbers that depend on a seed, a stream's name and a position, and on nothing else.
///
/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), a counter-based generator, under a key that is the fingerprint of seed and
/// stream: no state is shared, so the order in which tensors or steps are worked on changes nothing.
public struct Generator: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private var block: UInt64 = 0
  private var buffered: [UInt32] = []
  private var spare: Double?

  /// - Parameters:
  ///   - seed: As the recipe gives it.
  ///   - stream: What the numbers are for: the operation's name, then the tensor's or whatever else tells streams apart.
  public init(seed: Int, _ stream: String...) {
    var encoder = FingerprintEncoder(domain: "mergekit-random/1")
    encoder.add(seed)
    for part in stream { encoder.add(part) }
    let bytes = encoder.digest.bytes
    key = (Generator.word(bytes[0..<4]), Generator.word(bytes[4..<8]))
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

  public mutating func next() -> UInt64 {
    if buffered.isEmpty {
      let words = Generator.philox(
        counter: [UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), 0, 0], key: key)
      block += 1
      buffered = words.reversed()
    }
    let high = UInt64(buffered.removeLast())
    return high << 32 | UInt64(buffered.removeLast())
  }

  /// Evenly spread over 0 ..< 1, in steps of 2⁻⁵³.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// From the standard normal distribution, by Box and Muller's transform.
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

  /// Evenly spread over 0 ..< bound, without bias.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "there is no number below \(bound)")
    let bound = UInt64(bound)
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= (0 &- bound) % bound { return Int(product.high) }
    }
  }

  /// The numbers 0 ..< count in random order, by Fisher and Yates' shuffle.
  public mutating func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, integer(below: last + 1)) }
    return order
  }

  /// Ten rounds of Philox on one counter.
  static func philox(counter: [UInt32], key: (UInt32, UInt32)) -> [UInt32] {
    var (a, b, c, d) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = key
    for _ in 0..<10 {
      let first = a.multipliedFullWidth(by: 0xD251_1F53)
      let second = c.multipliedFullWidth(by: 0xCD9E_8D57)
      (a, b, c, d) = (second.high ^ b ^ k0, second.low, first.high ^ d ^ k1, first.low)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return [a, b, c, d]
  }
}
