import Foundation

/// The normal numbers that PyTorch's generator of the processor gives after `manual_seed`: `torch.randn` of at least 16 of them.
///
/// A Mersenne Twister (Matsumoto and Nishimura 1998), whose uniform numbers are turned into normal ones sixteen at a time (Box and
/// Muller 1958). Used only where the numbers of a library that draws in this way are to come out.
public enum TorchNormals {
  /// - Parameter isDouble: Whether they are float64's; float32's are other numbers, rounded to float32.
  public static func numbers(_ count: Int, seed: UInt32, isDouble: Bool) -> [Double] {
    precondition(count >= 16, "fewer than 16 normal numbers are drawn in another way")
    var twister = MersenneTwister(seed: seed)
    func uniform() -> Double {
      guard isDouble else { return Double(twister.next() & 0xFF_FFFF) * 0x1p-24 }
      let high = UInt64(twister.next())
      return Double((high << 32 | UInt64(twister.next())) & 0x1F_FFFF_FFFF_FFFF) * 0x1p-53
    }
    var numbers = (0..<count).map { _ in uniform() }
    for start in stride(from: 0, through: count - 16, by: 16) { turn(&numbers, from: start) }
    if count % 16 != 0 {
      // What is left over is drawn anew, with as much of the block before it as makes it whole.
      for index in count - 16..<count { numbers[index] = uniform() }
      turn(&numbers, from: count - 16)
    }
    return isDouble ? numbers : numbers.map { Double(Float($0)) }
  }

  private static func turn(_ numbers: inout [Double], from start: Int) {
    for index in start..<start + 8 {
      let radius = (-2 * log(1 - numbers[index])).squareRoot()
      let angle = 2 * Double.pi * numbers[index + 8]
      (numbers[index], numbers[index + 8]) = (radius * cos(angle), radius * sin(angle))
    }
  }
}

/// MT19937.
private struct MersenneTwister {
  private var state: [UInt32]
  private var place = 624

  init(seed: UInt32) {
    state = [seed]
    for index in 1..<624 {
      let last = state[index - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index))
    }
  }

  mutating func next() -> UInt32 {
    if place == 624 { renew() }
    var y = state[place]
    place += 1
    y ^= y >> 11
    y ^= y << 7 & 0x9D2C_5680
    y ^= y << 15 & 0xEFC6_0000
    return y ^ y >> 18
  }

  private mutating func renew() {
    for index in 0..<624 {
      let y = state[index] & 0x8000_0000 | state[(index + 1) % 624] & 0x7FFF_FFFF
      state[index] = state[(index + 397) % 624] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    place = 0
  }
}
