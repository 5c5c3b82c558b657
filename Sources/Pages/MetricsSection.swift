import Diagnostics
import Operations

/// The numbers that were measured: a table for each operation, with a bar for each number and its interval on it.
struct MetricsSection {
  private let lineage: Lineage
  /// The steps that measured something, by index.
  private let measured: [Int]
  private let charts: [CurveChart]
  private let maps: [LayerMap]

  init(_ lineage: Lineage) {
    self.lineage = lineage
    measured = lineage.steps.indices.filter {
      lineage.steps[$0].kind == "metrics" && !Facts(lineage.steps[$0].facts).numbers.isEmpty
    }
    charts = CurveChart.charts(of: lineage)
    maps = LayerMap.maps(of: lineage)
  }

  var isEmpty: Bool { measured.isEmpty && charts.isEmpty && maps.isEmpty }

  /// Nothing where nothing was measured.
  var html: HTML {
    guard !isEmpty else { return .empty }
    var operations: [String] = []
    for step in measured where !operations.contains(lineage.steps[step].operation) {
      operations.append(lineage.steps[step].operation)
    }
    let tables = operations.map { name in table(name, measured.filter { lineage.steps[$0].operation == name }) }
    let pictures = charts.map(\.html) + maps.map(\.html)
    let drawn: HTML = pictures.isEmpty ? "" : "<div class=\"charts\">\(pictures)</div>"
    return """
      <section id="metrics" aria-labelledby="metrics-title">
      <h2 id="metrics-title">Metrics</h2>
      \(tables)
      \(drawn)
      </section>
      """
  }

  private func table(_ operation: String, _ steps: [Int]) -> HTML {
    let rows = steps.map { (step: $0, facts: Facts(lineage.steps[$0].facts)) }
    var names: [String] = []
    for name in rows.flatMap(\.facts.numbers) where !names.contains(name) { names.append(name) }
    let columns = names.map { MetricsColumn(name: $0, rows: rows.map(\.facts)) }
    let heads = columns.map { column -> HTML in "<th scope=\"col\">\(column.name)\(column.ruler)</th>" }
    let lines = rows.map { row -> HTML in
      """
      <tr><th scope="row"><a href="#step-\(row.step)">\(lineage.steps[row.step].label)</a></th>\
      \(columns.map { $0.cell(row.facts) })</tr>

      """
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="Results of \(operation)"><table class="metrics sortable"><caption>\
      \(operation)\(note(on: steps, columns))</caption><thead><tr><th scope="col">step</th>\(heads)</tr></thead><tbody>\(lines)</tbody></table></div>
      """
  }
}

extension MetricsSection {
  /// What the bars and the lines on them mean.
  private func note(on steps: [Int], _ columns: [MetricsColumn]) -> HTML {
    guard columns.contains(where: \.isDrawn) else { return "" }
    guard columns.contains(where: \.hasSpread) else { return " <small>bars from 0</small>" }
    let names = ["confidence", "resamples"].map { name in
      Set(steps.map { lineage.steps[$0].settings.first { $0.name == name }?.value ?? "" })
    }
    // Where all intervals were made in the same way, it is said in which.
    let share = names[0].count == 1 ? names[0].first.flatMap { Double($0) } : nil
    let count = names[1].count == 1 ? names[1].first.flatMap { Int($0) } : nil
    let size = share.map { "\(Measure.figure($0 * 100))% " } ?? ""
    let origin = count.map { ", by bootstrap with \(Measure.count($0, "resample"))" } ?? ""
    let what = share == nil && count == nil ? "how far they spread" : "the \(size)interval\(origin)"
    return " <small>bars from 0; the lines are \(what)</small>"
  }
}
