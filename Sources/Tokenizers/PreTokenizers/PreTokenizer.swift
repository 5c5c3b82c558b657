/// How a text is cut into the words that the model sees: `pre_tokenizer` of `tokenizer.json`.
enum PreTokenizer: Sendable {
  case bert
  case byteLevel(ByteLevel)
  case delimiter(ScalarSet)
  case digits(areAlone: Bool)
  case fixedLength(Int)
  case metaspace(Metaspace)
  case punctuation(SplitBehavior)
  case split(Pattern, SplitBehavior, isInverted: Bool)
  case unicodeScripts
  case whitespace
  case whitespaceSplit
  case sequence([PreTokenizer])

  struct ByteLevel: Sendable {
    let addsPrefixSpace: Bool
    let usesPattern: Bool
    /// Whether bytes are spelled as characters. A model that takes bytes as they are needs none of that.
    var spells = true

    /// The pattern that GPT-2 came with.
    static let pattern = try! Pattern(#"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#)
  }

  init(_ field: Field) throws {
    let kind = field["type"]
    switch try kind.text() {
    case "BertPreTokenizer": self = .bert
    case "ByteLevel":
      self = .byteLevel(
        ByteLevel(
          addsPrefixSpace: try field["add_prefix_space"].flag(),
          usesPattern: try field["use_regex"].flag(default: true)))
    case "CharDelimiterSplit", "Delimiter":
      self = .delimiter(ScalarSet(ScalarRanges(try field["delimiter"].scalar())))
    case "Digits": self = .digits(areAlone: try field["individual_digits"].flag())
    case "FixedLength":
      let length = field["length"].isNull ? 5 : try field["length"].count()
      guard length > 0 else { throw field["length"].fault("is 0") }
      self = .fixedLength(length)
    case "Metaspace": self = .metaspace(try Metaspace(field))
    case "Punctuation":
      self = .punctuation(field["behavior"].isNull ? .isolated : try field["behavior"].name(SplitBehavior.self))
    case "Split":
      self = .split(
        try field["pattern"].pattern(), try field["behavior"].name(SplitBehavior.self),
        isInverted: try field["invert"].flag())
    case "UnicodeScripts": self = .unicodeScripts
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    case "Sequence": self = .sequence(try field["pretokenizers"].elements().map(PreTokenizer.init))
    case let name: throw kind.fault("is `\(name)`, a pre-tokenizer that is not known")
    }
  }

  func apply(to words: inout Words) {
    switch self {
    case .bert:
      words.split(UnicodeProperties.whiteSpace, .removed)
      words.split(UnicodeProperties.punctuation, .isolated)
    case .byteLevel(let level):
      if level.addsPrefixSpace { words.prepend([0x20]) { $0.first != 0x20 } }
      if level.usesPattern { words.split(ByteLevel.pattern, .isolated, isInverted: false) }
      if level.spells { words.spellBytes() }
    case .delimiter(let set): words.split(set, .removed)
    case .digits(let areAlone): words.split(UnicodeProperties.numeric, areAlone ? .isolated : .contiguous)
    case .fixedLength(let length): words.cut(every: length)
    case .metaspace(let metaspace): metaspace.apply(to: &words)
    case .punctuation(let behavior): words.split(UnicodeProperties.punctuation, behavior)
    case .split(let pattern, let behavior, let isInverted): words.split(pattern, behavior, isInverted: isInverted)
    case .unicodeScripts: words.splitScripts()
    case .whitespace: words.splitWords()
    case .whitespaceSplit: words.split(UnicodeProperties.whiteSpace, .removed)
    case .sequence(let parts): for part in parts { part.apply(to: &words) }
    }
  }

  /// The same without spelling bytes at the end, if that is its last step.
  var withoutSpelling: PreTokenizer? {
    switch self {
    case .byteLevel(var level):
      level.spells = false
      return .byteLevel(level)
    case .sequence(let parts):
      guard let last = parts.last?.withoutSpelling else { return nil }
      return .sequence(parts.dropLast() + [last])
    default: return nil
    }
  }
}

/// What becomes of the text that a cut is made at.
enum SplitBehavior: String, CaseIterable, Sendable {
  /// It falls away.
  case removed = "Removed"
  /// Each match is a piece.
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  /// Neighbouring matches are one piece.
  case contiguous = "Contiguous"
}
