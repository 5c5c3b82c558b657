import Diagnostics
import Formats
import Testing

@testable import CommandLine

/// What texts look like once they are measured, broken and drawn.
@Suite struct TerminalTests {
  @Test func amounts() {
    #expect(
      [0, 812, 1024, 1_536_000, 15_246_291_763].map(Measure.bytes) == [
        "0 B", "812 B", "1.0 KiB", "1.5 MiB", "14.2 GiB",
      ])
    #expect(Measure.bytes(1_048_575) == "1.0 MiB")
    #expect(
      [0.041, 2.34, 9.96, 41.2, 372, 10_980].map(Measure.duration) == [
        "0.04 s", "2.3 s", "10 s", "41 s", "6 min 12 s", "3 h 3 min",
      ])
    #expect([7, 1797, 12_345, -1_234_567].map(Measure.grouped) == ["7", "1797", "12,345", "-1,234,567"])
    #expect(Measure.count(1, "step") == "1 step" && Measure.count(0, "step") == "0 steps")
  }

  @Test func tables() {
    var table = Table()
    table.add(.init("="), .init("base"), .init("9", isNumber: true), .init(""))
    table.add(.init("~"), .init("x"), .init("10", isNumber: true), .init("new", .bold))
    #expect(table.lines(.plain) == ["  =  base   9", "  ~  x     10  new"])
    table.rows[1][3] = .init("← base, models[0], models[1]")
    #expect(table.lines(.plain, width: 27)[1] == "  ~  x     10  ← base…ls[1]")
    table.rows[1][3] = .init("new", .bold)
    #expect(table.lines(Style(isColored: true), indent: 0)[1] == "~  x     10  \u{1B}[1mnew\u{1B}[0m")
  }

  @Test func metrics() {
    let rows: [(label: String, facts: JSON)] = [
      ("math", ["accuracy": 0.94413, "accuracy_interval": [0.91, 0.97765], "loss": 12.3456, "examples": 20_000]),
      ("merged", ["accuracy": 1.0, "name": "x", "examples": 179]),
    ]
    #expect(
      MetricsTable(rows).lines(.plain) == [
        "                       accuracy   loss  examples",
        "math    0.9441 (0.91 to 0.9777)  12.35    20,000",
        "merged                        1              179",
      ])
    #expect(MetricsTable([]).lines(.plain) == [])
  }

  @Test func metricsWithNothingInCommonStandApart() {
    let rows: [(label: String, facts: JSON)] = [
      ("a", ["accuracy": 0.5, "examples": 9]),
      (
        "c",
        [
          "accuracy_difference": 0.25, "accuracy_difference_interval": [-0.125, 0.5],
          "accuracy_difference_verdict": "within noise", "examples": 9,
        ]
      ), ("b", ["accuracy": 0.75, "examples": 9]),
    ]
    #expect(
      MetricsTable(rows).lines(.plain) == [
        "   accuracy  examples", "a       0.5         9", "b      0.75         9", "",
        "                  accuracy_difference  examples", "c  0.25 (-0.125 to 0.5), within noise         9",
      ])
  }

  @Test func curves() {
    #expect(Sparkline([8, 7, 6, 5, 4, 3, 2, 1]).text(width: 8) == "█▇▆▅▄▃▂▁")
    #expect(Sparkline((0..<800).map(Double.init)).text(width: 4) == "▁▃▆█")
    #expect(Sparkline([1, 1, 1]).text(width: 8) == "" && Sparkline([.nan, 1]).text(width: 8) == "")
    #expect(Sparkline([1, 2]).text(width: 8) == "▁█")
  }

  @Test func prose() {
    #expect(Prose.wrapped("one two three fourteen", width: 9) == ["one two", "three", "fourteen"])
    #expect(
      Prose.markdown("a\nb\n\n- c\n- d\n```\nx\n```\ne", width: 20) == ["a b", "", "- c", "- d", "    x", "e"])
  }

  @Test func theLiveRegionIsDrawnInPlace() {
    var region = LiveRegion()
    #expect(region.clearing(columns: 80) == "")
    #expect(region.drawing([("a", 1), ("b", 1)], columns: 80) == "\r\u{1B}[2Ka\n\u{1B}[2Kb\n\u{1B}[J")
    #expect(region.drawing([("c", 60)], columns: 80) == "\r\u{1B}[2A\u{1B}[2Kc\n\u{1B}[J")
    // A terminal that became narrower has broken the line into three.
    #expect(region.clearing(columns: 25) == "\r\u{1B}[3A\u{1B}[J")
    #expect(region.clearing(columns: 80) == "")
  }

  @Test func sizesAreReadWithTheirUnits() {
    let read = ValueReader.bytes.read
    #expect(["2GiB", "512 MiB", "1.5KiB", "7B"].map(read) == [2 << 30, 512 << 20, 1536, 7])
    #expect(
      ["2", "2GB", "GiB", "-1GiB", "0B", "9999999TiB", "nanGiB", ""].map(read) == Array(repeating: nil, count: 8))
  }
}
