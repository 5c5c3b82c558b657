extension JSON {
  /// Reads one value, and nothing behind it.
  ///
  /// Stricter than many: a name stands in an object once, texts are UTF-8, there is no byte-order mark. Whole numbers that fit
  /// 64 bits are `integer`, all others `number`.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    var scanner = JSONScanner(bytes)
    self = try scanner.value()
    guard scanner.peek() == nil else { throw scanner.error("something stands behind the value") }
  }
}
