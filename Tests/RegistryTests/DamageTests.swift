import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors
import Testing

@testable import Registry

@Suite struct DamageTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  private let tensors = [("a", Tensor.sample(40, seed: 1)), ("b", Tensor.sample(20, seed: 2))]

  @Test func everyFlippedBitOfAnObjectIsFoundBeforeItIsUsed() throws {
    var registry: Registry? = try sandbox.open()
    let artifact = try #require(try registry?.store(.made(tensors, files: [SideFile("vocab.txt", [1, 2, 3])]))).digest
    let run = try #require(try registry?.record(.sample(1, output: artifact)))
    registry = nil
    let object = try #require(sandbox.objects.first)
    let sound = try File.contents(of: sandbox.registry + "/" + object)
    for place in stride(from: 0, to: sound.count, by: 7) {
      try sandbox.damage(object) { $0 = sound }
      try sandbox.damage(object) { $0[place] ^= 1 << (place % 8) }
      let registry = try sandbox.open()
      let content = try registry.content(artifact)
      // Blanks that fill up the header mean nothing, so they may be any blank.
      #expect(content == nil || sound[place] == UInt8(ascii: " "), "byte \(place)")
      guard content == nil else { continue }
      #expect(try registry.run(key: run.key) == nil)
      let again = try registry.store(.made(tensors, files: [SideFile("vocab.txt", [1, 2, 3])]))
      #expect(again.digest == artifact)
      #expect(try registry.run(key: run.key) == run)
      #expect(try registry.verify(share: 1) == [])
    }
  }

  @Test(arguments: ["flipped", "short", "long", "empty", "gone"])
  func verifyFindsDamagedObjectsAndRepairs(_ damage: String) throws {
    let registry = try sandbox.open()
    let stored = try registry.store(.made(tensors))
    let run = try registry.record(.sample(1, output: stored.digest))
    #expect(try registry.verify(share: 1) == [])
    let object = try #require(sandbox.objects.first)
    if damage == "gone" {
      try FileManager.default.removeItem(atPath: sandbox.registry + "/" + object)
    } else {
      try sandbox.damage(object) { bytes in
        switch damage {
        case "flipped": bytes[bytes.count - 1] ^= 1
        case "short": bytes.removeLast()
        case "long": bytes.append(0)
        default: bytes = []
        }
      }
    }
    let findings = try registry.verify(share: 0)
    #expect(findings.count == 1)
    #expect(findings.first?.weight == .damage)
    #expect(findings.first?.what.contains("\(sandbox.registry)/\(object)") == true)
    #expect(findings.first?.consequence == "`merged` (run 1) made it, and will run again when it is needed")
    #expect(findings.first?.help == "`mergekit verify --repair` forgets it, `mergekit apply` makes it anew")
    #expect(try registry.content(stored.digest) == nil)
    #expect(try registry.verify(share: 1, repair: true).allSatisfy(\.isRepaired))
    #expect(sandbox.objects == [])
    #expect(try registry.run(key: run.key) == nil)
    #expect(try registry.store(.made(tensors)).digest == stored.digest)
    #expect(try registry.run(key: run.key) == run)
    #expect(try registry.verify(share: 1) == [])
  }

  @Test func aRegistryThatWasCopiedWorks() throws {
    var registry: Registry? = try sandbox.open()
    let artifact = try #require(try registry?.store(.made(tensors))).digest
    registry = nil
    let copy = try Sandbox()
    try FileManager.default.copyItem(atPath: sandbox.registry, toPath: copy.registry)
    #expect(try copy.open(.readOnly).content(artifact)?.bytes("a") == tensors[0].1.rawBytes)
    #expect(try copy.open().verify(share: 0) == [])
    #expect(try copy.open().content(artifact)?.bytes("b") == tensors[1].1.rawBytes)
  }

  @Test func receiptsAndRowsAreMadeAgainFromEachOther() throws {
    var registry: Registry? = try sandbox.open()
    for number in 1...4 { try registry?.record(.sample(number)) }
    let apply = try #require(try registry?.beginApply(recipe: "r.rcp", text: "x"))
    try registry?.finishApply(apply, status: .ok)
    let before = try registry?.runs(operation: "ties", limit: 10)
    try sandbox.damage("receipts/0/1.json") { $0[$0.count / 2] ^= 4 }
    try FileManager.default.removeItem(atPath: sandbox.registry + "/receipts/0/2.json")
    try sandbox.damage("applies/0/1.json") { $0.removeLast(10) }
    registry = nil
    let connection = try Connection(sandbox.registry + "/index.sqlite", .readWrite)
    try connection.execute(
      script: "PRAGMA foreign_keys = ON; DELETE FROM run WHERE id = 3; UPDATE run SET label = 'other' WHERE id = 4")

    registry = try sandbox.open()
    let findings = try #require(try registry?.verify(share: 1))
    #expect(
      findings.map(\.consequence) == [
        "only the index knows of run 1: it would be lost with it",
        "only the index knows of run 2: it would be lost with it",
        "the history does not show it, and its result is not reused", "the history shows it wrong",
        "only the index knows of apply 1: it would be lost with it",
      ])
    #expect(try registry?.verify(share: 1, repair: true).allSatisfy(\.isRepaired) == true)
    #expect(try registry?.verify(share: 1) == [])
    #expect(try registry?.runs(operation: "ties", limit: 10) == before)
  }

  @Test func aDamagedIndexIsToldFromADamagedRegistry() throws {
    var registry: Registry? = try sandbox.open()
    try registry?.record(.sample(1))
    registry = nil
    try sandbox.damage("index.sqlite") { for place in 0..<64 { $0[place] = 0x20 } }
    for access in [Registry.Access.readOnly, .readWrite] {
      let error = #expect(throws: OperationError.self) { try sandbox.open(access) }
      #expect(error?.cause == .corrupt)
      #expect(error?.helps == ["`mergekit verify --rebuild-index` makes it again from what is stored"])
    }
    #expect(try Registry.rebuildIndex(sandbox.registry).run(id: 1) != nil)
  }

  @Test func aFlippedLocationNeverBecomesATensor() throws {
    var registry: Registry? = try sandbox.open()
    let artifact = try #require(try registry?.store(.made(tensors))).digest
    registry = nil
    let connection = try Connection(sandbox.registry + "/index.sqlite", .readWrite)
    try connection.execute(
      script: "UPDATE location SET start = start + 4 WHERE start = (SELECT min(start) FROM location)")
    let error = #expect(throws: OperationError.self) { try sandbox.open().content(artifact) }
    #expect(error?.cause == .corrupt)
    #expect(try sandbox.open().verify(share: 1).map(\.weight) == [.damage])
    #expect(try Registry.rebuildIndex(sandbox.registry).content(artifact)?.bytes("a") == tensors[0].1.rawBytes)
  }
}
