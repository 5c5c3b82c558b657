/// Tokens by their bytes, for finding all that a text begins with: a trie whose edges are one flat hash table.
final class TokenTrie: Sendable {
  /// `node << 8 | byte`, and the node behind that edge; a key of all ones is an empty slot.
  private let keys: [UInt32]
  private let children: [Int32]
  /// The number of the token that ends at a node, or −1.
  private let ids: [Int32]
  /// The edges of the root.
  private let first: [Int32]

  /// Nodes and bytes share 32 bits.
  static let mostNodes = 1 << 24 - 1

  static let root: Int32 = 0

  /// - Parameter tokens: Where one stands twice, the last counts.
  /// - Returns: nil where they have too many bytes together.
  init?(_ tokens: some Collection<(bytes: [UInt8], id: Int32)>) {
    guard tokens.reduce(0, { $0 + $1.bytes.count }) < Self.mostNodes else { return nil }
    var size = 1 << 10
    var keys = [UInt32](repeating: .max, count: size)
    var children = [Int32](repeating: 0, count: size)
    var ids: [Int32] = [-1]
    func insert(_ key: UInt32, _ child: Int32) {
      var slot = Self.slot(key, size)
      while keys[slot] != .max { slot = (slot + 1) & (size - 1) }
      keys[slot] = key
      children[slot] = child
    }
    for token in tokens {
      var node: Int32 = 0
      for byte in token.bytes {
        let key = UInt32(node) << 8 | UInt32(byte)
        var slot = Self.slot(key, size)
        while keys[slot] != key, keys[slot] != .max { slot = (slot + 1) & (size - 1) }
        if keys[slot] == key {
          node = children[slot]
          continue
        }
        node = Int32(ids.count)
        ids.append(-1)
        keys[slot] = key
        children[slot] = node
        if ids.count * 2 > size {
          let old = zip(keys, children).filter { $0.0 != .max }
          size *= 2
          keys = [UInt32](repeating: .max, count: size)
          children = [Int32](repeating: 0, count: size)
          for (key, child) in old { insert(key, child) }
        }
      }
      ids[Int(node)] = token.id
    }
    self.keys = keys
    self.children = children
    self.ids = ids
    var first = [Int32](repeating: -1, count: 256)
    for (key, child) in zip(keys, children) where key < 256 { first[Int(key)] = child }
    self.first = first
  }

  @inline(__always)
  private static func slot(_ key: UInt32, _ size: Int) -> Int { Int((key &* 0x9E37_79B1) >> 7) & (size - 1) }

  /// The node behind an edge, or −1.
  @inline(__always)
  func child(_ node: Int32, _ byte: UInt8) -> Int32 {
    if node == Self.root { return first[Int(byte)] }
    let key = UInt32(node) << 8 | UInt32(byte)
    var slot = Self.slot(key, keys.count)
    while keys[slot] != key {
      if keys[slot] == .max { return -1 }
      slot = (slot + 1) & (keys.count - 1)
    }
    return children[slot]
  }

  /// The number of the token that ends at a node, or −1.
  @inline(__always)
  func id(_ node: Int32) -> Int32 { ids[Int(node)] }

  /// The node that a text leads to from the root, or −1.
  func node(_ text: [UInt8]) -> Int32 {
    var node = Self.root
    for byte in text where node >= 0 { node = child(node, byte) }
    return node
  }
}
