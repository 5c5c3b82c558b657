import Fingerprints
import Formats
import Foundation
import Operations
import Testing

@testable import Pages

/// A page as text. What a browser makes of it is checked by `Scripts/browse`.
@Suite struct PageTests {
  private static let hostile =
    "</script></style><img src=x onerror=alert(1)>\u{1B}[31m\u{202E}\"'&'); DROP TABLE run; --"

  @Test func theSameLineageMakesTheSameBytes() {
    let pages = (0..<2).map { _ in LineagePage(.sample(steps: 80), version: "1").text }
    #expect(pages[0] == pages[1])
  }

  @Test func aThousandStepsFitIntoTwoMegabytes() {
    let page = LineagePage(.sample(steps: 1002), version: "1").text
    #expect(page.utf8.count <= 2_000_000)
    #expect(page.contains("id=\"folded\"") && page.contains("id=\"all\""))
    #expect(page.contains("id=\"fold\" checked"))
    // One with sixty steps is folded only when somebody asks for it, one with few never.
    let middle = LineagePage(.sample(steps: 58), version: "1").text
    #expect(middle.contains("id=\"folded\"") && !middle.contains("id=\"fold\" checked"))
    #expect(!LineagePage(.sample(steps: 8), version: "1").text.contains("id=\"folded\""))
  }

  @Test func nothingFromOutsideBecomesMarkup() throws {
    let page = LineagePage(.sample(steps: 70, text: Self.hostile), version: "1").text
    #expect(!page.contains("<img") && !page.unicodeScalars.contains("\u{1B}"))
    #expect(!page.unicodeScalars.contains("\u{202E}"))
    #expect(page.contains("\\u{1b}[31m\\u{202e}&quot;&#39;&amp;&#39;); DROP TABLE run; --"))
    // All that ends a script or a style are the page's own.
    #expect(page.components(separatedBy: "</script>").count == 3 && page.components(separatedBy: "</style>").count == 2)
    // No handler, no style of an element: the policy would forbid them.
    let body = page.components(separatedBy: "<body>")[1].components(separatedBy: "<script")[0]
    let names = body.replacing(/"[^"]*"/, with: "")
    #expect(names.firstMatch(of: /<[^>]* (style|on[a-z]+)=/) == nil)
  }

  @Test func theScriptAndStyleAreNamedByTheirHashes() throws {
    let page = LineagePage(.sample(steps: 6), version: "1").text
    for (tag, part) in [("style", "style-src"), ("script", "script-src")] {
      let start = try #require(page.range(of: "<\(tag)>", options: .backwards)?.upperBound)
      let end = try #require(page.range(of: "</\(tag)>", options: .backwards)?.lowerBound)
      #expect(page.contains("\(part) '\(LineagePage.hash(String(page[start..<end])))'"))
    }
    // The SHA-256 of nothing, as RFC 4648 writes it in base 64.
    #expect(LineagePage.hash("") == "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("url("))
  }

  @Test func linksLeadSomewhereAndNamesAreUnique() {
    let page = LineagePage(.sample(steps: 70), version: "1").text
    let ids = page.matches(of: /\ id="([^"]*)"/).map { String($0.output.1) }
    #expect(Set(ids).count == ids.count)
    let targets = Set(page.matches(of: /href="#([^"]*)"/).map { String($0.output.1) })
    #expect(targets.subtracting(ids).isEmpty)
  }

  @Test func resultsStandBesideTheirLines() throws {
    let page = LineagePage(.sample(steps: 30), version: "1").text
    let line = try #require(page.split(separator: "\n").first { $0.contains("<td class=\"number\">3</td>") })
    #expect(line.contains("<span class=\"keyword\">let</span>") && line.contains("accuracy 0.3, mean of 7"))
    #expect(page.contains("<span class=\"comment\"># why</span>"))
  }

  @Test func longCurvesAreThinnedToTheirMeans() {
    let points = (0..<1000).map { Curve.Point(Double($0), Double($0 % 10)) }
    let thinned = CurveChart.thinned(points, to: 100)
    #expect(thinned.count == 100 && thinned.allSatisfy { $0.y == 4.5 } && thinned[3].x == 34.5)
    #expect(CurveChart.thinned(points, to: 2000) == points)
  }

  /// A lineage of steps that watched numbers and of one that has numbers by layer.
  private func drawn(_ labels: [String], facts: JSON = .object([])) -> String {
    let sample = Lineage.sample(steps: 6)
    let model = sample.steps[2]
    let steps = labels.map { label in
      Lineage.Step(
        run: 50, label: label, operation: "finetune", version: 1, recipe: model.recipe, kind: "adapter",
        artifact: model.artifact, key: model.key, started: model.started, seconds: 1, inputs: [], settings: [],
        facts: facts, size: "", exports: [],
        curves: [Curve(name: "loss", unit: "steps", points: [.init(1, 2), .init(2, 1)])]
      )
    }
    return LineagePage(
      Lineage(title: "", steps: sample.steps + steps, applies: [], recipes: [], environment: []), version: "1"
    ).text
  }

  @Test func trainingsFromSeveralStartsAreInOnePicture() {
    let page = drawn(["by_eva[0]", "by_eva[1]", "at_random[0]"])
    #expect(page.matches(of: /<figure class="curve">/).count == 1)
    for family in ["tuned[]", "by_eva[]", "at_random[]"] { #expect(page.contains("</svg>\(family)</li>")) }
    // Lines of one family have one colour.
    #expect(page.matches(of: /class="line c1" data-step/).count == 2)
    // More than can be told apart are drawn each on its own.
    #expect(drawn((0..<9).map { "start_\($0)" }).matches(of: /<figure class="curve">/).count == 10)
  }

  @Test func numbersByLayerAreShades() {
    let facts: JSON = [
      "mergekit": [
        "made_by": "eva",
        "explained": [
          "model.layers.0.mlp.up_proj": 0.5, "model.layers.0.mlp.down_proj": 0.25, "model.layers.1.mlp.up_proj": 1,
        ], "shares": [[0.5, 0.5], [0.9, 0.1]],
      ]
    ]
    let page = drawn(["start"], facts: facts)
    #expect(page.matches(of: /<figure class="map">/).count == 2)
    #expect(page.contains(">mlp.up_proj</text>") && page.contains("<title>model.layers.1.mlp.up_proj: 1</title>"))
    #expect(
      page.contains("explained: most 1 at model.layers.1.mlp.up_proj, least 0.25 at model.layers.0.mlp.down_proj"))
    #expect(page.matches(of: /class="cell"/).count == 3 + 4)
  }

  @Test func axesAreMarkedWithRoundNumbers() {
    #expect(Axis(0...1, count: 4).ticks == [0, 0.25, 0.5, 0.75, 1])
    #expect(Axis(3...97, count: 4).ticks == [25, 50, 75])
    #expect(Axis(2...2, count: 4).ticks == [2])
  }
}
