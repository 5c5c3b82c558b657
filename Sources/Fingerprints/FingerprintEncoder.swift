/// The one way in which values are written down to be fingerprinted: every part with its length, under a domain's name.
public struct FingerprintEncoder {
  private var hasher = BLAKE3()

  /// - Parameter domain: What kind of thing is fingerprinted, with the version of its encoding: `mergekit-key/1`.
  public init(domain: String) { add(domain) }

  public mutating func add(_ text: String) {
    let bytes = Array(text.utf8)
    add(bytes.count)
    hasher.update(bytes)
  }

  public mutating func add(_ number: Int) {
    hasher.update((0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
  }

  public mutating func add(_ digest: Digest) { hasher.update(digest.bytes) }

  public var digest: Digest { hasher.finalize() }
}
