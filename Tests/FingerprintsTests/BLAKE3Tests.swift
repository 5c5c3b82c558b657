import Testing

@testable import Fingerprints

@Suite struct BLAKE3Tests {
  /// Hashes of inputs whose bytes count up to 250 and begin again, as the official test vectors' inputs do. Those up to 31,744
  /// and the one of 102,400 bytes are the official lengths; all were made with the authors' own implementation.
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
    (3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"),
    (4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"),
    (4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"),
    (5120, "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833"),
    (5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff"),
    (6144, "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205"),
    (6145, "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f"),
    (7168, "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a"),
    (7169, "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817"),
    (8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"),
    (8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"),
    (16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"),
    (17408, "993924ff3dcbd868be9cf3fed98d4538fe579ffccf390a5aa1ddba0f6a20bfed"),
    (31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
    (65535, "de7d0f4c044c56f56e0c5f7ab247be9491c4520e8688f0f0d25406f46fdfbd03"),
    (65536, "68d647e619a930e7b1082f74f334b0c65a315725569bdc123f0ee11881717bfe"),
    (65537, "7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca"),
    (66561, "c0dafa3c0ad175a596c908dd503c069c2230b1b1f8bcfa7c80762d1f6b735be0"),
    (102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
    (131072, "306baba93b1a393cbd35172837c98b0f59a41f64e1b2682ae102d8b2534b9e1c"),
    (131073, "f837d4254d24ba3d50fe3743d46e4af6db5f5d6ab0469197d94e7ba1e906c4d8"),
    (262144, "d57dc906e20d3fd326ffaa85535500486f46a0979f5a323f028dcabfd381fd4a"),
    (300000, "6cc9dce05d4cff8c5bef5c5a24681e42b13f03e34a0bc5e66f65a91d48c944fa"),
    (1_048_577, "2f053cd7472cf0cd2f9adaf45c1180255b91b9a865404a63671a0ee5f792ed33"),
  ]

  static func input(_ length: Int) -> [UInt8] { (0..<length).map { UInt8($0 % 251) } }

  @Test(arguments: vectors) func equalsTheOfficialHash(length: Int, hash: String) {
    #expect(BLAKE3.hash(Self.input(length)).hex == hash)
  }

  @Test(arguments: vectors) func threadsChangeNothing(length: Int, hash: String) {
    #expect(Self.input(length).withUnsafeBytes { BLAKE3.hash($0, parallel: true) }.hex == hash)
  }

  @Test(arguments: [0, 1, 64, 1024, 1025, 16_384, 17_000, 50_001, 65_536])
  func equalsThePlainReference(length: Int) {
    let bytes = Self.input(length)
    #expect(BLAKE3.hash(bytes).bytes == PlainBLAKE3.hash(bytes))
  }

  @Test(arguments: [1, 7, 64, 1000, 1024, 4097, 65_535, 65_536, 65_537, 200_000]) func cutsChangeNothing(step: Int) {
    let bytes = Self.input(300_000)
    var hasher = BLAKE3()
    for start in stride(from: 0, to: bytes.count, by: step) {
      hasher.update(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    #expect(hasher.finalize() == BLAKE3.hash(bytes))
  }

  @Test func finalizingIsNotTheEnd() {
    var hasher = BLAKE3()
    hasher.update(Array("abc".utf8))
    #expect(hasher.finalize() == BLAKE3.hash(Array("abc".utf8)))
    hasher.update(Array("def".utf8))
    #expect(hasher.finalize() == BLAKE3.hash(Array("abcdef".utf8)))
  }

  @Test func oddAddressesChangeNothing() {
    let bytes = Self.input(70_001)
    let shifted = [9] + bytes
    let hash = shifted.withUnsafeBytes { BLAKE3.hash(UnsafeRawBufferPointer(rebasing: $0[1...])) }
    #expect(hash == BLAKE3.hash(bytes))
  }

  /// Counters near 2³², which only inputs of 4 TiB reach through the public face.
  @Test(arguments: [0, 5, 0xFFFF_FFF8, 0x1_0000_0000, 0x1234_5678_9ABC_DEF0] as [UInt64])
  func lanesEqualOneChunkAtATime(firstChunk: UInt64) {
    let bytes = Self.input(BLAKE3.lanes * BLAKE3.chunkLength)
    var wide = [BLAKE3.ChainingValue](repeating: .zero, count: BLAKE3.lanes)
    bytes.withUnsafeBytes { bytes in
      wide.withUnsafeMutableBufferPointer { wide in
        guard let source = bytes.baseAddress, let target = wide.baseAddress else { return }
        BLAKE3.chainingValues(ofChunks: source, firstChunk: firstChunk, into: target)
      }
      for lane in 0..<BLAKE3.lanes {
        let chunk = bytes[(lane * BLAKE3.chunkLength)...].prefix(BLAKE3.chunkLength)
        let plain = BLAKE3.node(ofChunk: UnsafeRawBufferPointer(rebasing: chunk), number: firstChunk + UInt64(lane))
        #expect(wide[lane] == plain.chainingValue)
      }
    }
  }
}
