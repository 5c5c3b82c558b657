/// The rules of byte-pair encoding: which two tokens become which, and in which order. A flat hash table.
struct Merges: Sendable {
  private let keys: [UInt64]
  /// The rule's rank in the upper half, the new token in the lower.
  private let values: [UInt64]

  static let none = UInt64.max

  /// - Parameter prefix: How many bytes of the second token fall away when two are joined.
  init(_ field: Field, _ table: TokenTable, prefix: Int) throws {
    let rules = try field.elements().filter { !($0.value.string?.hasPrefix("#version") ?? false) }
    var size = 16
    while size < rules.count * 2 { size *= 2 }
    var keys = [UInt64](repeating: .max, count: size)
    var values = [UInt64](repeating: 0, count: size)
    for (rank, rule) in rules.enumerated() {
      let (left, right) = try Self.pair(rule)
      func id(_ token: [UInt8]) throws -> UInt64 {
        let id = table.id(of: token)
        guard id >= 0 else {
          throw rule.fault(
            "needs the token `\(String(decoding: token, as: UTF8.self))`, which is not in the vocabulary")
        }
        return UInt64(id)
      }
      guard right.count >= prefix else {
        throw rule.fault("has a second token shorter than `continuing_subword_prefix`")
      }
      let key = try id(left) << 32 | id(right)
      var slot = Self.slot(key, size)
      while keys[slot] != .max, keys[slot] != key { slot = (slot + 1) & (size - 1) }
      keys[slot] = key
      values[slot] = UInt64(rank) << 32 | (try id(left + right.dropFirst(prefix)))
    }
    self.keys = keys
    self.values = values
  }

  /// `"a b"` or `["a", "b"]`.
  private static func pair(_ rule: Field) throws -> (left: [UInt8], right: [UInt8]) {
    if let text = rule.value.string {
      let parts = Array(text.utf8).split(separator: 0x20, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw rule.fault("is not two tokens with a space between them") }
      return (Array(parts[0]), Array(parts[1]))
    }
    let parts = try rule.elements()
    guard parts.count == 2 else { throw rule.fault("is not a pair of tokens") }
    return (try parts[0].bytes(), try parts[1].bytes())
  }

  @inline(__always)
  private static func slot(_ key: UInt64, _ size: Int) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (size - 1)
  }

  /// Rank and new token of a rule, or `none`.
  @inline(__always)
  func rule(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    var slot = Self.slot(key, keys.count)
    while keys[slot] != key {
      if keys[slot] == .max { return Self.none }
      slot = (slot + 1) & (keys.count - 1)
    }
    return values[slot]
  }
}
