import Fingerprints
import Testing

@Suite struct SHA256Tests {
  /// From FIPS 180-4's examples; the long one is a million times `a`.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ]) func equalsTheStandardsHash(text: String, hash: String) {
    #expect(SHA256.hash(Array(text.utf8)) == hash)
  }

  /// Around the lengths at which the padding needs a block of its own; by OpenSSL.
  @Test(arguments: [
    (55, "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59"),
    (56, "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562"),
    (63, "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488"),
    (64, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"),
    (65, "4bfd2c8b6f1eec7a2afeb48b934ee4b2694182027e6d0fc075074f2fabb31781"),
    (119, "da18797ed7c3a777f0847f429724a2d8cd5138e6ed2895c3fa1a6d39d18f7ec6"),
    (120, "f52b23db1fbb6ded89ef42a23ce0c8922c45f25c50b568a93bf1c075420bbb7c"),
  ]) func paddingFits(length: Int, hash: String) {
    #expect(SHA256.hash(BLAKE3Tests.input(length)) == hash)
  }

  @Test(arguments: [1, 63, 64, 65, 1000]) func cutsChangeNothing(step: Int) {
    let bytes = BLAKE3Tests.input(1000)
    var hasher = SHA256()
    for start in stride(from: 0, to: bytes.count, by: step) {
      hasher.update(Array(bytes[start..<min(start + step, bytes.count)]))
    }
    #expect(hasher.finalize() == SHA256.hash(bytes))
  }
}
