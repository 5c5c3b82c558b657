/// Entities in a sentence whose words are tagged: `B-` begins one of a class, `I-` goes on with it, all else is outside.
///
/// As CoNLL's script reads them, an `I-` that nothing goes before, or another class, begins one too; so tags of IOB1, IOB2 and BIOES
/// (whose `E-` and `S-` end one) are understood.
public struct Entities: Sendable {
  struct Span: Hashable { let start, end: Int, kind: Substring }

  private let spans: Set<Span>

  public var count: Int { spans.count }

  /// Whether classes are called as those of entities are.
  public static func areNames(_ names: [String]) -> Bool {
    names.contains { $0.hasPrefix("B-") || $0.hasPrefix("I-") }
      && names.allSatisfy { $0 == "O" || parts($0).position != "O" }
  }

  private static func parts(_ tag: String) -> (position: Character, kind: Substring) {
    guard let first = tag.first, "BIES".contains(first), tag.dropFirst().first == "-" else { return ("O", "") }
    return (first, tag.dropFirst(2))
  }

  public init(_ tags: [String]) {
    var spans: Set<Span> = []
    var open: (start: Int, kind: Substring)?
    func close(_ end: Int) {
      if let open { spans.insert(Span(start: open.start, end: end, kind: open.kind)) }
    }
    for (place, tag) in tags.enumerated() {
      let (position, kind) = Self.parts(tag)
      if position == "O" || position == "B" || position == "S" || open?.kind != kind {
        close(place)
        open = position == "O" ? nil : (place, kind)
      }
      if position == "E" || position == "S" {
        close(place + 1)
        open = nil
      }
    }
    close(tags.count)
    self.spans = spans
  }

  /// How many entities both have: the same words, the same class.
  public func shared(with other: Entities) -> Int { spans.intersection(other.spans).count }
}
