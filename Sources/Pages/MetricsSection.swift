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
    let columns = names.map { Column(name: $0, rows: rows.map(\.facts)) }
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
  private func note(on steps: [Int], _ columns: [Column]) -> HTML {
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

/// One number of several measurements, drawn on one scale.
private struct Column {
  let name: String
  /// From zero to the highest; nil where all are the same and a bar would say nothing.
  private let scale: ClosedRange<Double>?
  let hasSpread: Bool
  var isDrawn: Bool { scale != nil }

  init(name: String, rows: [Facts]) {
    self.name = name
    let numbers = rows.compactMap { $0[name] }.filter(\.isFinite)
    let spreads = rows.compactMap { Self.spread($0, name) }
    hasSpread = !spreads.isEmpty
    let ends = numbers + spreads.flatMap { [$0.lower, $0.upper] }.filter(\.isFinite)
    let (lowest, highest) = (min(0, ends.min() ?? 0), max(0, ends.max() ?? 0))
    scale = Set(numbers).count > 1 && lowest < highest ? lowest...highest : nil
  }

  /// The interval that a number comes with; for a mean its spread to both sides.
  private static func spread(_ facts: Facts, _ name: String) -> (lower: Double, upper: Double)? {
    if let interval = facts.interval(of: name) { return interval }
    guard name == "mean", let mean = facts[name], let spread = facts["spread"] else { return nil }
    return (mean - spread, mean + spread)
  }

  /// The scale that the bars below it are drawn on.
  var ruler: HTML {
    guard let scale else { return "" }
    let axis = Axis(scale, count: 2)
    let marks = axis.ticks.map { tick -> HTML in
      let place = Self.percent(axis.share(of: tick))
      let anchor = place > 88 ? "end" : place < 6 ? "start" : "middle"
      return """
        <line x1="\(place)%" x2="\(place)%" y1="14" y2="18"/><text x="\(place)%" y="10" text-anchor="\(anchor)">\
        \(Measure.figure(tick))</text>
        """
    }
    return "<svg class=\"amount ruler\" aria-hidden=\"true\"><line x2=\"100%\" y1=\"18\" y2=\"18\"/>\(marks)</svg>"
  }

  /// A share in percent, to a tenth.
  private static func percent(_ share: Double) -> Double { (share * 1000).rounded() / 10 }

  func cell(_ facts: Facts) -> HTML {
    guard let number = facts[name] else { return "<td></td>" }
    let interval: HTML =
      facts.interval(of: name).map { " <small>\(Measure.figure($0.lower)) to \(Measure.figure($0.upper))</small>" }
      ?? ""
    let verdict: HTML = facts.verdict(of: name).map { " <small class=\"verdict\">\($0)</small>" } ?? ""
    return "<td>\(bar(number, Self.spread(facts, name)))<b>\(Measure.figure(number))</b>\(interval)\(verdict)</td>"
  }

  private func bar(_ number: Double, _ spread: (lower: Double, upper: Double)?) -> HTML {
    guard let scale, number.isFinite else { return "" }
    let axis = Axis(scale, count: 1)
    let place = { (value: Double) in
      Self.percent(axis.share(of: min(max(value, scale.lowerBound), scale.upperBound)))
    }
    let (zero, end) = (place(0), place(number))
    let whisker: HTML =
      spread.map { ends in
        "<line x1=\"\(place(ends.lower))%\" x2=\"\(place(ends.upper))%\" y1=\"5\" y2=\"5\"/>"
      } ?? ""
    return """
      <svg class="amount" aria-hidden="true"><rect x="\(min(zero, end))%" width="\(abs(end - zero))%"/>\(whisker)</svg>
      """
  }
}
