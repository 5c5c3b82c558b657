import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors
import Testing

@testable import Registry

@Suite struct OpeningTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func theNearestRegistryUpwardIsFound() throws {
    let inner = sandbox.path + "/a/b"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    #expect(Registry.find(from: inner) == nil)
    _ = try sandbox.open()
    #expect(Registry.find(from: inner) == sandbox.registry)
    _ = try Registry.open(sandbox.path + "/a/.mergekit")
    #expect(Registry.find(from: inner) == sandbox.path + "/a/.mergekit")
  }

  @Test func readingMakesNothing() throws {
    let error = #expect(throws: OperationError.self) { try sandbox.open(.readOnly) }
    #expect(error?.cause == .missing)
    #expect(error?.message == "there is no registry at `\(sandbox.registry)`")
    #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.path) == [])
  }

  @Test func aFolderWithOtherThingsDoesNotBecomeARegistry() throws {
    try NewFile.write([1], to: sandbox.path + "/thesis.tex")
    let error = #expect(throws: OperationError.self) { try Registry.open(sandbox.path) }
    #expect(error?.cause == .output)
    #expect(error?.message == "`\(sandbox.path)` is not a registry, and cannot become one")
    #expect(error?.notes == ["it holds `thesis.tex`"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.path) == ["thesis.tex"])
  }

  @Test func aNewerLayoutIsRefused() throws {
    _ = try sandbox.open()
    try sandbox.damage("VERSION") { $0 = Array("mergekit registry 2\n".utf8) }
    for access in [Registry.Access.readOnly, .readWrite] {
      let error = #expect(throws: OperationError.self) { try sandbox.open(access) }
      #expect(error?.exitStatus == 78)
      #expect(error?.message == "`\(sandbox.registry)` was written by a newer mergekit")
      #expect(error?.notes == ["its layout has version 2, and this mergekit knows versions up to 1"])
    }
  }

  @Test func aNewerIndexIsRefused() throws {
    _ = try sandbox.open()
    let connection = try Connection(sandbox.registry + "/index.sqlite", .readWrite)
    try connection.execute(script: "PRAGMA user_version = 9")
    for access in [Registry.Access.readOnly, .readWrite] {
      let error = #expect(throws: OperationError.self) { try sandbox.open(access) }
      #expect(error?.exitStatus == 78)
      #expect(error?.message == "`\(sandbox.registry)/index.sqlite` was written by a newer mergekit")
      #expect(error?.notes == ["it has version 9, and this mergekit knows versions up to 1"])
    }
  }

  @Test func whatADeadProcessLeftIsSweptAndALivingOneIsNot() throws {
    let living = try sandbox.open()
    let tmp = sandbox.registry + "/tmp"
    try FileManager.default.createDirectory(atPath: tmp + "/123-abc", withIntermediateDirectories: true)
    for name in ["123-abc.lock", "123-abc/7"] { try NewFile.write([1], to: tmp + "/" + name) }
    #expect(sandbox.files("").filter { $0.hasPrefix("tmp/") }.count == 5)
    let second = try sandbox.open()
    #expect(sandbox.files("").filter { $0.hasPrefix("tmp/") }.count == 4)
    #expect(try second.record(.sample(1)).id == 1)
    #expect(try living.record(.sample(2)).id == 2)
  }

  @Test func aRegistryIsReadWhereNothingMayBeWritten() throws {
    var registry: Registry? = try sandbox.open()
    let artifact = try #require(try registry?.store(.made([("w", .sample(4, seed: 1))]))).digest
    try registry?.record(.sample(1, output: artifact))
    registry = nil
    let reading = try sandbox.open(.readOnly)
    #expect(try reading.run(id: 1)?.label == "merged")
    #expect(try reading.content(artifact)?.bytes("w") == Tensor.sample(4, seed: 1).rawBytes)
    let error = #expect(throws: OperationError.self) { try reading.record(.sample(2)) }
    #expect(error?.cause == .permission)
    #expect(error?.message == "the registry `\(sandbox.registry)` is open for reading only")
    // Without its log, the database can still be read from a disk that cannot be written.
    for ending in ["-wal", "-shm"] {
      try FileManager.default.removeItem(atPath: sandbox.registry + "/index.sqlite" + ending)
    }
    #expect(try sandbox.open(.readOnly).run(id: 1)?.label == "merged")
  }

  @Test func oneWhoRebuildsTheIndexWaitsForNobodyElse() throws {
    let registry = try sandbox.open()
    let error = #expect(throws: OperationError.self) { try Registry.rebuildIndex(sandbox.registry) }
    #expect(error?.cause == .temporary)
    #expect(try registry.record(.sample(1)).id == 1)
  }

  @Test func sharedFileSystemsAreTold() {
    let mounts = """
      36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
      42 35 0:52 / /net rw,relatime shared:9 - nfs4 server:/export rw,vers=4.2
      """
    let names = ["0:52", "98:0", "0:1"].map { fileSystemName(device: $0, mounts: mounts) }
    #expect(names.map { $0.map(isShared) } == [true, false, nil])
  }

  @Test func aFingerprintIsOfTheContentAlone() throws {
    let registry = try sandbox.open()
    let tensors = [("a", Tensor.sample(9, seed: 1)), ("b", Tensor.sample(9, seed: 1))]
    let one = try registry.fingerprint(file: sandbox.writeModel("one", tensors))
    #expect(try registry.fingerprint(file: sandbox.writeModel("two", tensors)) == one)
    #expect(try sandbox.open(.readOnly).fingerprint(file: sandbox.path + "/two.safetensors") == one)
    #expect(try registry.fingerprint(file: sandbox.writeModel("two", [tensors[0], ("b", .sample(9, seed: 3))])) != one)
    let text = sandbox.path + "/data.csv"
    for length in [0, 1, 5_000_000] {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try? FileManager.default.removeItem(atPath: text)
      try NewFile.write(bytes, to: text)
      #expect(try registry.fingerprint(file: text) == BLAKE3.hash(bytes))
    }
    let error = #expect(throws: OperationError.self) { try registry.fingerprint(file: sandbox.path + "/none") }
    #expect(error?.cause == .missing)
  }

  @Test func anIndexThatSomebodyDiedMakingIsMade() throws {
    _ = try sandbox.open()
    for ending in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: sandbox.registry + "/index.sqlite" + ending)
    }
    _ = FileManager.default.createFile(atPath: sandbox.registry + "/index.sqlite", contents: nil)
    #expect(try sandbox.open(.readOnly).applies(limit: 1) == [])
    #expect(try sandbox.open(.readOnly).verify(share: 1) == [])
  }
}
