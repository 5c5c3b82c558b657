import Diagnostics
import Testing

@Suite("A diagnostic")
struct RendererTests {
  private func rendered(_ line: String, marking word: String, also other: String? = nil) throws -> String {
    let source = Source(name: "a.rcp", text: "first\n\(line)\n")
    func place(_ word: String) throws -> Place {
      let text = Array(source.text.utf8)
      let wanted = Array(word.utf8)
      let start = try #require(text.indices.first { text[$0...].starts(with: wanted) })
      return Place(source, start..<start + wanted.count)
    }
    var diagnostic = Diagnostic("it is wrong", at: try place(word), label: "this")
    if let other { diagnostic.others = [Diagnostic.Label(try place(other), "that")] }
    return Renderer().text(diagnostic)
  }

  @Test func marksTheWord() throws {
    #expect(
      try rendered("let one = two", marking: "two") == """
        error: it is wrong
         ——▶ a.rcp:2:11
          │
        2 │ let one = two
          │           ^^^ this

        """)
  }

  @Test func showsOfALongLineWhatMatters() throws {
    let filling = String(repeating: "0, ", count: 60)
    #expect(
      try rendered("[\(filling)wrong, \(filling)]", marking: "wrong") == """
        error: it is wrong
         ——▶ a.rcp:2:182
          │
        2 │ … 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, wrong, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0…
          │                                          ^^^^^ this

        """)
  }

  @Test func showsALongLineAgainWhereItsMarksLieFarApart() throws {
    let filling = String(repeating: "0, ", count: 60)
    let text = try rendered("[right, \(filling)wrong]", marking: "wrong", also: "right")
    #expect(text.contains("2 │ [right, 0, 0,"))
    #expect(text.contains(" 0, wrong]\n"))
    #expect(text.contains("  │  ----- that\n"))
  }

  /// Of a line of megabytes only what is near the mark is looked at.
  @Test(arguments: ["0, ", "é, ", "e\u{301}, ", "🧑🏽‍🚀 "]) func showsOfALineOfMegabytesWhatMatters(filling: String) throws {
    let filling = String(repeating: filling, count: 20_000)
    let text = try rendered("[\(filling)wrong, \(filling)]", marking: "wrong")
    let lines = text.split(separator: "\n")
    #expect(lines[1].hasSuffix("a.rcp:2:\(filling.count + 2)"))
    #expect(lines[3].hasPrefix("2 │ …") && lines[3].hasSuffix("…") && lines[3].count < 140)
    let column = try #require(lines[3].range(of: "wrong")).lowerBound
    let marked = try #require(lines[4].range(of: "^^^^^ this")).lowerBound
    #expect(lines[3][..<column].count == lines[4][..<marked].count)
  }

  /// A million marks on one letter, and one letter a million bytes long.
  @Test func aLetterMayBeLongerThanWhatIsShown() throws {
    let marks = String(repeating: "\u{301}", count: 20_000)
    #expect(try rendered("e\(marks) wrong e\(marks)", marking: "wrong").contains("^^^^^ this"))
    #expect(try rendered("e\(marks)wrong", marking: "\u{301}wrong").contains("this"))
  }

  @Test func ofVeryManyTheFirstAreShown() {
    let source = Source(name: "a.rcp", text: "%")
    let text = Renderer().text((0..<1200).map { Diagnostic("mistake \($0)", at: Place(source, 0..<1)) })
    #expect(text.contains("error: mistake 999\n") && !text.contains("mistake 1000"))
    #expect(text.hasSuffix("\n\nthere are 200 more of them\n"))
  }

  @Test func escapesWhatATerminalWouldObey() throws {
    #expect(try rendered("a \u{1B}[31m b", marking: "b").contains("2 │ a \\u{1b}[31m b"))
  }
}

@Suite("The nearest name")
struct NearestNameTests {
  @Test(arguments: [("wieghts", "weights"), ("weight_decay", "weightDecay"), ("seed", "seed"), ("sed", "seed")])
  func isWhatWasMeant(typed: String, meant: String) {
    #expect(NearestName.of(typed, among: ["models", "weights", "weightDecay", "seed", "b"]) == meant)
  }

  @Test(arguments: ["t", "inputs", "", "something_else"]) func isNoneWhereNothingIsNear(typed: String) {
    #expect(NearestName.of(typed, among: ["a", "b", "weights"]) == nil)
  }
}
