import Foundation

/// SentencePiece's compiled normalisation: a trie of texts (a double array as Darts writes it) and what each becomes.
///
/// The file: the trie's bytes as a number of four bytes, the trie, and texts that end with a zero byte, one after another.
struct CharsMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// - Parameter field: The map in base 64.
  init(_ field: Field) throws {
    guard let data = Data(base64Encoded: try field.text()) else { throw field.fault("is not base 64") }
    let bytes = [UInt8](data)
    func number(at offset: Int) -> UInt32 {
      UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
        | UInt32(bytes[offset + 3]) << 24
    }
    guard bytes.count >= 4, case let size = Int(number(at: 0)), size > 0, size % 4 == 0, size <= bytes.count - 4 else {
      throw field.fault("is not a map of characters: its trie is longer than it, or empty")
    }
    units = (0..<size / 4).map { number(at: 4 + 4 * $0) }
    texts = Array(bytes[(4 + size)...])
    guard String(validating: texts, as: UTF8.self) != nil else { throw field.fault("has texts that are not UTF-8") }
  }

  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

  /// What a text becomes: the entry of the shortest beginning of it that has one.
  private func entry(_ key: Bytes) -> Range<Int>? {
    var node = Self.offset(units[0])
    for byte in key {
      guard byte != 0 else { return nil }
      node ^= Int(byte)
      guard node < units.count, units[node] & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      let hasLeaf = units[node] >> 8 & 1 != 0
      node ^= Self.offset(units[node])
      if hasLeaf {
        guard node < units.count, case let start = Int(units[node] & 0x7FFF_FFFF), start <= texts.count else {
          return nil
        }
        return start..<(texts[start...].firstIndex(of: 0) ?? texts.count)
      }
    }
    return nil
  }

  /// Graphemes of fewer than six bytes are looked up whole, and where that finds nothing, scalar by scalar.
  func apply(to text: inout AlignedText) {
    var changes: [AlignedText.Change] = []
    var isChanged = false
    func add(_ part: Bytes, becoming entry: Range<Int>) {
      let old = part.reduce(into: 0) { if !isContinuation($1) { $0 += 1 } }
      let start = changes.count
      texts.withUnsafeBufferPointer { texts in
        var offset = entry.lowerBound
        while offset < entry.upperBound {
          let (value, length) = scalar(texts, at: offset)
          changes.append(.init(scalar: value, change: 0))
          offset += length
        }
      }
      let more = changes.count - start - old
      if more > 0 {
        for index in changes.index(changes.count - more, offsetBy: 0)..<changes.count { changes[index].change = 1 }
      } else if more < 0, !changes.isEmpty {
        changes[changes.count - 1].change += Int32(more)
      }
      isChanged = true
    }
    text.bytes.withUnsafeBufferPointer { bytes in
      GraphemeBreaks.forEach(bytes) { grapheme in
        if grapheme.count < 6, let entry = entry(Bytes(rebasing: bytes[grapheme])) {
          return add(Bytes(rebasing: bytes[grapheme]), becoming: entry)
        }
        var offset = grapheme.lowerBound
        while offset < grapheme.upperBound {
          let (value, length) = scalar(bytes, at: offset)
          let part = Bytes(rebasing: bytes[offset..<offset + length])
          if let entry = entry(part) {
            add(part, becoming: entry)
          } else {
            changes.append(.init(scalar: value, change: 0))
          }
          offset += length
        }
      }
    }
    if isChanged { text.transform(changes) }
  }
}
