/// Where a text is cut into graphemes: what a reader takes for one character (UAX 29, extended grapheme clusters).
enum GraphemeBreaks {
  /// Classes of scalars, by the letters that `UnicodeTables` gives them.
  private enum Kind: UInt32 {
    case any, control, extend, linker, plainExtend, joiner, spacing, prepend, picture, consonant, regional
    case lead, vowel, trail, leadVowel, leadVowelTrail

    init?(letter: Character) {
      switch letter {
      case "C": self = .control
      case "E": self = .extend
      case "L": self = .linker
      case "N": self = .plainExtend
      case "Z": self = .joiner
      case "S": self = .spacing
      case "P": self = .prepend
      case "X": self = .picture
      case "I": self = .consonant
      case "R": self = .regional
      default: return nil
      }
    }

    var extends: Bool { self == .extend || self == .linker || self == .plainExtend || self == .joiner }
  }

  private static let kinds = ScalarMap(
    UnicodeProperties.sets.reduce(into: [:]) { kinds, set in
      guard set.key.hasPrefix("grapheme "), let kind = Kind(letter: set.key.last!) else { return }
      for run in set.value.runs {
        for scalar in run { kinds[scalar] = [kind.rawValue] }
      }
    })

  private static func kind(_ scalar: UInt32) -> Kind {
    switch scalar {
    case 0..<0x20, 0x7F: return .control
    case 0x20..<0x7F: return .any
    case 0xAC00...0xD7A3: return (scalar - 0xAC00) % 28 == 0 ? .leadVowel : .leadVowelTrail
    case 0x1100...0x115F, 0xA960...0xA97C: return .lead
    case 0x1160...0x11A7, 0xD7B0...0xD7C6: return .vowel
    case 0x11A8...0x11FF, 0xD7CB...0xD7FB: return .trail
    default: return kinds.places(scalar).flatMap { Kind(rawValue: kinds.target($0.lowerBound)) } ?? .any
    }
  }

  /// Goes over the graphemes of a text in order.
  static func forEach(_ bytes: Bytes, _ body: (Range<Int>) -> Void) {
    var start = 0
    while start < bytes.count {
      let end = self.end(bytes, from: start)
      body(start..<end)
      start = end
    }
  }

  private static func end(_ bytes: Bytes, from start: Int) -> Int {
    var (value, length) = scalar(bytes, at: start)
    var offset = start + length
    var last = kind(value)
    var isRegionalPair = false
    // Whether a picture and what extends it came last; a consonant, then whether a linker came.
    var picture = last == .picture
    var isJoined = false
    var conjunct: Bool? = last == .consonant ? false : nil
    while offset < bytes.count {
      (value, length) = (scalar(bytes, at: offset).value, scalarLength(bytes[offset]))
      let next = kind(value)
      if last == .control {
        guard bytes[offset - 1] == 0x0D, value == 0x0A else { return offset }
      } else {
        let joins: Bool =
          switch (last, next) {
          case (_, .control): false
          case (.lead, .lead), (.lead, .vowel), (.lead, .leadVowel), (.lead, .leadVowelTrail): true
          case (.leadVowel, .vowel), (.vowel, .vowel), (.leadVowel, .trail), (.vowel, .trail): true
          case (.leadVowelTrail, .trail), (.trail, .trail): true
          case (_, .extend), (_, .linker), (_, .plainExtend), (_, .joiner), (_, .spacing), (.prepend, _): true
          case (.joiner, .picture): isJoined
          case (_, .consonant): conjunct == true && last.extends
          case (.regional, .regional): !isRegionalPair
          default: false
          }
        guard joins else { return offset }
      }
      if next == .regional { isRegionalPair = last == .regional && !isRegionalPair }
      isJoined = picture && next == .joiner
      picture = next == .picture || (picture && next.extends && next != .joiner)
      switch next {
      case .consonant: conjunct = false
      case .linker: if conjunct != nil { conjunct = true }
      case .extend, .joiner: break
      default: conjunct = nil
      }
      last = next
      offset += length
    }
    return offset
  }
}
