import Diagnostics
import Formats
import Foundation
import Tensors
import Testing

@Suite struct FileTests {
  @Test func readsBytesAndSlices() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", Array(0..<100))
    let stamp = try #require(FileStamp(path: path))
    #expect(stamp == (try File(path).stamp) && stamp.size == 100)
    #expect(try File(path).read(at: 90, count: 10) == Array(90..<100))
    let slice = FileSlice(path: path, offset: 10, count: 3, stamp: stamp)
    #expect(try slice.read().withBytes { Array($0) } == [10, 11, 12])
    #expect(try Buffer.mapping(path).withBytes { Array($0) } == Array(0..<100))
    #expect(try Buffer.mapping(folder.write("empty", [])).count == 0)
  }

  @Test func opensNothingButRegularFiles() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("folder")
    #expect(mkfifo(folder("pipe"), 0o600) == 0)
    try folder.link("nowhere", to: "missing")
    try folder.link("loop", to: "loop")
    #expect(try folder.complaint { try File(folder("folder")) } == "`folder` is not a regular file")
    #expect(try folder.complaint { try File(folder("pipe")) } == "`pipe` is not a regular file")
    #expect(try folder.complaint { try File("/dev/zero") } == "`/dev/zero` is not a regular file")
    #expect(try folder.complaint { try File(folder("missing")) } == "there is no file `missing`")
    #expect(try folder.complaint { try File(folder("nowhere")) } == "there is no file `nowhere`")
    #expect(try folder.complaint { try File(folder("loop")) } == "`loop` is a symbolic link that leads nowhere")
    #expect(try folder.complaint { try File("a\0b") } == "`a\0b` holds a zero byte, as no path does")
    #expect(FileStamp(path: folder("folder")) == nil && FileStamp(path: folder("missing")) == nil)
    #expect(throws: OperationError.self) { try SafetensorsFile(folder("pipe")) }
  }

  @Test(arguments: ["grown", "cut", "rewritten", "replaced", "touched"])
  func refusesAFileThatChanged(_ how: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", Array(0..<100))
    // The clock of a file system ticks slowly: what is written at once could leave the same time.
    #expect(utimes(path, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
    let slice = FileSlice(path: path, offset: 0, count: 100, stamp: try File(path).stamp)
    switch how {
    case "grown": try #require(FileHandle(forUpdatingAtPath: path)).truncate(atOffset: 200)
    case "cut": #expect(truncate(path, 50) == 0)
    case "rewritten":
      let handle = try #require(FileHandle(forUpdatingAtPath: path))
      try handle.write(contentsOf: Data([9]))
    case "replaced": try NewFile.write(Array(0..<100), to: path, existing: .replaced)
    default: #expect(utimes(path, [timeval(tv_sec: 2, tv_usec: 0), timeval(tv_sec: 2, tv_usec: 0)]) == 0)
    }
    #expect(try folder.complaint { try slice.read() } == "`a` changed while it was read")
  }

  @Test func holdsNoMoreThanItIsToldTo() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", Array(0..<100))
    #expect(try File.contents(of: path, limit: 100) == Array(0..<100))
    #expect(
      try folder.complaint { try File.contents(of: path, limit: 99) }
        == "`a` has 100 bytes, and at most 99 are read of such a file")
  }
}

@Suite struct NewFileTests {
  @Test func appearsWholeAndLeavesNothingBeside() throws {
    let folder = try TemporaryFolder()
    let file = try NewFile(beside: folder("a"), reserving: 4)
    try file.write([3, 4], at: 2)
    try file.write([1, 2], at: 0)
    #expect(!FileManager.default.fileExists(atPath: folder("a")))
    try file.publish(as: folder("a"))
    let stamp = FileStamp(path: folder("a"))
    #expect(try File.contents(of: folder("a")) == [1, 2, 3, 4])
    #expect(try folder.names == ["a"])
    withExtendedLifetime(file) {}
    #expect(FileStamp(path: folder("a")) == stamp)
  }

  @Test func isGoneUnlessItIsFinished() throws {
    let folder = try TemporaryFolder()
    try NewFile(folder("a")).write([1], at: 0)
    try NewFile(beside: folder("b")).write([1], at: 0)
    #expect(try folder.names == [])
    try NewFile(folder("c")).finish(isReadOnly: true)
    #expect(try folder.names == ["c"])
    #expect(try FileManager.default.attributesOfItem(atPath: folder("c"))[.posixPermissions] as? Int == 0o444)
  }

  @Test func neverTakesThePlaceOfAnotherUnlessTold() throws {
    let folder = try TemporaryFolder()
    try folder.write("a", "old")
    try folder.link("link", to: folder("a"))
    #expect(try folder.complaint { try NewFile(folder("a")) } == "`a` is there already")
    #expect(try folder.complaint { try NewFile(folder("link")) } == "`link` is there already")
    #expect(try folder.complaint { try NewFile.write([], to: folder("a")) } == "`a` is there already")
    try NewFile.write(Array("new".utf8), to: folder("a"), existing: .kept)
    #expect(try File.contents(of: folder("a")) == Array("old".utf8))
    try NewFile.write(Array("new".utf8), to: folder("link"), existing: .replaced)
    #expect(try File.contents(of: folder("a")) == Array("old".utf8))
    #expect(try File.contents(of: folder("link")) == Array("new".utf8))
    #expect(try folder.names == ["a", "link"])
  }

  @Test func saysWhyItCannotBe() throws {
    let folder = try TemporaryFolder()
    try folder.write("a", "")
    #expect(try folder.complaint { try NewFile.write([], to: folder("b/c")) } == "`b` is not a folder")
    #expect(try folder.complaint { try NewFile.write([], to: folder("a/c")) } == "`a` is not a folder")
    // No disk holds 4 EiB.
    do {
      _ = try NewFile(folder("large"), reserving: 1 << 62)
      Issue.record("the disk cannot have room for this")
    } catch let error as OperationError {
      #expect(error.cause == .io)
      #expect(error.message == "the disk is full: `\(folder("large"))` cannot be written")
      #expect(error.notes.count == 1)
      #expect(error.notes[0].hasPrefix("4611686018427387904 bytes were to be written, "))
      #expect(error.notes[0].hasSuffix(" bytes are free"))
    }
    #expect(try folder.names == ["a"])
  }
}

@Suite struct SafetensorsLayoutTests {
  private static let tensors: [(name: String, dtype: DType, shape: Shape)] = [
    ("c", .f16, [3]), ("b", .f32, []), ("é\"", .u8, [0, 2]), ("a", .f16, [1, 1]), ("z", .i64, [2]), ("y", .u8, [1]),
  ]

  @Test func largerEntriesComeFirstAndNamesDecide() throws {
    let layout = SafetensorsLayout(Self.tensors, metadata: [("format", "pt")])
    #expect(layout.entries.map(\.name) == ["z", "b", "a", "c", "y", "é\""])
    #expect(layout.header.count % 8 == 0)
    for entry in layout.entries { #expect(layout.fileRange(of: entry).lowerBound % entry.dtype.size == 0) }
    let text = String(decoding: layout.header.dropFirst(8), as: UTF8.self)
    #expect(text.hasPrefix(#"{"__metadata__":{"format":"pt"},"z":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"#))
    #expect(layout.header == SafetensorsLayout(Self.tensors.reversed(), metadata: [("format", "pt")]).header)
    let other = layout.with(metadata: [("format", "xy")])
    #expect(other.header.count == layout.header.count && other.header != layout.header)
  }

  @Test func whatIsWrittenReadsBack() throws {
    let folder = try TemporaryFolder()
    let made = Dictionary(
      uniqueKeysWithValues: Self.tensors.enumerated().map { index, tensor in
        let count = tensor.shape.count * tensor.dtype.size
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + index) }
        return (tensor.name, Tensor(bytes: bytes, dtype: tensor.dtype, shape: tensor.shape))
      })
    let layout = SafetensorsLayout(Self.tensors, metadata: [("k\n", "v\\")])
    try layout.write(to: folder("a.safetensors")) { try #require(made[$0]) }
    let file = try SafetensorsFile(folder("a.safetensors"))
    #expect(file.stamp.size == layout.fileLength && file.headerBytes == layout.header.count)
    #expect(file.entries == layout.entries)
    #expect(file.metadata.map { $0.name + $0.text } == ["k\nv\\"])
    for entry in file.entries {
      let tensor = try #require(made[entry.name])
      #expect(try file.tensor(entry).withBytes { Array($0) } == tensor.withBytes { Array($0) })
    }
    #expect(try folder.names == ["a.safetensors"])
  }

  @Test func aTensorThatFailsLeavesNoFile() throws {
    let folder = try TemporaryFolder()
    #expect(throws: OperationError.self) {
      try SafetensorsLayout(Self.tensors).write(to: folder("a.safetensors")) { name in
        guard name != "c" else { throw OperationError(.step, "no") }
        let tensor = Self.tensors.first { $0.name == name }
        let (dtype, shape) = (tensor?.dtype ?? .u8, tensor?.shape ?? [])
        return Tensor(bytes: [UInt8](repeating: 0, count: shape.count * dtype.size), dtype: dtype, shape: shape)
      }
    }
    #expect(try folder.names == [])
  }
}

extension FileTests {
  @Test func comparesSamplesOfWhatWasWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder("file")
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try NewFile(path)
    try file.write(bytes, at: 10)
    bytes.withUnsafeBytes { bytes in
      for fromEnd in [false, true] { file.keepSample(of: bytes, at: 10, fromEnd: fromEnd) }
      file.keepSample(of: UnsafeRawBufferPointer(rebasing: bytes[4096...]), at: 4106)
    }
    try file.finish()
    try file.checkSamples()

    // A byte of the last page, as a disk that lies would lose it.
    let other = open(path, O_WRONLY)
    defer { close(other) }
    #expect(pwrite(other, [0x55, 0xAA], 2, 99_990) == 2)
    #expect {
      try file.checkSamples()
    } throws: { error in
      (error as? OperationError)?.message
        == "`\(path)` does not hold what was written to it: its bytes from 95914 on are others"
    }
  }
}
