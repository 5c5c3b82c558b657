extension JSON {
  /// Reads one value, and nothing behind it.
  ///
  /// Stricter than many: a name stands in an object once, texts are UTF-8, there is no byte-order mark, values are nested at
  /// most 256 deep. Numbers without point or exponent that fit `Int` are `integer`, all others the nearest `number`; one that
  /// is too large for that is refused.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
      throw JSONError(offset: 0, message: "a byte-order mark stands before the value")
    }
    var scanner = JSONScanner(bytes)
    self = try scanner.value()
    try scanner.expectEnd()
  }
}
