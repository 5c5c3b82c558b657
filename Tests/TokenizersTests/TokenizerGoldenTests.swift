import Formats
import Foundation
import Testing

@testable import Tokenizers

/// What the `tokenizers` package gives, against what is given here. `Golden/make.py` asked it.
///
/// `TOKENIZER_GOLDEN` may name a folder with more of the same.
@Suite struct TokenizerGoldenTests {
  private static let folders: [URL] =
    [Bundle.module.resourceURL!.appendingPathComponent("Golden")]
    + (ProcessInfo.processInfo.environment["TOKENIZER_GOLDEN"].map { [URL(fileURLWithPath: $0)] } ?? [])

  private static let files: [String] = folders.flatMap { folder in
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".golden.json") }
      .sorted()
      .map { folder.appendingPathComponent($0).path }
  }

  @Test("Ids, places and texts are the package's", arguments: files)
  func sameAsPackage(file: String) throws {
    let golden = try JSON(parsing: try File.contents(of: file))
    var bytes = Array((golden["tokenizer"] ?? .null).compact.utf8)
    if let path = golden["file"]?.string {
      bytes = try File.contents(
        of: path.hasPrefix("/") ? path : (file as NSString).deletingLastPathComponent + "/" + path)
    }
    let tokenizer = try Tokenizer(bytes, name: file)
    let cases = try #require(golden["cases"]?.array)
    #expect(!cases.isEmpty)
    var wrong = 0
    for item in cases where wrong < 10 {
      let text = try #require(item["text"]?.string)
      let encoding = try tokenizer.encode(
        text, pair: item["pair"]?.string, addsSpecialTokens: item["special"]?.bool ?? true)
      let found = Facts(encoding, tokenizer)
      let expected = Facts(item)
      if found != expected { wrong += 1 }
      #expect(found == expected, "\(text.debugDescription) \(item["pair"]?.string?.debugDescription ?? "")")
    }
  }

  @Test("Patterns of well-known models cut where Oniguruma does")
  func patterns() throws {
    let golden = try JSON(parsing: try File.contents(of: Self.folders[0].appendingPathComponent("patterns.json").path))
    for item in try #require(golden.array) {
      let pattern = try Pattern(try #require(item["pattern"]?.string))
      for example in try #require(item["cases"]?.array) {
        let fields = try #require(example.array)
        let text = try #require(fields[0].string)
        let bytes = Array(text.utf8)
        var ends: Set<Int> = bytes.isEmpty ? [] : [bytes.count]
        for match in pattern.matches(in: bytes) { ends.formUnion([match.lowerBound, match.upperBound]) }
        // As scalars, of which each begins with a byte that goes on with none.
        let found = ends.subtracting([0]).sorted().map { end in bytes[..<end].count { $0 & 0xC0 != 0x80 } }
        #expect(
          found == fields.dropFirst().compactMap(\.integer), "\(item["pattern"]!.string!) in \(text.debugDescription)")
      }
    }
  }

  /// What is compared.
  private struct Facts: Equatable {
    var ids: [Int]
    var places: [Int]
    var types: [Int]
    var attention: [Int]
    var special: [Int]
    var words: [Int]
    var overflow: [[Int]]
    var decoded: [String.UTF8View.Element]
    var plain: [String.UTF8View.Element]

    init(_ encoding: Encoding, _ tokenizer: Tokenizer) {
      ids = encoding.ids.map(Int.init)
      places = encoding.places.flatMap { [$0.start, $0.end] }
      types = encoding.typeIDs.map(Int.init)
      attention = encoding.attentionMask.map(Int.init)
      special = encoding.specialTokensMask.map(Int.init)
      words = encoding.words.map(Int.init)
      overflow = encoding.overflow.map { $0.ids.map(Int.init) + $0.places.flatMap { [$0.start, $0.end] } }
      decoded = Array(tokenizer.decode(encoding.ids, skipsSpecialTokens: false).utf8)
      plain = Array(tokenizer.decode(encoding.ids).utf8)
    }

    init(_ item: JSON) {
      func numbers(_ json: JSON?) -> [Int] { json?.array?.compactMap(\.integer) ?? [] }
      ids = numbers(item["ids"])
      places = numbers(item["places"])
      types = item["types"] == nil ? Array(repeating: 0, count: ids.count) : numbers(item["types"])
      attention = item["attention"] == nil ? Array(repeating: 1, count: ids.count) : numbers(item["attention"])
      special = item["mask"] == nil ? Array(repeating: 0, count: ids.count) : numbers(item["mask"])
      words = numbers(item["words"])
      overflow = item["overflow"]?.array?.map { numbers($0) } ?? []
      decoded = Array((item["decoded"]?.string ?? "").utf8)
      plain = item["plain"].map { Array(($0.string ?? "").utf8) } ?? decoded
    }
  }
}
