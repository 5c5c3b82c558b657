/// What is done to a text before it is cut: `normalizer` of `tokenizer.json`.
enum Normalizer: Sendable {
  case bert(BertNormalizer)
  case form(NormalForm)
  case lowercase
  case strip(left: Bool, right: Bool)
  case stripAccents
  case replace(Pattern, with: [UInt8])
  case prepend([UInt8])
  case charsMap(CharsMap)
  case byteLevel
  case nmt
  case sequence([Normalizer])

  init(_ field: Field) throws {
    let kind = field["type"]
    switch try kind.text() {
    case "BertNormalizer", "Bert": self = .bert(try BertNormalizer(field))
    case "NFC": self = .form(.nfc)
    case "NFD": self = .form(.nfd)
    case "NFKC": self = .form(.nfkc)
    case "NFKD": self = .form(.nfkd)
    case "Lowercase": self = .lowercase
    case "Strip": self = .strip(left: try field["strip_left"].flag(), right: try field["strip_right"].flag())
    case "StripAccents": self = .stripAccents
    case "Replace": self = .replace(try field["pattern"].pattern(), with: try field["content"].bytes())
    case "Prepend": self = .prepend(try field["prepend"].bytes())
    case "Precompiled": self = .charsMap(try CharsMap(field["precompiled_charsmap"]))
    case "ByteLevel": self = .byteLevel
    case "Nmt": self = .nmt
    case "Sequence": self = .sequence(try field["normalizers"].elements().map(Normalizer.init))
    case let name: throw kind.fault("is `\(name)`, a normalizer that is not known")
    }
  }

  func apply(to text: inout AlignedText) {
    switch self {
    case .bert(let bert): bert.apply(to: &text)
    case .form(let form): form.apply(to: &text)
    case .lowercase: Self.lowercase(&text)
    case .strip(let left, let right): Self.strip(&text, left: left, right: right)
    case .stripAccents:
      if !text.bytes.isASCII {
        text.map { scalar, emit in if !UnicodeProperties.combiningMark.contains(scalar) { emit(scalar) } }
      }
    case .replace(let pattern, let content): text.replace(pattern.matches(in: text.bytes), with: content)
    case .prepend(let content): text.prepend(content)
    case .charsMap(let map): map.apply(to: &text)
    case .byteLevel: ByteAlphabet.spell(&text)
    case .nmt: text.map(Self.nmt)
    case .sequence(let parts): for part in parts { part.apply(to: &text) }
    }
  }

  private static func lowercase(_ text: inout AlignedText) {
    if text.bytes.isASCII { return text.replaceBytes(lowercase) }
    text.map { scalar, emit in lowercase(scalar, emit) }
  }

  @inline(__always)
  static func lowercase(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }

  @inline(__always)
  static func lowercase(_ scalar: UInt32, _ emit: (UInt32) -> Void) {
    let map = UnicodeProperties.lowercase
    if let places = map.places(scalar) {
      for place in places { emit(map.target(place)) }
    } else {
      emit(scalar)
    }
  }

  private static func strip(_ text: inout AlignedText, left: Bool, right: Bool) {
    let range = text.bytes.withUnsafeBufferPointer { bytes in
      var start = 0
      var end = bytes.count
      while left, start < end, case (let value, let length) = scalar(bytes, at: start),
        UnicodeProperties.whiteSpace.contains(value)
      {
        start += length
      }
      while right, end > start, case (let value, let place) = scalar(bytes, before: end),
        UnicodeProperties.whiteSpace.contains(value)
      {
        end = place
      }
      return start..<end
    }
    if range.count < text.bytes.count { text.keep(range) }
  }

  /// The rules of the toolkit that the first SentencePiece models came from: controls go, odd spaces become plain ones.
  private static func nmt(_ scalar: UInt32, _ emit: (UInt32) -> Void) {
    switch scalar {
    case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
    case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: emit(0x20)
    default: emit(scalar)
    }
  }
}

extension Pattern {
  /// All matches in a text.
  func matches(in bytes: [UInt8]) -> [Range<Int>] {
    var stack: [Frame] = []
    var matches: [Range<Int>] = []
    bytes.withUnsafeBufferPointer { bytes in
      forEachMatch(in: bytes, 0..<bytes.count, &stack) { matches.append($0) }
    }
    return matches
  }
}
