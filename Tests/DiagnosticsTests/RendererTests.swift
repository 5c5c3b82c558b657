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
