import CKernels
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

  /// Writes `uniform(at:)` for the positions from `start` on, several times as fast as one by one.
  public func fill(_ numbers: UnsafeMutableBufferPointer<Double>, from start: Int) {
    precondition(start >= 0, "a stream begins at 0")
    guard let target = numbers.baseAddress else { return }
    // Blocks give two numbers each; a first or a last one may be needed by half.
    let head = min(start % 2, numbers.count)
    let blocks = (numbers.count - head) / 2
    if head == 1 { target[0] = uniform(at: start) }
    let firstBlock = (start + head) / 2
    for done in stride(from: 0, to: blocks, by: Generator.run) {
      let count = min(Generator.run, blocks - done)
      fillBlocks(target + (head + 2 * done), count, from: UInt64(firstBlock + done))
    }
    let last = head + 2 * blocks
    if last < numbers.count { target[last] = uniform(at: start + last) }
  }

  /// Blocks that are worked on together, round by round, so that the rounds become vector code.
  private static let run = 256

  private func fillBlocks(_ target: UnsafeMutablePointer<Double>, _ count: Int, from first: UInt64) {
    let run = Generator.run
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * run) { words in
      guard let a = words.baseAddress else { return }
      let (b, c, d) = (a + run, a + 2 * run, a + 3 * run)
      kernel_philox(a, b, c, d, count, first, key.0, key.1)
      for index in 0..<count {
        target[2 &* index] = Generator.uniform(a[index], b[index])
        target[2 &* index &+ 1] = Generator.uniform(c[index], d[index])
      }
    }
  }

  /// `uniform(high · 2³² + low)`, through conversions that vectors have.
  @inline(__always)
  private static func uniform(_ high: UInt32, _ low: UInt32) -> Double {
    (Double(Int32(bitPattern: high ^ 0x8000_0000)) + 0x1p31) * 0x1p-32 + Double(Int32(bitPattern: low &>> 11)) * 0x1p-53
  }

  // MARK: Choices by position

  /// Positions whose bytes are made together.
  public static let choiceRun = 16 * run

  /// The number at a position of the stream of choices, evenly spread over 0 ..< 2⁴⁰: for choices among many entries.
  ///
  /// The highest byte decides nearly all of them and costs an eighth of a `uniform(at:)`; the rest is only made where it does
  /// not. The bytes are those of the words of blocks whose counter ends with zeros, 256 blocks for a run of 4096 positions: all
  /// first words, then all second ones, and so on, so that a run is written without shuffling. The rest is the first word of
  /// the position's own block, whose counter's third word is 1.
  public func choice(at position: Int) -> UInt64 {
    precondition(position >= 0, "a stream begins at 0")
    let (run, place) = position.quotientAndRemainder(dividingBy: Generator.choiceRun)
    let (word, byte) = (place / 4, place % 4)
    let words = Generator.philox(Generator.counter(UInt64(run * Generator.run + word % Generator.run)), key)
    let bytes = [words.0, words.1, words.2, words.3][word / Generator.run] >> UInt32(8 * byte)
    return UInt64(bytes & 0xFF) << 32 | UInt64(rest(ofChoiceAt: position))
  }

  /// What a choice's number must be less than for a probability.
  static func choiceLimit(_ probability: Double) -> UInt64 {
    UInt64(min(max((probability * 0x1p40).rounded(.up), 0), 0x1p40))
  }

  /// The 32 bits of a choice below its highest byte.
  func rest(ofChoiceAt position: Int) -> UInt32 {
    Generator.philox(Generator.counter(UInt64(position), 1), key).0
  }

  /// Writes the highest bytes of the choices of a run, the first of which is at `run · choiceRun`.
  func fill(_ bytes: UnsafeMutablePointer<UInt8>, run: Int) {
    let length = Generator.run
    bytes.withMemoryRebound(to: UInt32.self, capacity: 4 * length) { words in
      kernel_philox(
        words, words + length, words + 2 * length, words + 3 * length, length, UInt64(run * length), key.0, key.1)
    }
  }

  /// Where a row of choices begins, and how far apart they are, for kernels.
  func choices(from position: Int, apart step: Int) -> KernelChoices {
    KernelChoices(position: UInt64(position), step: UInt64(step), key0: key.0, key1: key.1)
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
    let words = philox(self.counter(counter), key)
    return (UInt64(words.0) << 32 | UInt64(words.1), UInt64(words.2) << 32 | UInt64(words.3))
  }

  @inline(__always)
  private static func uniform(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }

  typealias Words = (UInt32, UInt32, UInt32, UInt32)

  @inline(__always)
  private static func counter(_ position: UInt64, _ stream: UInt32 = 0) -> Words {
    (UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32), stream, 0)
  }

  /// All rounds of Philox on one counter.
  @inline(__always)
  static func philox(_ counter: Words, _ key: (UInt32, UInt32)) -> Words {
    var words = counter
    var (k0, k1) = key
    for _ in 0..<rounds {
      words = round(words, k0, k1)
      (k0, k1) = nextKey(k0, k1)
    }
    return words
  }

  private static let rounds = 10

  @inline(__always)
  private static func nextKey(_ k0: UInt32, _ k1: UInt32) -> (UInt32, UInt32) { (k0 &+ 0x9E37_79B9, k1 &+ 0xBB67_AE85) }

  @inline(__always)
  private static func round(_ words: Words, _ k0: UInt32, _ k1: UInt32) -> Words {
    let first = UInt64(words.0) &* 0xD251_1F53
    let second = UInt64(words.2) &* 0xCD9E_8D57
    return (
      UInt32(truncatingIfNeeded: second &>> 32) ^ words.1 ^ k0, UInt32(truncatingIfNeeded: second),
      UInt32(truncatingIfNeeded: first &>> 32) ^ words.3 ^ k1, UInt32(truncatingIfNeeded: first)
    )
  }
}
