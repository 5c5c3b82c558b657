/// Tokens by their bytes: a flat hash table, all bytes in one array.
final class TokenTable: Sendable {
  private let bytes: [UInt8]
  private let starts: [Int]
  private let ids: [Int32]
  /// Places among the ids, −1 where a slot is empty. A power of two, at most half full.
  private let slots: [Int32]

  /// - Parameter tokens: Where one stands twice, the last counts.
  init(_ tokens: some Collection<(bytes: [UInt8], id: Int32)>) {
    var bytes: [UInt8] = []
    var starts = [0]
    var ids: [Int32] = []
    var size = 16
    while size < tokens.count * 2 { size *= 2 }
    var slots = [Int32](repeating: -1, count: size)
    for token in tokens {
      var slot = token.bytes.withUnsafeBufferPointer { Int(truncatingIfNeeded: Self.hash($0)) } & (size - 1)
      while slots[slot] >= 0, !token.bytes.elementsEqual(bytes[starts[Int(slots[slot])]..<starts[Int(slots[slot]) + 1]])
      {
        slot = (slot + 1) & (size - 1)
      }
      if slots[slot] >= 0 {
        ids[Int(slots[slot])] = token.id
        continue
      }
      slots[slot] = Int32(ids.count)
      ids.append(token.id)
      bytes += token.bytes
      starts.append(bytes.count)
    }
    self.bytes = bytes
    self.starts = starts
    self.ids = ids
    self.slots = slots
  }

  @inline(__always)
  static func hash(_ key: Bytes) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(key.count)
    let raw = UnsafeRawBufferPointer(key)
    var offset = 0
    while offset + 8 <= raw.count {
      hash = (hash ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
      offset += 8
    }
    var tail: UInt64 = 0
    while offset < raw.count {
      tail = tail << 8 | UInt64(raw[offset])
      offset += 1
    }
    hash = (hash ^ tail) &* 0xFF51_AFD7_ED55_8CCD
    return hash ^ hash >> 29
  }

  /// The number of a token, or −1.
  @inline(__always)
  func id(of key: Bytes) -> Int32 {
    var slot = Int(truncatingIfNeeded: Self.hash(key)) & (slots.count - 1)
    while case let place = slots[slot], place >= 0 {
      let start = starts[Int(place)]
      if starts[Int(place) + 1] - start == key.count, equal(key, start) { return ids[Int(place)] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return -1
  }

  func id(of key: [UInt8]) -> Int32 { key.withUnsafeBufferPointer { id(of: $0) } }

  @inline(__always)
  private func equal(_ key: Bytes, _ start: Int) -> Bool {
    for index in 0..<key.count where bytes[start + index] != key[index] { return false }
    return true
  }
}
