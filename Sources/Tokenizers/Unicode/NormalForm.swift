/// The four normal forms of Unicode (UAX 15), in the version and with the alignments that the `tokenizers` package has.
enum NormalForm: String, Sendable {
  case nfc = "NFC"
  case nfd = "NFD"
  case nfkc = "NFKC"
  case nfkd = "NFKD"

  private var isCompatible: Bool { self == .nfkc || self == .nfkd }
  private var composes: Bool { self == .nfc || self == .nfkc }

  private static let hangul: UInt32 = 0xAC00
  private static let lead: UInt32 = 0x1100
  private static let vowel: UInt32 = 0x1161
  private static let trail: UInt32 = 0x11A7
  private static let vowels: UInt32 = 21
  private static let trails: UInt32 = 28
  private static let syllables: UInt32 = 19 * vowels * trails

  /// Scalars that this form changes, or that may change with what stands before them: a text without any stays as it is.
  private static let changing: [NormalForm: ScalarSet] = {
    let classed = Array(UnicodeProperties.combiningClass.entries.keys)
    let canonical = Array(UnicodeProperties.canonical.entries.keys)
    let compatible = Array(UnicodeProperties.compatible.entries.keys)
    let composed = UnicodeProperties.composed.entries
    let all = [hangul...hangul + syllables - 1]
    let joining = [vowel...vowel + vowels - 1, trail...trail + trails - 1]
    func set(_ scalars: [UInt32], _ runs: [ClosedRange<UInt32>]) -> ScalarSet {
      ScalarSet(ScalarRanges(scalars.map { $0...$0 } + runs))
    }
    let seconds = composed.values.map { $0[1] } + classed
    let broken = canonical.filter { composed[$0] == nil }
    return [
      .nfd: set(classed + canonical, all), .nfkd: set(classed + canonical + compatible, all),
      .nfc: set(seconds + broken, joining), .nfkc: set(seconds + broken + compatible, joining),
    ]
  }()

  private static let pairs: [UInt64: UInt32] = Dictionary(
    uniqueKeysWithValues: UnicodeProperties.composed.entries.map {
      (UInt64($0.value[0]) << 32 | UInt64($0.value[1]), $0.key)
    })

  private static func combiningClass(_ scalar: UInt32) -> UInt32 {
    let classes = UnicodeProperties.combiningClass
    return classes.places(scalar).map { classes.target($0.lowerBound) } ?? 0
  }

  func apply(to text: inout AlignedText) {
    if text.bytes.isASCII { return }
    let changing = Self.changing[self]!
    let scalars = text.scalars
    guard scalars.contains(where: changing.contains) else { return }
    let decomposed = decompose(scalars)
    text.transform(composes ? Self.compose(decomposed) : decomposed)
  }

  /// What one scalar falls into.
  static func decompose(_ scalar: UInt32, compatible: Bool, _ emit: (UInt32) -> Void) {
    if scalar < 0x80 { return emit(scalar) }
    if scalar &- hangul < syllables {
      let index = scalar - hangul
      emit(lead + index / (vowels * trails))
      emit(vowel + index % (vowels * trails) / trails)
      if index % trails > 0 { emit(trail + index % trails) }
      return
    }
    if compatible, let places = UnicodeProperties.compatible.places(scalar) {
      for place in places { emit(UnicodeProperties.compatible.target(place)) }
    } else if let places = UnicodeProperties.canonical.places(scalar) {
      for place in places { emit(UnicodeProperties.canonical.target(place)) }
    } else {
      emit(scalar)
    }
  }

  /// Decomposes all scalars and sorts what combines by its class, equal ones in their order.
  private func decompose(_ scalars: [UInt32]) -> [AlignedText.Change] {
    var changes: [AlignedText.Change] = []
    var classes: [UInt32] = []
    var pending = 0
    func sort() {
      guard changes.count - pending > 1 else { return }
      let order = (pending..<changes.count).sorted { classes[$0] == classes[$1] ? $0 < $1 : classes[$0] < classes[$1] }
      let sorted = order.map { (changes[$0], classes[$0]) }
      for (offset, element) in sorted.enumerated() {
        (changes[pending + offset], classes[pending + offset]) = element
      }
    }
    for scalar in scalars {
      var isFirst = true
      Self.decompose(scalar, compatible: isCompatible) { part in
        let combining = Self.combiningClass(part)
        if combining == 0 {
          sort()
          pending = changes.count
        }
        changes.append(.init(scalar: part, change: isFirst ? 0 : 1))
        classes.append(combining)
        isFirst = false
      }
    }
    sort()
    return changes
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first &- lead < 19, second &- vowel < vowels {
      return hangul + ((first - lead) * vowels + second - vowel) * trails
    }
    if first &- hangul < syllables, (first - hangul) % trails == 0, second > trail, second - trail < trails {
      return first + second - trail
    }
    return pairs[UInt64(first) << 32 | UInt64(second)]
  }

  /// Composes what was decomposed. A composed scalar counts for all that it was made of.
  private static func compose(_ parts: [AlignedText.Change]) -> [AlignedText.Change] {
    var result: [AlignedText.Change] = []
    var starter: AlignedText.Change?
    var marks: [AlignedText.Change] = []
    var last: UInt32?
    for part in parts {
      let combining = combiningClass(part.scalar)
      guard let held = starter else {
        if combining == 0 { starter = part } else { result.append(part) }
        continue
      }
      let isBlocked = last.map { $0 >= combining } ?? false
      if !isBlocked, let whole = pair(held.scalar, part.scalar) {
        starter = .init(scalar: whole, change: held.change + part.change - 1)
      } else if combining == 0 {
        result.append(held)
        result += marks
        marks = []
        last = nil
        starter = part
      } else {
        marks.append(part)
        last = combining
      }
    }
    if let starter { result.append(starter) }
    return result + marks
  }
}
