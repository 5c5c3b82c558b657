import Fingerprints
import Testing

@Suite struct FingerprintTests {
  @Test func digestsAreReadAndWritten() {
    let digest = BLAKE3.hash([])
    #expect(digest.description == "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
    #expect(digest.short == "af1349b9f5")
    #expect(Digest(digest.description) == digest)
    #expect(Digest(digest.hex) == digest)
    #expect(Digest("b3:af13") == nil)
    #expect(Digest(String(repeating: "g", count: 64)) == nil)
    #expect(Digest(bytes: digest.bytes) == digest)
  }

  private func digest(domain: String = "test/1", _ body: (inout FingerprintEncoder) -> Void) -> Digest {
    var encoder = FingerprintEncoder(domain: domain)
    body(&encoder)
    return encoder.digest
  }

  /// What was once written down must be found again: a changed encoding is a new domain.
  @Test func theEncodingIsWhatItWas() {
    let made = digest {
      $0.add("ties")
      $0.list(2)
      $0.add(-1)
      $0.add(BLAKE3.hash([]))
    }
    func number(_ kind: String, _ low: UInt8, _ rest: UInt8 = 0) -> [UInt8] {
      Array(kind.utf8) + [low] + Array(repeating: rest, count: 7)
    }
    let bytes =
      number("t", 6) + Array("test/1".utf8) + number("t", 4) + Array("ties".utf8) + number("l", 2)
      + number("n", 255, 255) + Array("d".utf8) + BLAKE3.hash([]).bytes
    #expect(made == BLAKE3.hash(bytes))
  }

  @Test func whatDiffersIsToldApart() {
    let digests = [
      digest { _ in },
      digest(domain: "test/2") { _ in },
      digest { $0.add("") },
      digest { $0.add(0) },
      digest { $0.list(0) },
      digest { for part in ["ab", "c"] { $0.add(part) } },
      digest { for part in ["a", "bc"] { $0.add(part) } },
      digest { $0.add("abc") },
      digest { $0.add("é") },
      digest { $0.add("e\u{301}") },
    ]
    #expect(Set(digests).count == digests.count)
  }
}
