import Diagnostics
import Operations

/// One number of several measurements, drawn on one scale.
struct MetricsColumn {
  let name: String
  /// From zero to the highest; nil where all are the same and none has an interval, so that a bar would say nothing.
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
    let isTelling = hasSpread || Set(numbers).count > 1
    scale = isTelling && lowest < highest ? lowest...highest : nil
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
