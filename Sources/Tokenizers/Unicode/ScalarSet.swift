/// A set of Unicode scalars as bits in two stages: the hot path's answer to "is this one of them?".
final class ScalarSet: Sendable {
  let ranges: ScalarRanges
  /// For every 256 scalars the place of their bits; equal bits stand there once.
  private let pages: [UInt16]
  private let bits: [UInt64]
  /// The bits of ASCII.
  let low: UInt64
  let high: UInt64

  init(_ ranges: ScalarRanges) {
    self.ranges = ranges
    var all = [UInt64](repeating: 0, count: 0x110000 / 64)
    for run in ranges.runs {
      var scalar = Int(run.lowerBound)
      while scalar <= Int(run.upperBound) {
        if scalar & 63 == 0, scalar + 63 <= Int(run.upperBound) {
          all[scalar >> 6] = ~0
          scalar += 64
        } else {
          all[scalar >> 6] |= 1 << UInt64(scalar & 63)
          scalar += 1
        }
      }
    }
    var pages: [UInt16] = []
    var bits: [UInt64] = []
    var known: [ArraySlice<UInt64>: UInt16] = [:]
    for page in 0..<0x1100 {
      let slice = all[page * 4..<page * 4 + 4]
      if let place = known[slice] {
        pages.append(place)
      } else {
        let place = UInt16(bits.count / 4)
        known[slice] = place
        pages.append(place)
        bits += slice
      }
    }
    self.pages = pages
    self.bits = bits
    low = all[0]
    high = all[1]
  }

  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return (scalar < 64 ? low : high) >> UInt64(scalar & 63) & 1 != 0 }
    let page = Int(pages[Int(scalar >> 8)])
    return bits[page * 4 + Int(scalar >> 6 & 3)] >> UInt64(scalar & 63) & 1 != 0
  }
}
