import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors
import Testing

@testable import Registry

@Suite struct StoreTests {
  let sandbox: Sandbox
  let weights = [
    ("b", Tensor.sample(100, seed: 1)), ("a", Tensor.sample(7, seed: 2)), ("empty", Tensor([] as [Float], shape: [0])),
  ]

  init() throws { sandbox = try Sandbox() }

  @Test func whatIsStoredIsReadBack() throws {
    let registry = try sandbox.open()
    let files = [SideFile("tokenizer.json", Array("{}".utf8)), SideFile("empty.txt", [])]
    let stored = try registry.store(.made(weights, files: files))
    for content in [stored.content, try #require(try sandbox.open(.readOnly).content(stored.digest))] {
      #expect(content.kind == .checkpoint)
      #expect(content.facts == ["hidden": 4])
      #expect(content.files == files)
      #expect(content.tensors.map(\.name) == ["b", "a", "empty"])
      for (name, tensor) in weights {
        #expect(try content.bytes(name) == tensor.rawBytes)
        #expect(try #require(content.entry(name)).digest != nil)
      }
    }
  }

  @Test func anObjectIsASafetensorsFileThatNobodyMayChange() throws {
    let stored = try sandbox.open().store(.made(weights, files: [SideFile("vocab.txt", [1, 2])]))
    let name = try #require(sandbox.objects.first)
    #expect(sandbox.objects.count == 1)
    #expect(name == "objects/\(stored.digest.hex.prefix(2))/\(stored.digest.hex).safetensors")
    let file = try SafetensorsFile(sandbox.registry + "/" + name)
    #expect(file.header.entries.map(\.name) == ["a", "b", "empty", "mergekit:file/vocab.txt"])
    let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
    #expect(attributes[.posixPermissions] as? Int == 0o444)
  }

  @Test func theSameContentHasTheSameDigestWhereverItIsStored() throws {
    let first = try sandbox.open().store(.made(weights))
    #expect(try sandbox.open().store(.made(weights)).digest == first.digest)
    let elsewhere = try Sandbox()
    #expect(try elsewhere.open().store(.made(weights)).digest == first.digest)
    #expect(sandbox.objects.count == 1)
    let others: [Content] = [
      .made(weights.reversed()), .made([weights[0]]), .made(weights, files: [SideFile("a", [])]),
      .made([("B", weights[0].1), weights[1], weights[2]]),
      .made([(weights[0].0, weights[0].1.reshaped([10, 10])), weights[1], weights[2]]),
      Content(.delta, facts: ["hidden": 4], tensors: weights.map { TensorEntry($0.0, $0.1) }),
      Content(.checkpoint, facts: ["hidden": 5], tensors: weights.map { TensorEntry($0.0, $0.1) }),
    ]
    let digests = try others.map { try sandbox.open().store($0).digest }
    #expect(Set(digests + [first.digest]).count == others.count + 1)
  }

  @Test func aDigestIsOneForEver() throws {
    let digest = try sandbox.open().store(.made([("w", Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))])).digest
    #expect(digest.description == "b3:df7a4ce8ef3264fc378d9dd7cf63d109e19f6e091f9f13042c54daaeab76845d")
  }

  @Test func tensorsThatAreThereAreSharedAndNotComputed() throws {
    let registry = try sandbox.open()
    let base = try registry.store(.made(weights, files: [SideFile("vocab.txt", [1, 2])]))
    let counter = Counter()
    let changed = TensorEntry("a", Tensor.sample(7, seed: 3))
    let kept = try #require(base.content.entry("b"))
    let content = Content(
      .checkpoint,
      tensors: [
        changed,
        TensorEntry("b", dtype: kept.dtype, shape: kept.shape, digest: kept.digest) {
          counter.raise()
          return try kept.load()
        },
      ], files: base.content.files)
    let merged = try registry.store(content)
    #expect(counter.value == 0)
    let object = try StoredObject(StoredObject.name(merged.digest, 1), in: sandbox.registry)
    #expect(object.stored.map { object.manifest.parts[$0.part].name } == ["a"])
    #expect(try merged.content.bytes("b") == base.content.bytes("b"))
    #expect(merged.content.files == base.content.files)
  }

  @Test func outsideFilesAreReferredToAndReadOnce() throws {
    let registry = try sandbox.open()
    let model = try sandbox.writeModel("model", weights)
    let fingerprint = try registry.fingerprint(file: model)
    let loaded = try registry.store(.loaded(model))
    let elsewhere = try Sandbox()
    #expect(try elsewhere.open().store(.made([weights[1], weights[0], weights[2]])).digest == loaded.digest)
    let object = try StoredObject(StoredObject.name(loaded.digest, 1), in: sandbox.registry)
    #expect(object.stored.isEmpty)
    #expect(try registry.fingerprint(file: model) == fingerprint)
    #expect(try loaded.content.bytes("b") == weights[0].1.rawBytes)
  }

  @Test func whenAnOutsideFileChangesWhatLiesInItIsGone() throws {
    let registry = try sandbox.open()
    let model = try sandbox.writeModel("model", weights)
    let loaded = try registry.store(.loaded(model))
    let before = try registry.fingerprint(file: model)
    let run = try registry.record(.sample(1, output: loaded.digest))
    #expect(try registry.run(key: run.key) == run)

    _ = try sandbox.writeModel("model", [("a", .sample(7, seed: 9)), ("b", .sample(100, seed: 1)), weights[2]])
    #expect(try registry.content(loaded.digest) == nil)
    #expect(try registry.run(key: run.key) == nil)
    #expect(try registry.lastRun(operation: "ties", label: "merged", recipe: "recipe.rcp") == run)
    #expect(try registry.fingerprint(file: model) != before)
    #expect(throws: OperationError.self) { try loaded.content.tensor("a") }

    // The same content comes back in another file: a second object holds what the first could only refer to.
    let again = try registry.store(.made([weights[1], weights[0], weights[2]]))
    #expect(again.digest == loaded.digest)
    #expect(try registry.run(key: run.key) == run)
    #expect(sandbox.objects.count == 2)
  }

  @Test func aFailingTensorLeavesNothingBehind() throws {
    let registry = try sandbox.open()
    let entries = (0..<20).map { number in
      TensorEntry("t\(number)", dtype: .f32, shape: [4]) {
        if number >= 7 { throw OperationError(.step, "tensor \(number) fails") }
        return Tensor.sample(4, seed: number)
      }
    }
    let error = #expect(throws: OperationError.self) { try registry.store(Content(.checkpoint, tensors: entries)) }
    #expect(error?.message == "tensor 7 fails")
    #expect(sandbox.objects.isEmpty)
    #expect(sandbox.files("").filter { $0.hasPrefix("tmp/") }.count == 2)
  }

  @Test func aCancelledStoreLeavesNothingBehind() throws {
    let registry = try sandbox.open()
    let counter = Counter()
    let entries = (0..<50).map { number in
      TensorEntry("t\(number)", dtype: .f32, shape: [4]) {
        counter.raise()
        return Tensor.sample(4, seed: number)
      }
    }
    let error = #expect(throws: OperationError.self) {
      try registry.store(Content(.checkpoint, tensors: entries), isCancelled: { counter.value >= 5 })
    }
    #expect(error?.cause == .interrupted)
    #expect(counter.value < 50)
    #expect(sandbox.objects.isEmpty)
  }

  @Test func progressCountsBytesUpToTheTotal() throws {
    let seen = Log()
    _ = try sandbox.open().store(.made(weights), progress: { seen.add($0, $1) })
    #expect(seen.values.map(\.0) == seen.values.map(\.0).sorted())
    #expect(seen.values.last?.0 == 107 * 4)
    #expect(seen.values.allSatisfy { $0.1 == 107 * 4 })
  }

  @Test func namesAreKeptByteByByte() throws {
    let names = ["mergekit:file/vocab.txt", "'); DROP TABLE run; --", "\u{0}", "caf\u{e9}", "\"\\\n"]
    let tensors = names.enumerated().map { ($1, Tensor.sample(3, seed: $0)) }
    let stored = try sandbox.open().store(.made(tensors, files: [SideFile("vocab.txt", [1])]))
    let content = try #require(try sandbox.open().content(stored.digest))
    #expect(content.tensors.map { Array($0.name.utf8) } == names.map { Array($0.utf8) })
    #expect(content.files == [SideFile("vocab.txt", [1])])
    #expect(try content.bytes("\u{0}") == tensors[2].1.rawBytes)
  }

  @Test func namesThatOnlyLookTheSameAreRefused() throws {
    let tensors = ["caf\u{e9}", "cafe\u{301}"].map { ($0, Tensor.sample(3, seed: 1)) }
    let error = #expect(throws: OperationError.self) { try sandbox.open().store(.made(tensors)) }
    #expect(error?.message == "two tensors of the result are called `cafe\u{301}`")
    #expect(error?.cause == .data)
  }
}
