import Diagnostics
import Fingerprints
import Foundation

/// A history or a result as one page that needs nothing else: no server, no network, no other file.
///
/// Its style and script are part of it and named by their hashes, so a browser runs nothing that a recipe, a model or a tensor's
/// name may have brought in. Without the script everything is still there to be read. The same lineage makes the same bytes.
public struct LineagePage {
  private let lineage: Lineage
  private let version: String

  /// - Parameter version: The program's, for the foot of the page.
  public init(_ lineage: Lineage, version: String) {
    self.lineage = lineage
    self.version = version
  }

  public var text: String {
    let style = String(decoding: PackageResources.page_css, as: UTF8.self)
    let script = String(decoding: PackageResources.graph_js + PackageResources.page_js, as: UTF8.self)
    let graph = GraphSection(lineage)
    let policy =
      "default-src 'none'; style-src '\(Self.hash(style))'; script-src '\(Self.hash(script))'; base-uri 'none'; form-action 'none'"
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(HTML(sound: policy))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="mergekit \(version)">
      <title>\(lineage.title)</title>
      <style>\(HTML(sound: style))</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the lineage</a>
      \(header)
      <main id="main">
      \(applies)
      \(graph.html)
      \(MetricsSection(lineage).html)
      \(timelines)
      \(RecipeSection(lineage).html)
      \(StepsSection(lineage).html)
      \(environment)
      </main>
      <footer>Made by mergekit \(version). This page is whole: it loads nothing, and tells nobody that you read it.</footer>
      \(PageData(lineage, graphs: graph.json).html)
      <script>\(HTML(sound: script))</script>
      </body>
      </html>

      """
    return page.text
  }

  /// As a content security policy names what may run.
  static func hash(_ text: String) -> String {
    let digits = Array(SHA256.hash(Array(text.utf8)).utf8)
    let bytes = stride(from: 0, to: digits.count, by: 2).map { start in
      UInt8(String(decoding: digits[start..<start + 2], as: UTF8.self), radix: 16) ?? 0
    }
    return "sha256-\(Data(bytes).base64EncodedString())"
  }

  // MARK: Head

  private var header: HTML {
    let tiles = tiles.map { tile -> HTML in "<div><dt>\(tile.name)</dt><dd>\(tile.text)</dd></div>" }
    let links = sections.map { link -> HTML in "<a href=\"#\(link.id)\">\(link.name)</a> " }
    return """
      <header>
      <p class="brand">mergekit</p>
      <h1>\(lineage.title)</h1>
      \(subtitle)
      <dl class="tiles">\(tiles)</dl>
      <nav aria-label="Parts of this page">\(links)</nav>
      </header>
      """
  }

  private var subtitle: HTML {
    guard let apply = lineage.applies.first else { return .empty }
    let message: HTML = apply.message.isEmpty ? "" : "<p class=\"failure\">\(apply.message)</p>"
    let count: HTML = lineage.applies.count == 1 ? "" : " — the newest of \(lineage.applies.count)"
    return """
      <p class="subtitle"><code>\(apply.recipe)</code> apply \(apply.id) <span class="outcome \(apply.outcome)">\(apply.outcome)\
      </span> \(Measure.minute(apply.started))\(count)</p>\(message)
      """
  }

  private var tiles: [(name: String, text: String)] {
    var tiles: [(String, String)] = []
    if let apply = lineage.applies.first, lineage.applies.count == 1 {
      let ran = apply.steps.filter { !$0.reused }.count
      tiles += [
        ("steps", Measure.grouped(apply.steps.count)), ("ran", Measure.grouped(ran)),
        ("there already", Measure.grouped(apply.steps.count - ran)),
      ]
      if let finished = apply.finished {
        tiles.append(("took", Measure.duration(finished.timeIntervalSince(apply.started))))
      }
    } else {
      tiles.append(("steps", Measure.grouped(lineage.steps.count)))
      tiles.append(("time in steps", Measure.duration(lineage.steps.reduce(0) { $0 + $1.seconds })))
    }
    let kinds = Dictionary(grouping: lineage.steps, by: \.kind)
    if let models = kinds["checkpoint"] { tiles.append(("models", Measure.grouped(models.count))) }
    if let metrics = kinds["metrics"] { tiles.append(("measurements", Measure.grouped(metrics.count))) }
    return tiles
  }

  private var sections: [(id: String, name: String)] {
    let all = [
      ("applies", "Applies", lineage.applies.count > 1), ("lineage", "Lineage", true),
      ("metrics", "Metrics", !MetricsSection(lineage).isEmpty), ("timeline", "Timeline", hasTimeline),
      ("recipe", "Recipe", !lineage.recipes.isEmpty), ("steps", "Steps", true),
      ("environment", "Environment", !lineage.environment.isEmpty),
    ]
    return all.filter(\.2).map { ($0.0, $0.1) }
  }

  // MARK: Small sections

  /// Where there are several: a line for each.
  private var applies: HTML {
    guard lineage.applies.count > 1 else { return .empty }
    let rows = lineage.applies.map { apply -> HTML in
      let ran = apply.steps.filter { !$0.reused }.count
      let took = apply.finished.map { Measure.duration($0.timeIntervalSince(apply.started)) } ?? ""
      return """
        <tr><th scope="row">\(apply.id)</th><td><span class="outcome \(apply.outcome)">\(apply.outcome)</span></td>\
        <td>\(Measure.minute(apply.started))</td><td class="amount">\(took)</td><td><code>\(apply.recipe)</code></td>\
        <td class="amount">\(ran)</td><td class="amount">\(apply.steps.count - ran)</td><td>\(apply.message)</td></tr>

        """
    }
    return """
      <section id="applies" aria-labelledby="applies-title">
      <h2 id="applies-title">Applies</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Applies"><table><thead><tr><th scope="col">apply</th>\
      <th scope="col">ended</th><th scope="col">began</th><th scope="col">took</th><th scope="col">recipe</th>\
      <th scope="col">ran</th><th scope="col">there already</th><th scope="col"></th></tr></thead><tbody>
      \(rows)</tbody></table></div>
      </section>
      """
  }

  /// The newest are drawn.
  private static let timelineCount = 10

  private var hasTimeline: Bool {
    lineage.applies.prefix(Self.timelineCount).contains { $0.steps.contains { !$0.reused } }
  }

  private var timelines: HTML {
    guard hasTimeline else { return .empty }
    return """
      <section id="timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      \(lineage.applies.prefix(Self.timelineCount).map { Timeline($0, of: lineage).html })
      </section>
      """
  }

  private var environment: HTML {
    guard !lineage.environment.isEmpty else { return .empty }
    let rows = lineage.environment.map { fact -> HTML in
      "<tr><th scope=\"row\">\(fact.name)</th><td>\(fact.value)</td></tr>"
    }
    return """
      <section id="environment" aria-labelledby="environment-title">
      <h2 id="environment-title">Environment</h2>
      <table><tbody>\(rows)</tbody></table>
      </section>
      """
  }
}
