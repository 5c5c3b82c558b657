/// The one way in which values are written down to be fingerprinted: every part with its kind and its length, under a domain's
/// name, so that two different sequences of parts never write the same bytes.
public struct FingerprintEncoder: Sendable {
  private var hasher = BLAKE3()

  /// - Parameter domain: What kind of thing is fingerprinted, with the version of its encoding: `mergekit-key/1`.
  public init(domain: String) { add(domain) }

  public mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      add("t", bytes.count)
      hasher.update(UnsafeRawBufferPointer(bytes))
    }
  }

  public mutating func add(_ number: Int) { add("n", number) }

  public mutating func add(_ digest: Digest) { hasher.update([UInt8(ascii: "d")] + digest.bytes) }

  /// Begins a list of as many elements, which are added next.
  public mutating func list(_ count: Int) { add("l", count) }

  /// The fingerprint of all that was added; more may be added after it.
  public var digest: Digest { hasher.finalize() }

  private mutating func add(_ kind: Unicode.Scalar, _ number: Int) {
    hasher.update([UInt8(ascii: kind)] + withUnsafeBytes(of: Int64(number).littleEndian) { Array($0) })
  }
}
