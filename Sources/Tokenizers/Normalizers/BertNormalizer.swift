/// What BERT does to a text: controls go, odd spaces become plain ones, Chinese characters stand alone, accents go, and
/// letters become small. All in one pass.
struct BertNormalizer: Sendable {
  let cleansText: Bool
  let separatesChinese: Bool
  let stripsAccents: Bool
  let lowercases: Bool

  init(_ field: Field) throws {
    cleansText = try field["clean_text"].flag()
    separatesChinese = try field["handle_chinese_chars"].flag()
    lowercases = try field["lowercase"].flag()
    stripsAccents = try field["strip_accents"].flag(default: lowercases)
  }

  func apply(to text: inout AlignedText) {
    if text.bytes.isASCII {
      let isClean = !cleansText || !text.bytes.contains { $0 < 0x20 || $0 == 0x7F }
      if isClean {
        if lowercases { text.replaceBytes(Normalizer.lowercase) }
        return
      }
    }
    if stripsAccents, hasKeptMarks(text) { return applyInSteps(to: &text) }
    text.map(normalized)
  }

  private func normalized(_ scalar: UInt32, _ emit: (UInt32) -> Void) {
    var scalar = scalar
    if cleansText {
      guard Self.isKept(scalar) else { return }
      if Self.isSpace(scalar) { scalar = 0x20 }
    }
    let isChinese = separatesChinese && Self.isChinese(scalar)
    if isChinese { emit(0x20) }
    if stripsAccents {
      NormalForm.decompose(scalar, compatible: false) { part in
        if !UnicodeProperties.nonspacingMark.contains(part) { lowered(part, emit) }
      }
    } else {
      lowered(scalar, emit)
    }
    if isChinese { emit(0x20) }
  }

  @inline(__always)
  private func lowered(_ scalar: UInt32, _ emit: (UInt32) -> Void) {
    if lowercases { Normalizer.lowercase(scalar, emit) } else { emit(scalar) }
  }

  /// Marks that combine and are not stripped. Among them others are sorted, so they need the normal form as a step of its own.
  private func hasKeptMarks(_ text: AlignedText) -> Bool { text.scalars.contains(where: Self.keptMarks.contains) }

  private static let keptMarks = ScalarSet(
    ScalarRanges(UnicodeProperties.combiningClass.entries.keys.map { $0...$0 })
      .subtracting(UnicodeProperties.nonspacingMark.ranges))

  private func applyInSteps(to text: inout AlignedText) {
    if cleansText {
      text.map { scalar, emit in if Self.isKept(scalar) { emit(Self.isSpace(scalar) ? 0x20 : scalar) } }
    }
    if separatesChinese {
      text.map { scalar, emit in
        let isChinese = Self.isChinese(scalar)
        if isChinese { emit(0x20) }
        emit(scalar)
        if isChinese { emit(0x20) }
      }
    }
    NormalForm.nfd.apply(to: &text)
    text.map { scalar, emit in if !UnicodeProperties.nonspacingMark.contains(scalar) { lowered(scalar, emit) } }
  }

  @inline(__always)
  private static func isSpace(_ scalar: UInt32) -> Bool { UnicodeProperties.whiteSpace.contains(scalar) }

  @inline(__always)
  private static func isKept(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x20..<0x7F, 9, 10, 13: true
    case 0, 0xFFFD: false
    default: !UnicodeProperties.other.contains(scalar)
    }
  }

  /// The blocks that BERT's authors listed. The seventh begins where the package says, not where the block does.
  @inline(__always)
  private static func isChinese(_ scalar: UInt32) -> Bool {
    guard scalar >= 0x3400 else { return false }
    return switch scalar {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
