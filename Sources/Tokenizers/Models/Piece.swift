/// A token of a word: its number and its bytes in the word.
struct Piece {
  var id: Int32
  var start: Int32
  var end: Int32
}

/// Tokens of words that came before. When it is full it is emptied: what is frequent comes again.
struct WordCache {
  private struct Entry {
    var hash: UInt64 = 0
    var key: Int32 = -1
    var keyCount: Int32 = 0
    var pieces: Int32 = 0
    var pieceCount: Int32 = 0
  }

  /// Longer words are too rare to be kept.
  static let longestWord = 128
  private static let slots = 1 << 15
  private static let mostBytes = 1 << 20

  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private var pieces: [Piece] = []
  private var count = 0

  /// Appends the word's tokens to `output`, or returns false.
  @inline(__always)
  func find(_ word: Bytes, _ hash: UInt64, _ output: inout [Piece]) -> Bool {
    if entries.isEmpty { return false }
    var slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
    while case let entry = entries[slot], entry.key >= 0 {
      if entry.hash == hash, Int(entry.keyCount) == word.count, isKey(entry, word) {
        let start = Int(entry.pieces)
        for index in start..<start + Int(entry.pieceCount) { output.append(pieces[index]) }
        return true
      }
      slot = (slot + 1) & (Self.slots - 1)
    }
    return false
  }

  @inline(__always)
  private func isKey(_ entry: Entry, _ word: Bytes) -> Bool {
    let start = Int(entry.key)
    for index in 0..<word.count where keys[start + index] != word[index] { return false }
    return true
  }

  mutating func insert(_ word: Bytes, _ hash: UInt64, _ tokens: ArraySlice<Piece>) {
    if entries.isEmpty || count * 2 > Self.slots || keys.count > Self.mostBytes || pieces.count > Self.mostBytes {
      entries = [Entry](repeating: Entry(), count: Self.slots)
      keys.removeAll(keepingCapacity: true)
      pieces.removeAll(keepingCapacity: true)
      count = 0
    }
    var slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
    while entries[slot].key >= 0 { slot = (slot + 1) & (Self.slots - 1) }
    entries[slot] = Entry(
      hash: hash, key: Int32(keys.count), keyCount: Int32(word.count), pieces: Int32(pieces.count),
      pieceCount: Int32(tokens.count))
    keys += word
    pieces += tokens
    count += 1
  }
}
