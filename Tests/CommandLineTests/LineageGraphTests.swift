import Testing

@testable import CommandLine

/// How lineage is drawn.
@Suite struct LineageGraphTests {
  private func drawn(_ nodes: [([Int], String)]) -> String {
    LineageGraph.lines(nodes.map { .init(parents: $0.0, text: $0.1) }).joined(separator: "\n")
  }

  @Test func aChainIsOneLane() {
    #expect(drawn([([1], "c"), ([2], "b"), ([], "a")]) == "●  c\n●  b\n●  a")
  }

  @Test func aMergeForksAndSharedInputsJoin() {
    #expect(
      drawn([([1, 2, 3], "merged"), ([3], "math"), ([3], "code"), ([], "base")]) == """
        ●      merged
        ├─┬─╮
        ● │ │  math
        ╰─│─┤
          ● │  code
          ╰─┤
            ●  base
        """)
  }

  @Test func strangersStandAlone() {
    #expect(drawn([([2], "x"), ([3], "y"), ([], "a"), ([], "b")]) == "●    x\n│ ●  y\n● │  a\n  ●  b")
    #expect(drawn([([], "a"), ([], "b"), ([], "c")]) == "●    a\n  ●  b\n●    c")
  }

  @Test func nodesStandNearWhatTheyWereMadeFrom() {
    // scores, before, merged, tuned, start
    #expect(LineageGraph.order([[2], [4], [3, 4], [4], []]) == [0, 2, 3, 1, 4])
  }

  @Test func anInputThatIsReadTwiceIsDrawnOnce() {
    #expect(drawn([([1, 1], "sum"), ([], "a")]) == "●  sum\n●  a")
  }

  @Test func whatNoTerminalShowsIsNotDrawn() {
    let makers = (1...100).map { LineageGraph.Node(parents: [], text: "s\($0)") }
    let lines = LineageGraph.lines([.init(parents: Array(1...100), text: "all")] + makers)
    #expect(lines.count == 101 && lines[0] == "●  all" && lines[100] == "●  s100")
  }
}
