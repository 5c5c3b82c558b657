import Diagnostics
import Fingerprints
import Foundation
import Operations
import Registry
import Tensors
import Testing

@Suite struct RegistryTests {
  /// A registry in a folder of its own, which goes when the test is over.
  private func withRegistry(_ body: (Registry, _ path: String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("registry-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(try Registry.open(path), path)
  }

  private let content = Content(
    .checkpoint, facts: ["model_type": "mlp"],
    tensors: [
      TensorEntry("a", Tensor([1, 2, 3], shape: [3])), TensorEntry("b", Tensor([4.5, -0.25], shape: [2, 1])),
    ])

  private func store(_ content: Content, in registry: Registry) throws -> Digest {
    try registry.store(content, progress: { _, _ in }, isCancelled: { false }).digest
  }

  private func run(_ key: Digest, giving output: Digest) -> Run {
    Run(
      key: key, operation: "average", version: 1, label: "merged", recipe: "/r.rcp",
      components: [.init(.parameter, "samples", "2048")], inputs: [], output: output, started: Date(), seconds: 0.5,
      environment: [:])
  }

  @Test func whatIsStoredComesBack() throws {
    try withRegistry { registry, _ in
      let digest = try store(content, in: registry)
      let stored = try #require(try registry.content(digest))
      #expect(stored.facts == content.facts)
      #expect(stored.tensors.map(\.name) == ["a", "b"])
      #expect(try stored.tensor("b").floats == [4.5, -0.25])
      #expect(try store(content, in: registry) == digest)
      #expect(try registry.content(BLAKE3.hash([1])) == nil)
    }
  }

  @Test func otherContentHasAnotherName() throws {
    try withRegistry { registry, _ in
      var other = content
      other.facts = ["model_type": "cnn"]
      let (first, second) = (try store(content, in: registry), try store(other, in: registry))
      #expect(first != second)
    }
  }

  @Test func runsAreFoundByKeyAndByLabel() throws {
    try withRegistry { registry, path in
      let key = BLAKE3.hash([7])
      let digest = try store(content, in: registry)
      let recorded = try registry.record(run(key, giving: digest))
      #expect(try registry.run(key: key)?.output == digest)
      #expect(try registry.run(key: BLAKE3.hash([8])) == nil)
      let last = try registry.lastRun(operation: "average", label: "merged", recipe: "/r.rcp")
      #expect(last?.id == recorded.id)
      #expect(last?.components == recorded.components)
      let again = try Registry.open(path)
      #expect(try again.run(key: key)?.id == recorded.id)
    }
  }

  @Test func aStepThatFailsLeavesNothing() throws {
    try withRegistry { registry, path in
      let failing = Content(
        .checkpoint,
        tensors: [
          TensorEntry("a", dtype: .f32, shape: [3]) { throw OperationError("no such luck") }
        ])
      #expect(throws: OperationError("no such luck")) { try store(failing, in: registry) }
      let files = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
      #expect(!files.contains { $0.hasSuffix(".safetensors") })
    }
  }

  @Test func aLostResultIsRunAgain() throws {
    try withRegistry { registry, path in
      let digest = try store(content, in: registry)
      try registry.record(run(BLAKE3.hash([7]), giving: digest))
      let files = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
      for file in files where file.hasSuffix(".safetensors") {
        try FileManager.default.removeItem(atPath: path + "/" + file)
      }
      let again = try Registry.open(path)
      #expect(try again.content(digest) == nil)
      #expect(try again.run(key: BLAKE3.hash([7])) == nil)
    }
  }
}
