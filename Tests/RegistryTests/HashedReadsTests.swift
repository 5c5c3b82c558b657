import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors
import Testing

@testable import Registry

/// Tensors of outside files that are hashed while they are read.
@Suite struct HashedReadsTests {
  let sandbox: Sandbox
  let registry: Registry
  let reads: HashedReads
  let file: SafetensorsFile
  let content: Content

  init() throws {
    sandbox = try Sandbox()
    registry = try sandbox.open()
    reads = HashedReads(registry)
    let path = try sandbox.writeModel("model", [("long", .sample(1000, seed: 1)), ("short", .sample(3, seed: 2))])
    let file = try SafetensorsFile(path)
    self.file = file
    var content = Content(.checkpoint)
    content.tensors = file.entries.map { entry in
      let slice = file.slice(of: entry)
      return TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape, file: slice, in: slice)
    }
    self.content = try reads.hashing(content)
  }

  /// The names of the tensors whose digests are remembered, though their file is gone.
  private func remembered() throws -> [String] {
    let tensors = file.entries.map {
      ($0.name, TensorSlice(dtype: $0.dtype, shape: $0.shape, slice: file.slice(of: $0)))
    }
    let digests = try tensors.map { try Registry.digest(of: $1.slice, $1.dtype, $1.shape) }
    try reads.remember()
    try FileManager.default.removeItem(atPath: file.path)
    return zip(tensors, digests).compactMap { tensor, digest in
      guard let found = try? registry.digestsInPlace([tensor.1], isCancelled: { false }) else { return nil }
      #expect(found == [digest])
      return tensor.0
    }
  }

  /// Reads runs of the long tensor alone, which is not loaded whole for that.
  private func readLong(_ runs: [Range<Int>]) throws {
    let read = try #require(try content.entry("long")?.runs())
    let whole = Tensor.sample(1000, seed: 1).rawBytes
    for run in runs {
      var bytes = [UInt8](repeating: 0, count: run.count * 4)
      try bytes.withUnsafeMutableBytes { try read(run, $0) }
      #expect(bytes.elementsEqual(whole[run.lowerBound * 4..<run.upperBound * 4]))
    }
  }

  @Test func runsThatFollowEachOtherAreHashed() throws {
    try readLong([0..<100, 100..<900, 900..<1000])
    #expect(try remembered() == ["long"])
  }

  @Test func aTensorThatIsReadWholeIsHashed() throws {
    _ = try content.tensor("short")
    #expect(try remembered() == ["short"])
  }

  @Test func someEntriesMayBeReadBeforeAndAgain() throws {
    try readLong([500..<501, 0..<1, 0..<400, 7..<8, 300..<700, 0..<600, 700..<1000, 0..<1000])
    #expect(try remembered() == ["long"])
  }

  @Test(arguments: [[0..<999], [1..<1000], [0..<400, 401..<1000], [500..<1000, 0..<500]])
  func whatHasAGapIsNot(runs: [Range<Int>]) throws {
    try readLong(runs)
    #expect(try remembered() == [])
  }

  @Test func aFileThatChangesMeanwhileIsAnError() throws {
    let read = try #require(try content.entry("long")?.runs())
    let handle = try #require(FileHandle(forUpdatingAtPath: file.path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([0]))
    try handle.close()
    var bytes = [UInt8](repeating: 0, count: 4000)
    #expect(throws: OperationError.self) { try bytes.withUnsafeMutableBytes { try read(0..<1000, $0) } }
    #expect(throws: OperationError.self) { try content.tensor("short") }
  }
}
