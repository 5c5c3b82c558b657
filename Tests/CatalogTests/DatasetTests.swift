import Diagnostics
import Formats
import Foundation
import Operations
import Tensors
import Testing

@Suite("Reading datasets")
struct DatasetTests {
  /// Writes a file and reads it as a dataset.
  private func read(_ text: String, _ settings: [String: Value] = [:], ending: String = "csv") throws -> Content {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("mergekit-\(UUID().uuidString).\(ending)")
      .path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    do {
      return try run("dataset", settings.merging(["path": .text(path)]) { _, new in new }.mapValues { .value($0) })
    } catch var error as OperationError {
      error.message = error.message.replacingOccurrences(of: path, with: "T")
      throw error
    }
  }

  private func failure(_ text: String, _ settings: [String: Value] = [:], ending: String = "csv") -> OperationError? {
    #expect(throws: OperationError.self) { try read(text, settings, ending: ending) }
  }

  private func rows(_ content: Content) throws -> [Int] { try content.tensor("row").integers }

  private let hundred =
    "x,y,label\n" + (0..<100).map { "\($0),\($0 * 2),\($0 % 5)" }.joined(separator: "\n") + "\n"

  @Test("splits a file into parts that share no row, whatever is filtered and limited")
  func splits() throws {
    let parts = try ["train", "validation", "test"].map { try rows(read(hundred, ["split": .choice($0)])) }
    #expect(parts.map(\.count) == [80, 10, 10])
    #expect(Set(parts.joined()).count == 100)
    #expect(try rows(read(hundred)) == parts[0])
    #expect(try rows(read(hundred, ["limit": .number(7)])) == Array(parts[0].prefix(7)))
    let filtered = try read(hundred, ["filter": .text("label"), "among": .list([.number(1), .number(3)])])
    #expect(try rows(filtered) == parts[0].filter { [1, 3].contains($0 % 5) })
    #expect(filtered.facts["classes"] == 5)
    #expect(try rows(read(hundred, ["seed": .number(1)])) != parts[0])
    #expect(try rows(read(hundred, ["split": .choice("all")])).sorted() == Array(0..<100))
  }

  @Test("makes features and labels of each row")
  func columns() throws {
    let data = try read(hundred, ["scale": .number(2)])
    let rows = try rows(data)
    #expect(try data.tensor("features").floats == rows.flatMap { [Float($0) / 2, Float($0)] })
    #expect(try data.tensor("labels").integers == rows.map { $0 % 5 })
    #expect(data.facts["columns"] == ["x", "y"])
    let one = try read(hundred, ["label": .text("x"), "features": .list([.text("y")])])
    #expect(try one.tensor("features").shape == [80, 1])
    #expect(one.facts["classes"] == 100)
  }

  @Test("numbers labels that are texts, and keeps other texts")
  func texts() throws {
    let lines = [
      #"{"text": "good — really", "v": [1, 2], "class": "yes", "split": "train"}"#,
      #"{"text": "", "v": [3, 4], "class": "no", "split": "dev"}"#,
      #"{"text": "bad", "v": [5, 6], "class": "maybe", "split": "train"}"#,
    ]
    let data = try read(lines.joined(separator: "\n"), ending: "jsonl")
    let rows = try rows(data)
    #expect(rows.sorted() == [0, 2])
    #expect(data.facts["class_names"] == ["maybe", "no", "yes"])
    #expect(try data.tensor("labels").integers == rows.map { $0 == 0 ? 2 : 0 })
    #expect(try data.tensor("features").floats == rows.flatMap { $0 == 0 ? [1, 2] : [5, 6] })
    let bytes = try data.tensor("text.text.bytes").withBytes(Array.init)
    let offsets = try data.tensor("text.text.offsets").integers
    let texts = (0..<2).map { String(decoding: bytes[offsets[$0]..<offsets[$0 + 1]], as: UTF8.self) }
    #expect(texts == rows.map { $0 == 0 ? "good — really" : "bad" })
  }

  @Test("says what is wrong, with row and column")
  func errors() throws {
    let wrongLabel = failure(hundred, ["label": .text("labl")])
    #expect(wrongLabel?.message == "`T` has no column `labl`")
    #expect(wrongLabel?.helps == ["did you mean `label`?"])
    #expect(failure("x,label\n1,0\n2,0.5\n")?.message == "the label `label` of `T` is 0.5 in row 2")
    #expect(failure("x,label\n1,-1\n")?.message == "the label `label` of `T` is -1.0 in row 1")
    #expect(failure("x,label\n1,1e300\n")?.message == "the label `label` of `T` is 1e+300 in row 1")
    #expect(failure("x,label\n1,1\n2,1\nnan,1\n")?.message == "`x` of `T` holds numbers, but `nan` in line 4")
    #expect(failure("x,label\n1,1\n2,1\nthree,1\n")?.message == "`x` of `T` holds numbers, but `three` in line 4")
    #expect(failure("x,label\n1,1\n2,1\n,1\n")?.message == "`x` of `T` holds numbers, but nothing in line 4")
    #expect(
      failure("class,label\n1,1\n")?.message == "`T` has 2 columns that could be the label: `class`, `label`")
    #expect(failure("x,split\n1,later\n")?.message == "row 1 of `T` is in the split `later`")
    #expect(
      failure(hundred, ["filter": .text("label"), "among": .list([.number(9)])])?.message
        == "no row is left of `T`: 80 of its 100 are in `.train`, and none of them has a `label` among [9]")
    #expect(
      failure(hundred, ["filter": .text("label"), "among": .list([.text("a")])])?.message
        == #"`label` of `T` is a column of numbers, and `among` is ["a"]"#)
    #expect(failure(hundred, ["filter": .text("label")])?.message.contains("needs `among`") == true)
    #expect(
      failure("x,label\n1,1\n", ["split": .choice("test")])?.message
        == "no row is left of `T`: 0 of its 1 are in `.test`")
  }

  @Test("reads classes of words from lists, from texts and from CoNLL's files")
  func tags() throws {
    let conll = """
      -DOCSTART- -X- O

      Anna NNP B-PER
      sleeps VBZ O

      Oslo NNP B-LOC

      """
    let all: [String: Value] = ["tags": .text("tags"), "split": .choice("all")]
    let one = try read(conll, all, ending: "conll")
    #expect(one.facts["class_names"] == ["B-LOC", "B-PER", "O"] && one.facts["classes"] == 3)
    let order = try rows(one)
    #expect(try one.tensor("tags").integers == (order == [0, 1] ? [1, 2, 0] : [0, 1, 2]))
    #expect(try TextColumn(one, "text.tokens")?.texts == order.map { ["Anna sleeps", "Oslo"][$0] })
    let lines =
      #"{"tokens": ["Anna", "sleeps"], "tags": ["B-PER", "O"]}"# + "\n" + #"{"tokens": ["Oslo"], "tags": ["B-LOC"]}"#
    let other = try read(lines, all, ending: "jsonl")
    #expect(try other.tensor("tags").integers == one.tensor("tags").integers)
    let texts = try read("tokens,tags\nAnna sleeps,B-PER O\nOslo,B-LOC\n", all)
    #expect(try texts.tensor("tags.offsets").integers == one.tensor("tags.offsets").integers)
    #expect(
      failure("tokens,tags\nAnna sleeps,B-PER\n", all)?.message == "row 1 of `T` has 2 words and 1 tags in `tags`")
    #expect(
      failure("Anna\n", all, ending: "conll")?.message == "`T` line 1 has the word `Anna` and no tag")
    #expect(
      failure(#"{"tokens": ["New York"], "tags": ["O"]}"#, all, ending: "jsonl")?.message
        == "row 1 of `T` has the word `New York` in `tokens`, and words have no white space")
    #expect(
      failure("tokens,tags\nAnna,1\n", all)?.message
        == "`tags` of `T` holds numbers, not words or their tags")
  }

  @Test("reads what texts could go on with, and answers")
  func choices() throws {
    let lines =
      #"{"q": "a", "endings": ["x", "y z"], "label": 1}"# + "\n" + #"{"q": "b", "endings": ["w"], "label": 0}"#
    let all: [String: Value] = ["choices": .list([.text("endings")]), "split": .choice("all"), "text": .text("q")]
    let one = try read(lines, all, ending: "jsonl")
    let order = try rows(one)
    #expect(try TextColumn(one, "choices")?.texts == (order == [0, 1] ? ["x", "y z", "w"] : ["w", "x", "y z"]))
    #expect(one.facts["text"] == "q" && one.entry("text.endings.bytes") == nil)
    let columns = try read(
      "q,a,b,label\nsum,1,12,0\n", ["choices": .list([.text("a"), .text("b")]), "split": .choice("all")])
    #expect(try TextColumn(columns, "choices")?.texts == ["1", "12"])
    #expect(columns.entry("features") == nil)
    #expect(
      failure("q,a,label\nsum,x,0\n", ["choices": .list([.text("a")])])?.message
        == "`a` of `T` holds no lists, so there is one choice only")
    let answers = try read("q,a\nsum,12\n", ["answer": .text("a"), "split": .choice("all")])
    #expect(try TextColumn(answers, "answers")?.texts == ["12"])
  }

  @Test("with texts and labels alone are examples for a classifier")
  func textsAlone() throws {
    let data = try read("text,label\na,x\nb,y\n", ["split": .choice("all")])
    #expect(try Dataset(data).labels().sorted() == [0, 1])
  }
}
