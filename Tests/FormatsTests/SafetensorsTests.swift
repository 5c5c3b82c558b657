import Diagnostics
import Formats
import Foundation
import Tensors
import Testing

/// What the header's reader says of files, compared with what the reference implementation (safetensors 0.8.0) says.
@Suite struct SafetensorsTests {
  static let a = #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

  static func file(_ header: String, data: Int) -> [UInt8] { file(Array(header.utf8), data: data) }

  static func file(_ header: [UInt8], data: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + [UInt8](repeating: 7, count: data)
  }

  private static func tensor(_ dtype: String, _ shape: String, _ start: Int, _ end: Int, _ more: String = "") -> String
  {
    #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[\#(start),\#(end)]\#(more)}"#
  }

  static let accepted: [(what: String, file: [UInt8])] = [
    ("one tensor", file("{\(a)}", data: 8)), ("no tensors", file("{}", data: 0)),
    ("spaces behind", file("{\(a)}   ", data: 8)), ("a line's end behind", file("{\(a)}\n", data: 8)),
    ("a space in front", file(" {\(a)}", data: 8)),
    ("no entries", file(#"{\#(a),"z":\#(tensor("F32", "[0,5]", 8, 8))}"#, data: 8)),
    ("a scalar", file(#"{"s":\#(tensor("F64", "[]", 0, 8))}"#, data: 8)),
    ("an unknown field", file(#"{"a":\#(tensor("U8", "[1]", 0, 1, #","x":{"y":[1]}"#))}"#, data: 1)),
    ("metadata", file(#"{"__metadata__":{"format":"pt","":"é"},\#(a)}"#, data: 8)),
    ("null metadata", file(#"{"__metadata__":null,\#(a)}"#, data: 8)),
    ("metadata with a name twice", file(#"{"__metadata__":{"x":"1","x":"2"},\#(a)}"#, data: 8)),
    ("an empty name", file(#"{"":\#(tensor("U8", "[1]", 0, 1))}"#, data: 1)),
    ("a name with zero and path", file(#"{"../\u0000":\#(tensor("U8", "[1]", 0, 1))}"#, data: 1)),
    (
      "not in the order of bytes",
      file(#"{"b":\#(tensor("U8", "[1]", 8, 9)),\#(a)}"#, data: 9)
    ),
    (
      "not aligned",
      file(#"{"a":\#(tensor("U8", "[3]", 0, 3)),"b":\#(tensor("F32", "[1]", 3, 7))}"#, data: 7)
    ),
  ]

  static let refused: [(what: String, file: [UInt8], why: String)] = [
    ("byte-order mark", file([0xEF, 0xBB, 0xBF] + Array("{\(a)}".utf8), data: 8), "its header is not a JSON object"),
    (
      "not UTF-8", file(Array(#"{""#.utf8) + [0xFF] + Array(#"":\#(tensor("U8", "[1]", 0, 1))}"#.utf8), data: 1),
      "a text is not UTF-8, at byte 10"
    ),
    (
      "twice, other bytes", file(#"{\#(a),"a":\#(tensor("F32", "[2]", 8, 16))}"#, data: 16),
      "`a` stands twice in its header, at byte 66"
    ),
    (
      "one of very many twice",
      file("{\((0..<3000).map { "\"t\($0 % 2999)\":\(tensor("U8", "[0]", 0, 0))" }.joined(separator: ","))}", data: 0),
      "`t0` stands twice in its header, at byte 166848"
    ),
    ("twice, the same", file("{\(a),\(a)}", data: 8), "`a` stands twice in its header, at byte 66"),
    (
      "two spellings",
      file(#"{"\u00e9":\#(tensor("U8", "[1]", 0, 1)),"e\u0301":\#(tensor("U8", "[1]", 1, 2))}"#, data: 2),
      "`e\u{301}` stands twice in its header, in two spellings of one name, at byte 76"
    ),
    (
      "field twice", file(#"{"a":\#(tensor("U8", "[1]", 0, 1, #","dtype":"U8""#))}"#, data: 1),
      "`dtype` stands twice in `a`, at byte 13"
    ),
    (
      "unknown field twice", file(#"{"a":\#(tensor("U8", "[1]", 0, 1, #","x":1,"x":1"#))}"#, data: 1),
      "`x` stands twice in `a`, at byte 13"
    ),
    (
      "no dtype", file(#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, data: 1), "`a` has no `dtype`, at byte 13"
    ),
    ("no shape", file(#"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, data: 1), "`a` has no `shape`, at byte 13"),
    ("no offsets", file(#"{"a":{"dtype":"U8","shape":[1]}}"#, data: 1), "`a` has no `data_offsets`, at byte 13"),
    (
      "unknown dtype", file(#"{"a":\#(tensor("F31", "[1]", 0, 1))}"#, data: 1),
      "`a` has the dtype `F31`, which mergekit does not know, at byte 27"
    ),
    (
      "lowercase dtype", file(#"{"a":\#(tensor("f32", "[1]", 0, 4))}"#, data: 4),
      "`a` has the dtype `f32`, which mergekit does not know, at byte 27"
    ),
    (
      "half a byte", file(#"{"a":\#(tensor("F4", "[1]", 0, 1))}"#, data: 1),
      "`a` has the dtype `F4`, which mergekit does not know, at byte 26"
    ),
    (
      "dtype a number", file(#"{"a":{"dtype":1,"shape":[1],"data_offsets":[0,1]}}"#, data: 1),
      "the dtype of `a` is not a text, at byte 22"
    ),
    (
      "negative axis", file(#"{"a":\#(tensor("U8", "[-1]", 0, 1))}"#, data: 1),
      "a whole number from 0 to 9223372036854775807 is missing, at byte 36"
    ),
    (
      "negative zero", file(#"{"a":\#(tensor("U8", "[-0]", 0, 0))}"#, data: 0),
      "a whole number from 0 to 9223372036854775807 is missing, at byte 36"
    ),
    (
      "axis with a point", file(#"{"a":\#(tensor("U8", "[2.0]", 0, 2))}"#, data: 2),
      "a whole number from 0 to 9223372036854775807 is missing, at byte 36"
    ),
    (
      "axis with an exponent", file(#"{"a":\#(tensor("U8", "[2e0]", 0, 2))}"#, data: 2),
      "a whole number from 0 to 9223372036854775807 is missing, at byte 36"
    ),
    (
      "2^63 × 2", file(#"{"a":\#(tensor("U8", "[9223372036854775808,2]", 0, 0))}"#, data: 0),
      "a whole number from 0 to 9223372036854775807 is missing, at byte 36"
    ),
    (
      "2^62 × 2^62 × 0",
      file(#"{"a":\#(tensor("U8", "[4611686018427387904,4611686018427387904,0]", 0, 0))}"#, data: 0),
      "`a` is larger than any memory, at byte 13"
    ),
    (
      "0 × 2^62 × 2^62",
      file(#"{"a":\#(tensor("U8", "[0,4611686018427387904,4611686018427387904]", 0, 0))}"#, data: 0),
      "`a` is larger than any memory, at byte 13"
    ),
    (
      "hole", file(#"{\#(a),"b":\#(tensor("U8", "[1]", 9, 10))}"#, data: 10), "1 byte before `b` belong to no tensor"
    ),
    (
      "overlap", file(#"{\#(a),"b":\#(tensor("F32", "[2]", 4, 12))}"#, data: 12), "`b` overlaps `a`"
    ),
    ("the same bytes twice", file(#"{\#(a),"b":\#(tensor("F32", "[2]", 0, 8))}"#, data: 8), "`b` overlaps `a`"),
    ("bytes behind", file("{\(a)}", data: 9), "1 byte behind the last tensor belong to none"),
    ("bytes without tensors", file("{}", data: 4), "4 bytes behind the last tensor belong to none"),
    ("cut off", file("{\(a)}", data: 5), "it is cut off within `a`, 3 bytes are missing"),
    (
      "ends before it begins", file(#"{"a":\#(tensor("U8", "[1]", 1, 0))}"#, data: 1),
      "`a` ends before it begins, at byte 13"
    ),
    (
      "one offset", file(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1]}}"#, data: 1),
      "`a` has 1 `data_offsets`, not 2, at byte 13"
    ),
    (
      "other size", file(#"{"a":\#(tensor("F32", "[2,3]", 0, 8))}"#, data: 8),
      "`a` is F32 2×3, 24 bytes, but has 8, at byte 13"
    ),
    (
      "metadata not a text", file(#"{"__metadata__":{"x":1},\#(a)}"#, data: 8),
      "`x` of its `__metadata__` is not a text, at byte 29"
    ),
    ("an array", file("[]", data: 0), "its header is not a JSON object"),
    (
      "too deep",
      file(#"{"a":\#(tensor("U8", "[1]", 0, 1, #","x":"# + String(repeating: "[", count: 100_000)))}"#, data: 1),
      "values are nested more than 256 deep, at byte 318"
    ),
    (
      "lone surrogate", file(#"{"\ud800":\#(tensor("U8", "[1]", 0, 1))}"#, data: 1),
      "a surrogate stands alone, at byte 10"
    ),
    ("something behind", file("{\(a)}x", data: 8), "something stands behind the value, at byte 62"),
    (
      "header longer than the file", [16, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D],
      "its header claims 16 bytes, and the file has 10 in all"
    ),
    (
      "2^64 - 1", [UInt8](repeating: 0xFF, count: 16),
      "its header claims 18446744073709551615 bytes, and may have 1 to 100000000"
    ),
    (
      "header of 100,000,001 bytes", [0x01, 0xE1, 0xF5, 0x05, 0, 0, 0, 0, 0x7B],
      "its header claims 100000001 bytes, and may have 1 to 100000000"
    ),
    ("no header", [UInt8](repeating: 0, count: 8), "its header claims 0 bytes, and may have 1 to 100000000"),
    ("7 bytes", [2, 0, 0, 0, 0, 0, 0], "it has 7 bytes, and the length of its header alone takes 8"),
    ("nothing", [], "it has 0 bytes, and the length of its header alone takes 8"),
  ]

  @Test func accepts() throws {
    let folder = try TemporaryFolder()
    for (what, bytes) in Self.accepted {
      let path = try folder.write("a.safetensors", bytes)
      #expect(try folder.complaint { try SafetensorsFile(path) } == nil, "\(what)")
    }
  }

  @Test func refuses() throws {
    let folder = try TemporaryFolder()
    for (what, bytes, why) in Self.refused {
      let path = try folder.write("a.safetensors", bytes)
      let complaint = try folder.complaint { try SafetensorsFile(path) }
      #expect(complaint == "`a.safetensors` is not a safetensors file: \(why)", "\(what)")
    }
  }

  @Test func readsWhatIsThere() throws {
    let folder = try TemporaryFolder()
    let header =
      #"{"b":\#(Self.tensor("BF16", "[1,2]", 3, 7)),"__metadata__":{"k":"v"},"a":\#(Self.tensor("U8", "[3]", 0, 3))}"#
    let file = try SafetensorsFile(folder.write("a.safetensors", Self.file(header, data: 7)))
    let found = file.entries.map { "\($0.name) \($0.dtype.rawValue) \($0.shape)" }
    #expect(found == ["a U8 3", "b BF16 1×2"])
    #expect(file.metadata.map { "\($0.name)=\($0.text)" } == ["k=v"])
    let slice = file.slice(of: file.entries[1])
    #expect(slice.offset == file.headerBytes + 3 && slice.count == 4 && slice.stamp == file.stamp)
    #expect(try file.tensor(file.entries[0]).withBytes { Array($0) } == [7, 7, 7])
  }

  /// Pickles are told by how they begin, but a header of 640 bytes (0x280) begins in the same way and is none.
  @Test func tellsPicklesFromHonestHeaders() throws {
    let folder = try TemporaryFolder()
    for length in [0x280, 0x380, 0x480, 0x580] {
      let header = "{\(Self.a)}" + String(repeating: " ", count: length - Self.a.utf8.count - 2)
      let path = try folder.write("a.safetensors", Self.file(header, data: 8))
      #expect(try SafetensorsFile(path).entries.count == 1)
    }
    let pickle = try folder.write("p.safetensors", [0x80, 2, 0x7D, 0x71, 0, 0x58, 1, 0, 0, 0, 0x61])
    #expect(
      try folder.complaint { try SafetensorsFile(pickle) } == "`p.safetensors` is a pickle, not a safetensors file")
    let archive = try folder.write("z.safetensors", Array("PK\u{3}\u{4}\0\0\u{8}\u{8}\0\0".utf8))
    #expect(
      try folder.complaint { try SafetensorsFile(archive) }
        == "`z.safetensors` is a zip archive, as PyTorch writes pickles, not a safetensors file")
  }

  @Test func damagedFilesNeverTrap() throws {
    var generator = SeededGenerator(4)
    let header =
      #"{"__metadata__":{"format":"pt"},\#(Self.a),"b":\#(Self.tensor("F16", "[3,1]", 8, 14, #","x":[1]"#))}"#
    var accepted = 0
    for _ in 0..<20_000 {
      guard let read = try? SafetensorsHeader(parsing: generator.mutate(Array(header.utf8)), dataLength: 14) else {
        continue
      }
      accepted += 1
      #expect(read.entries.last?.bytes.upperBound ?? 14 == 14)
      #expect(read.entries.allSatisfy { $0.bytes.count == $0.shape.count * $0.dtype.size })
    }
    #expect((1..<10_000).contains(accepted))
    let folder = try TemporaryFolder()
    for _ in 0..<2000 {
      let path = try folder.write("a.safetensors", generator.mutate(Self.file(header, data: 14)))
      guard let file = try? SafetensorsFile(path) else { continue }
      for entry in file.entries { #expect(try file.tensor(entry).byteCount == entry.bytes.count) }
    }
  }

  @Test func thePlaceThatHoldsTooMuchIsNotRead() throws {
    let folder = try TemporaryFolder()
    let size = 1 << 40
    let header = #"{"a":\#(Self.tensor("U8", "[\(size)]", 0, size))}"#
    let path = try folder.write("a.safetensors", Self.file(header, data: 0))
    #expect(truncate(path, off_t(8 + header.utf8.count + size)) == 0)
    let file = try SafetensorsFile(path)
    let complaint = try folder.complaint { try file.tensor(file.entries[0]) }
    #expect(
      complaint?.hasPrefix("1099511627776 bytes of `a.safetensors` are wanted at once, and this machine has ") == true)
    #expect(truncate(folder("a.safetensors"), off_t(size)) == 0)
    #expect(
      try folder.complaint { try SafetensorsFile(path) }
        == "`a.safetensors` is not a safetensors file: it is cut off within `a`, \(8 + header.utf8.count) bytes are missing"
    )
  }
}
