import Fingerprints
import Testing

@Suite struct BLAKE3Tests {
  /// Hashes of inputs whose bytes count up to 250 and begin again, as the official test vectors do, made with the reference
  /// implementation.
  static let vectors: [(length: Int, hash: String)] = [
    (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    (2, "7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63"),
    (3, "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f"),
    (63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"),
    (64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"),
    (65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"),
    (127, "d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d"),
    (128, "f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef"),
    (129, "683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12"),
    (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
    (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    (2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"),
    (2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"),
    (3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"),
    (4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"),
    (4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"),
    (5120, "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833"),
    (6144, "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205"),
    (7168, "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a"),
    (8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"),
    (8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"),
    (16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"),
    (31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
    (102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
  ]

  static func input(_ length: Int) -> [UInt8] { (0..<length).map { UInt8($0 % 251) } }

  @Test(arguments: vectors) func equalsTheOfficialHash(length: Int, hash: String) {
    #expect(BLAKE3.hash(Self.input(length)).hex == hash)
  }

  @Test(arguments: [1, 7, 64, 1000, 1024, 4096, 4097, 9000]) func cutsChangeNothing(step: Int) {
    let bytes = Self.input(31_744)
    var hasher = BLAKE3()
    for start in stride(from: 0, to: bytes.count, by: step) {
      hasher.update(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    #expect(hasher.finalize() == BLAKE3.hash(bytes))
  }

  @Test func digestsAreReadAndWritten() throws {
    let digest = BLAKE3.hash([])
    #expect(digest.description == "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
    #expect(Digest(digest.description) == digest)
    #expect(Digest(digest.hex) == digest)
    #expect(Digest("b3:af13") == nil)
    #expect(Digest(String(repeating: "g", count: 64)) == nil)
    #expect(Digest(bytes: digest.bytes) == digest)
  }
}

@Suite struct SHA256Tests {
  /// From FIPS 180-4's examples, and a length at which the padding needs a block of its own.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ]) func equalsTheStandardsHash(text: String, hash: String) {
    #expect(SHA256.hash(Array(text.utf8)) == hash)
  }

  @Test func cutsChangeNothing() {
    let bytes = BLAKE3Tests.input(1000)
    var hasher = SHA256()
    for byte in bytes { [byte].withUnsafeBytes { hasher.update($0) } }
    #expect(hasher.finalize() == SHA256.hash(bytes))
  }
}
