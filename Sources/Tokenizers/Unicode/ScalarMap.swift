/// What some Unicode scalars become: their lower case, their decomposition. One scalar may become several.
final class ScalarMap: Sendable {
  let entries: [UInt32: [UInt32]]
  /// For every 256 scalars the place of their entries, or 0: none of them becomes anything else.
  private let pages: [UInt16]
  /// Place among the targets and number of them in the lowest eight bits, or 0.
  private let places: [UInt32]
  private let targets: [UInt32]

  init(_ entries: [UInt32: [UInt32]]) {
    self.entries = entries
    var pages = [UInt16](repeating: 0, count: 0x1100)
    var places = [UInt32](repeating: 0, count: 256)
    var targets: [UInt32] = []
    for (scalar, target) in entries.sorted(by: { $0.key < $1.key }) {
      let page = Int(scalar >> 8)
      if pages[page] == 0 {
        pages[page] = UInt16(places.count / 256)
        places += [UInt32](repeating: 0, count: 256)
      }
      places[Int(pages[page]) * 256 + Int(scalar & 255)] = UInt32(targets.count << 8 | target.count)
      targets += target
    }
    self.pages = pages
    self.places = places
    self.targets = targets
  }

  /// Reads `gap count target…,…` in base 36, as `UnicodeTables` has it.
  convenience init(coded text: Substring) {
    var entries: [UInt32: [UInt32]] = [:]
    var next: UInt32 = 0
    for words in text.split(separator: ",") {
      let numbers = words.split(separator: " ").map { Int($0, radix: 36)! }
      let first = next + UInt32(numbers[0])
      next = first + UInt32(numbers[1])
      for scalar in first..<next { entries[scalar] = numbers.dropFirst(2).map { UInt32(Int(scalar) + $0) } }
    }
    self.init(entries)
  }

  /// The places of what a scalar becomes, for `target`; nil where it stays.
  @inline(__always)
  func places(_ scalar: UInt32) -> Range<Int>? {
    let place = places[Int(pages[Int(scalar >> 8)]) * 256 + Int(scalar & 255)]
    return place == 0 ? nil : Int(place >> 8)..<Int(place >> 8) + Int(place & 255)
  }

  @inline(__always)
  func target(_ place: Int) -> UInt32 { targets[place] }
}
