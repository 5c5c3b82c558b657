import Diagnostics
import Formats
import Foundation
import Tensors
import Testing

@Suite struct TableTests {
  private func numbers(_ table: Table, _ name: String) -> [Double]? {
    guard case .numbers(let numbers)? = table.column(name)?.cells else { return nil }
    return numbers
  }

  private func texts(_ table: Table, _ name: String) -> [String]? {
    guard case .texts(let texts)? = table.column(name)?.cells else { return nil }
    return texts
  }

  @Test func readsCSV() throws {
    let folder = try TemporaryFolder()
    let text = "\u{FEFF}n,\"a \"\"b\"\"\",t\r\n1,-2.5e1,x\r\n\r\n 3 ,\"4\",\"y,\r\nz\"\r\n5,.5,\n"
    let table = try Table(path: folder.write("a.csv", text))
    #expect(table.rowCount == 3)
    #expect(table.columns.map(\.name) == ["n", "a \"b\"", "t"])
    #expect(numbers(table, "n") == [1, 3, 5])
    #expect(numbers(table, "a \"b\"") == [-25, 4, 0.5])
    #expect(texts(table, "t") == ["x", "y,\r\nz", ""])
    #expect(table.columns.map(\.isWhole) == [true, false, false])
    #expect(table.columns.map { $0.stray?.count } == [nil, nil, 3])
  }

  @Test func saysWhichCellIsNoNumber() throws {
    let folder = try TemporaryFolder()
    let table = try Table(path: folder.write("a.csv", "a,b\n1,nan\n\"2\n\",inf\nx,0x10\n,4\n"))
    let a = try #require(table.column("a")?.stray)
    #expect(a.line == 3 && a.text == "2\n" && a.count == 3)
    let b = try #require(table.column("b")?.stray)
    #expect(b.line == 2 && b.text == "nan" && b.count == 3)
    #expect(texts(table, "a") == ["1", "2\n", "x", ""])
  }

  @Test func readsJSONLines() throws {
    let folder = try TemporaryFolder()
    let text = """
      {"t": "é", "n": 1, "v": [1, 2.5], "f": true}

      {"n": 2.5, "t": "", "v": [3, 4], "f": false}\r
      """
    let table = try Table(path: folder.write("a.jsonl", text))
    #expect(table.rowCount == 2)
    #expect(table.columns.map(\.name) == ["t", "n", "v", "f"])
    #expect(texts(table, "t") == ["é", ""])
    #expect(numbers(table, "n") == [1, 2.5])
    #expect(numbers(table, "v") == [1, 2.5, 3, 4])
    #expect(table.columns.map(\.width) == [1, 1, 2, 1])
    #expect(numbers(table, "f") == [1, 0])
  }

  @Test func readsSafetensors() throws {
    let folder = try TemporaryFolder()
    let tensors = ["y": Tensor([3, 4], shape: [2]), "x": Tensor([1.5, 2, 3, 4] as [Float], shape: [2, 2, 1])]
    try SafetensorsLayout(tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value.dtype, $0.value.shape) })
      .write(to: folder("a.safetensors")) { try #require(tensors[$0]) }
    let table = try Table(path: folder("a.safetensors"))
    #expect(table.rowCount == 2)
    #expect(table.columns.map(\.name) == ["x", "y"])
    #expect(numbers(table, "x") == [1.5, 2, 3, 4])
    #expect(numbers(table, "y") == [3, 4])
    #expect(table.columns.map(\.width) == [2, 1])
    #expect(table.columns.map(\.isWhole) == [false, true])
  }

  @Test(arguments: [
    ("a.csv", "", "`a.csv` is empty"), ("a.csv", "\n\r\n", "`a.csv` is empty"),
    ("a.csv", "a,b\n", "`a.csv` has a header, but no rows"),
    ("a.csv", "a,b\n1,2\n\n1\n", "`a.csv` line 4 has 1 column, its header has 2"),
    ("a.csv", "a,b\n1,2,3\n", "`a.csv` line 2 has 3 columns, its header has 2"),
    ("a.csv", "a,b\n\"x\ny\",2\n1,2,3\n", "`a.csv` line 4 has 3 columns, its header has 2"),
    ("a.csv", "a,b,a\n1,2,3\n", "`a.csv` has two columns called `a`"),
    ("a.csv", "a\n\"x\n", "`a.csv` line 2 opens a quote that is never closed"),
    ("a.csv", "a\n\"x\"y\n", "`a.csv` line 2 goes on behind a closing quote"),
    ("a.jsonl", "", "`a.jsonl` is empty"), ("a.jsonl", "{}\n", "`a.jsonl` has rows, but nothing in them"),
    ("a.jsonl", "[1]\n", "`a.jsonl` line 1 is not a JSON object"),
    ("a.jsonl", "{\"a\":1}\n{\"a\":1,}\n", "`a.jsonl` line 2 is not JSON: a member's name is missing, at byte 7"),
    ("a.jsonl", "{\"a\":1,\"b\":2}\n\n{\"a\":1}\n", "`a.jsonl` line 3 has no `b`, which the first line has"),
    ("a.jsonl", "{\"a\":1}\n{\"a\":1,\"b\":2}\n", "`a.jsonl` line 2 has `b`, which the first line has not"),
    (
      "a.jsonl", "{\"a\":1}\n{\"a\":\"x\"}\n",
      "`a` is a text in `a.jsonl` line 2, and a number in the first line"
    ),
    (
      "a.jsonl", "{\"a\":[1,2]}\n{\"a\":[1]}\n",
      "`a` is a list of 1 number in `a.jsonl` line 2, and a list of 2 numbers in the first line"
    ),
    ("a.jsonl", "{\"a\":null}\n", "`a` is neither number, text nor list of either in `a.jsonl` line 1"),
    (
      "a.jsonl", "{\"a\":1}\n{\"a\":null}\n",
      "`a` is neither number, text nor list of either in `a.jsonl` line 2, and a number in the first line"
    ),
    ("a.txt", "x", "`a.txt` is not a dataset: its ending is `.txt`"),
    ("a", "x", "`a` is not a dataset: it has no ending"),
  ])
  func saysWhatIsWrongAndWhere(_ name: String, _ text: String, _ complaint: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(name, text)
    #expect(try folder.complaint { try Table(path: path) } == complaint)
  }

  @Test func refusesTextsThatAreNotUTF8() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.csv", Array("a\n1\n\n".utf8) + [0xFF])
    #expect(try folder.complaint { try Table(path: path) } == "`a.csv` line 4 is not UTF-8")
  }

  @Test func refusesTensorsThatAreNoColumns() throws {
    let folder = try TemporaryFolder()
    func complaint(_ tensors: [(name: String, dtype: DType, shape: Shape)]) throws -> String? {
      let path = folder(
        "\(tensors.count)\(tensors.last?.shape.count ?? 0)\(tensors.last?.dtype.rawValue ?? "").safetensors")
      try SafetensorsLayout(tensors).write(to: path) { name in
        let tensor = try #require(tensors.first { $0.name == name })
        let bytes = [UInt8](repeating: 0, count: tensor.shape.count * tensor.dtype.size)
        return Tensor(bytes: bytes, dtype: tensor.dtype, shape: tensor.shape)
      }
      return try folder.complaint { try Table(path: path) }
    }
    #expect(try complaint([]) == "`00.safetensors` has no tensors")
    #expect(try complaint([("a", .f32, [0, 3])]) == "`10F32.safetensors` has no rows")
    #expect(
      try complaint([("a", .f32, [2]), ("b", .f32, [3, 1])])
        == "`b` of `23F32.safetensors` is 3×1, and `a` is 2")
    #expect(
      try complaint([("a", .bool, [2])]) == "`a` of `12BOOL.safetensors` is BOOL, which is not read as numbers")
  }

  @Test func damagedTablesNeverTrap() throws {
    var generator = SeededGenerator(6)
    let folder = try TemporaryFolder()
    var read = 0
    for _ in 0..<3000 {
      let csv = generator.mutate(Array("a,b,\"c\"\r\n1,2.5,x\r\n3,-4e2,\"y \"\"z\"\"\"\r\n".utf8))
      if let table = try? Table(path: folder.write("a.csv", csv)), table.rowCount > 0 { read += 1 }
      let lines = generator.mutate(Array("{\"a\":1,\"b\":[1,2],\"c\":\"x\"}\n{\"a\":2,\"b\":[3,4],\"c\":\"y\"}\n".utf8))
      if let table = try? Table(path: folder.write("a.jsonl", lines)), table.rowCount > 0 { read += 1 }
    }
    #expect((1..<6000).contains(read))
  }
}
