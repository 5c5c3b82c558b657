/// SentencePiece's way: a space is a character of its own (`▁`), which a word begins with.
struct Metaspace: Sendable {
  enum Prepending: String, CaseIterable, Sendable {
    /// Only to the beginning of the whole text.
    case first
    case never
    /// To every piece between added tokens.
    case always
  }

  let replacement: UInt32
  let prepending: Prepending
  let splits: Bool
  private let bytes: [UInt8]
  private let set: ScalarSet

  init(_ field: Field) throws {
    replacement = try field["replacement"].scalar()
    splits = try field["split"].flag(default: true)
    let scheme = field["prepend_scheme"]
    var prepending = scheme.isNull ? .always : try scheme.name(Prepending.self)
    // Files of old versions.
    if try !field["add_prefix_space"].flag(default: true) {
      guard scheme.isNull || prepending == .never else {
        throw scheme.fault("is `\(prepending.rawValue)`, and `add_prefix_space` is false")
      }
      prepending = .never
    }
    self.prepending = prepending
    var bytes: [UInt8] = []
    bytes.append(scalar: replacement)
    self.bytes = bytes
    set = ScalarSet(ScalarRanges(replacement))
  }

  func apply(to words: inout Words) {
    words.replace(0x20, with: bytes)
    switch prepending {
    case .always: words.prepend(bytes) { !$0.starts(with: bytes) }
    case .first: words.prepend(bytes, onlyFirst: true) { !$0.starts(with: bytes) }
    case .never: break
    }
    if splits { words.split(set, .mergedWithNext) }
  }
}
