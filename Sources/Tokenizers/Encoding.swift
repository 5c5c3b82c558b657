/// A text as tokens. All arrays have one element a token.
public struct Encoding: Sendable, Equatable {
  /// Where a token stands in the given text: from `start` to before `end`. Tokens that are of no text have 0 and 0.
  public struct Place: Sendable, Equatable {
    public var start: Int
    public var end: Int
  }

  public internal(set) var ids: [Int32] = []
  /// Which part of a pair a token is of, as the model counts them.
  public internal(set) var typeIDs: [Int32] = []
  /// 0 for tokens that only fill up.
  public internal(set) var attentionMask: [Int32] = []
  /// 1 for tokens that the tokenizer put in.
  public internal(set) var specialTokensMask: [Int32] = []
  public internal(set) var places: [Place] = []
  /// The piece of the text that a token is of, −1 for those of none.
  public internal(set) var words: [Int32] = []
  /// What truncation cut off, in parts as long as this one.
  public internal(set) var overflow: [Encoding] = []
  /// White space at both ends of the tokens, for processors that trim: leading in the upper half, trailing in the lower.
  var edges: [UInt32] = []

  public var count: Int { ids.count }

  init() {}

  /// Tokens that a template puts in.
  init(special ids: [Int32], type: Int32) {
    self.ids = ids
    typeIDs = Array(repeating: type, count: ids.count)
    attentionMask = Array(repeating: 1, count: ids.count)
    specialTokensMask = Array(repeating: 1, count: ids.count)
    places = Array(repeating: Place(start: 0, end: 0), count: ids.count)
    words = Array(repeating: -1, count: ids.count)
    edges = Array(repeating: 0, count: ids.count)
  }

  mutating func setType(_ type: Int32) { typeIDs = Array(repeating: type, count: ids.count) }

  /// Appends another; what overflows of either goes together with every part of the other.
  mutating func append(_ other: Encoding) {
    var parts: [Encoding] = []
    for own in overflow {
      for their in [other] + other.overflow {
        var part = own
        part.appendTokens(their)
        part.overflow = []
        parts.append(part)
      }
    }
    for their in other.overflow {
      var part = self
      part.appendTokens(their)
      part.overflow = []
      parts.append(part)
    }
    appendTokens(other)
    overflow = parts
  }

  private mutating func appendTokens(_ other: Encoding) {
    ids += other.ids
    typeIDs += other.typeIDs
    attentionMask += other.attentionMask
    specialTokensMask += other.specialTokensMask
    places += other.places
    words += other.words
    edges += other.edges
  }

  subscript(range: Range<Int>) -> Encoding {
    var part = Encoding()
    part.ids = Array(ids[range])
    part.typeIDs = Array(typeIDs[range])
    part.attentionMask = Array(attentionMask[range])
    part.specialTokensMask = Array(specialTokensMask[range])
    part.places = Array(places[range])
    part.words = Array(words[range])
    part.edges = Array(edges[range])
    return part
  }
}
