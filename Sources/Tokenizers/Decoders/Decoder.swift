/// How tokens become a text again: `decoder` of `tokenizer.json`.
enum Decoder: Sendable {
  case bytePairs(suffix: [UInt8])
  case byteLevel
  case wordPiece(prefix: [UInt8], cleansUp: Bool)
  case metaspace(replacement: UInt32, isPrepended: Bool)
  case connectionist(padding: [UInt8], delimiter: [UInt8], cleansUp: Bool)
  case replace(Pattern, with: [UInt8])
  case strip(UInt32, start: Int, stop: Int)
  case byteFallback
  case fuse
  case sequence([Decoder])

  init(_ field: Field) throws {
    let kind = field["type"]
    switch try kind.text() {
    case "BPEDecoder": self = .bytePairs(suffix: try field["suffix"].bytes())
    case "ByteLevel": self = .byteLevel
    case "WordPiece":
      self = .wordPiece(prefix: try field["prefix"].bytes(), cleansUp: try field["cleanup"].flag())
    case "Metaspace":
      let metaspace = try Metaspace(field)
      self = .metaspace(replacement: metaspace.replacement, isPrepended: metaspace.prepending != .never)
    case "CTC":
      self = .connectionist(
        padding: try field["pad_token"].bytes(), delimiter: try field["word_delimiter_token"].bytes(),
        cleansUp: try field["cleanup"].flag())
    case "Replace": self = .replace(try field["pattern"].pattern(), with: try field["content"].bytes())
    case "Strip":
      self = .strip(try field["content"].scalar(), start: try field["start"].count(), stop: try field["stop"].count())
    case "ByteFallback": self = .byteFallback
    case "Fuse": self = .fuse
    case "Sequence": self = .sequence(try field["decoders"].elements().map(Decoder.init))
    case let name: throw kind.fault("is `\(name)`, a decoder that is not known")
    }
  }

  func apply(to tokens: inout [[UInt8]]) {
    switch self {
    case .bytePairs(let suffix):
      for index in tokens.indices {
        tokens[index].replace(suffix, with: index == tokens.count - 1 ? [] : [0x20])
      }
    case .byteLevel:
      let bytes = tokens.flatMap { token in
        token.withUnsafeBufferPointer { ByteAlphabet.bytes(spelledBy: $0) } ?? token
      }
      tokens = [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    case .wordPiece(let prefix, let cleansUp):
      for index in tokens.indices {
        if index > 0 {
          tokens[index] =
            tokens[index].starts(with: prefix) ? Array(tokens[index].dropFirst(prefix.count)) : [0x20] + tokens[index]
        }
        if cleansUp { Self.cleanUp(&tokens[index]) }
      }
    case .metaspace(let replacement, let isPrepended):
      var mark: [UInt8] = []
      mark.append(scalar: replacement)
      for index in tokens.indices { tokens[index].replace(mark, with: index == 0 && isPrepended ? [] : [0x20]) }
    case .connectionist(let padding, let delimiter, let cleansUp):
      var kept: [[UInt8]] = []
      for (index, token) in tokens.enumerated() where index == 0 || tokens[index - 1] != token {
        var text = token
        text.replace(padding, with: [])
        if cleansUp {
          Self.cleanUp(&text)
          text.replace(delimiter, with: [0x20])
        }
        if !text.isEmpty { kept.append(text) }
      }
      tokens = kept
    case .replace(let pattern, let content):
      for index in tokens.indices {
        var new: [UInt8] = []
        var end = 0
        for match in pattern.matches(in: tokens[index]) where !tokens[index].isEmpty {
          new += tokens[index][end..<match.lowerBound] + content
          end = match.upperBound
        }
        tokens[index] = new + tokens[index][end...]
      }
    case .strip(let scalar, let start, let stop):
      for index in tokens.indices { Self.strip(&tokens[index], scalar, start: start, stop: stop) }
    case .byteFallback: Self.joinBytes(&tokens)
    case .fuse: tokens = [Array(tokens.joined())]
    case .sequence(let parts): for part in parts { part.apply(to: &tokens) }
    }
  }

  /// What English texts lose when they are cut into words and joined with spaces.
  private static let repairs: [(wrong: [UInt8], right: [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

  private static func cleanUp(_ text: inout [UInt8]) {
    for repair in repairs { text.replace(repair.wrong, with: repair.right) }
  }

  private static func strip(_ text: inout [UInt8], _ scalar: UInt32, start: Int, stop: Int) {
    var mark: [UInt8] = []
    mark.append(scalar: scalar)
    // Both ends are found in the whole text, as in the package.
    var first = 0
    for _ in 0..<start where text[(first * mark.count)...].starts(with: mark) { first += 1 }
    var last = 0
    for _ in 0..<stop where text.dropLast(last * mark.count).reversed().starts(with: mark.reversed()) { last += 1 }
    let range = (first * mark.count, text.count - last * mark.count)
    text = range.0 < range.1 ? Array(text[range.0..<range.1]) : []
  }

  /// Tokens like `<0x0A>` are bytes. Neighbours that are no text together are one `�` each.
  private static func joinBytes(_ tokens: inout [[UInt8]]) {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if String(validating: bytes, as: UTF8.self) != nil {
        if !bytes.isEmpty { result.append(bytes) }
      } else {
        result += repeatElement(Array("\u{FFFD}".utf8), count: bytes.count)
      }
      bytes = []
    }
    for token in tokens {
      if token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">"),
        let byte = UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
      {
        bytes.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    tokens = result
  }
}

extension Array where Element == UInt8 {
  /// Puts a text in the place of each occurrence of another, from the left. An empty one occurs nowhere.
  fileprivate mutating func replace(_ old: [UInt8], with new: [UInt8]) {
    guard !old.isEmpty, count >= old.count, contains(old[0]) else { return }
    var result: [UInt8] = []
    var offset = 0
    while offset < count {
      if self[offset] == old[0], self[offset...].starts(with: old) {
        result += new
        offset += old.count
      } else {
        result.append(self[offset])
        offset += 1
      }
    }
    self = result
  }
}
