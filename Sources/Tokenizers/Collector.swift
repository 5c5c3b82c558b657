/// The tokens of one text as they come.
struct Collector {
  private var ids: [Int32] = []
  private var spans: [Span] = []
  private var edges: [UInt32] = []
  private var words: [Int32] = []
  private var word: Int32 = 0
  let wantsEdges: Bool

  init(wantsEdges: Bool) { self.wantsEdges = wantsEdges }

  @inline(__always)
  mutating func append(_ id: Int32, _ span: Span, edges: UInt32) {
    ids.append(id)
    spans.append(span)
    words.append(word)
    if wantsEdges { self.edges.append(edges) }
  }

  /// Goes on to the next word. Added tokens are words of their own.
  @inline(__always)
  mutating func endWord() { word += 1 }

  /// - Parameter bytes: The text.
  func encoding(_ bytes: Bytes, type: Int32, _ unit: Tokenizer.Unit) -> Encoding {
    var encoding = Encoding()
    encoding.ids = ids
    encoding.words = words
    encoding.edges = wantsEdges ? edges : Array(repeating: 0, count: ids.count)
    encoding.typeIDs = Array(repeating: type, count: encoding.count)
    encoding.attentionMask = Array(repeating: 1, count: encoding.count)
    encoding.specialTokensMask = Array(repeating: 0, count: encoding.count)
    switch unit {
    case .bytes: encoding.places = spans.map { Encoding.Place(start: Int($0.start), end: Int($0.end)) }
    case .scalars:
      // How many scalars begin before each byte's scalar.
      var counts: [UInt32] = []
      counts.reserveCapacity(bytes.count)
      var count: UInt32 = 0
      for byte in bytes {
        if !isContinuation(byte) { count += 1 }
        counts.append(count - 1)
      }
      encoding.places = spans.map { span in
        let (start, end) = (Int(span.start), Int(span.end))
        guard start < counts.count else { return Encoding.Place(start: start, end: end) }
        let low = Int(counts[start])
        if end < counts.count { return Encoding.Place(start: low, end: Int(counts[end])) }
        return Encoding.Place(start: low, end: (end - 1 < counts.count ? Int(counts[end - 1]) : low + 1) + 1)
      }
    }
    return encoding
  }
}
