import Diagnostics
import Operations

/// Lines of one sort in one picture: the losses of trainings from three starts with five seeds each.
struct CurveChart {
  private let title: String
  private let name: String
  private let unit: String
  private let lines: [Line]
  /// What the recipe calls lines that are alike, where there are several such.
  private let families: [String]

  private struct Line {
    let step: Int
    let label: String
    let family: String
    var points: [Curve.Point]
  }

  private static let size = (width: 420.0, height: 240.0)
  private static let inset = (left: 56.0, right: 14.0, top: 24.0, bottom: 42.0)

  /// As many colours as there are.
  private static let colors = 8

  /// A chart for each operation and each number that was watched; one for each family of steps where they are too many to tell
  /// apart.
  static func charts(of lineage: Lineage) -> [CurveChart] {
    var keys: [[String]] = []
    var lines: [[String]: [Line]] = [:]
    for (index, step) in lineage.steps.enumerated() {
      for curve in step.curves {
        let points = curve.points.filter { $0.x.isFinite && $0.y.isFinite }
        guard points.count > 1 else { continue }
        let key = [step.operation, curve.name, curve.unit]
        if lines[key] == nil { keys.append(key) }
        lines[key, default: []].append(Line(step: index, label: step.label, family: step.family, points: points))
      }
    }
    let most = min(200, max(12, room / max(lines.values.reduce(0) { $0 + $1.count }, 1)))
    return keys.flatMap { key -> [CurveChart] in
      let lines = (lines[key] ?? []).map { line in
        var few = line
        few.points = thinned(line.points, to: most)
        return few
      }
      let families = lines.reduce(into: [String]()) { if !$0.contains($1.family) { $0.append($1.family) } }
      guard families.count > 1, families.count <= colors else {
        return families.map { family in
          CurveChart(
            title: family, name: key[1], unit: key[2], lines: lines.filter { $0.family == family }, families: [])
        }
      }
      return [CurveChart(title: key[0], name: key[1], unit: key[2], lines: lines, families: families)]
    }
  }

  /// Points that all lines of a page may have together, or a thousand trainings would make it too large to send.
  private static let room = 24_000

  /// As few points as asked for, each the mean of so many in a row.
  static func thinned(_ points: [Curve.Point], to most: Int) -> [Curve.Point] {
    let size = (points.count + most - 1) / most
    guard size > 1 else { return points }
    return stride(from: 0, to: points.count, by: size).map { start in
      let part = points[start..<min(start + size, points.count)]
      return .init(part.map(\.x).reduce(0, +) / Double(part.count), part.map(\.y).reduce(0, +) / Double(part.count))
    }
  }

  var html: HTML {
    let all = lines.flatMap(\.points)
    let x = Axis(Self.range(all.map(\.x)), count: 4)
    let y = Axis(Self.range(all.map(\.y)), count: 4)
    return """
      <figure class="curve"><figcaption>\(title) <small>\(name) by \(unit)\(span)</small></figcaption>
      <svg viewBox="0 0 \(Self.size.width) \(Self.size.height)" role="img" aria-label="\(description)">\
      \(y.ticks.map { across($0, y) })\(x.ticks.map { down($0, x) })\(axisNames)\
      \(lines.enumerated().map { line($1, color: families.firstIndex(of: $1.family) ?? $0, x, y) })</svg>\(legend)</figure>
      """
  }

  /// Of one line, where it begins and ends.
  private var span: String {
    guard lines.count == 1, let first = lines[0].points.first, let last = lines[0].points.last else { return "" }
    return ", \(Measure.figure(first.y)) → \(Measure.figure(last.y))"
  }

  private var axisNames: HTML {
    let (left, right) = (Self.inset.left, Self.size.width - Self.inset.right)
    return """
      <text class="axis name" x="0" y="12">\(name)</text>\
      <text class="axis name" x="\((left + right) / 2)" y="\(Self.size.height - 4)" text-anchor="middle">\(unit)</text>
      """
  }

  private var legend: HTML {
    guard !families.isEmpty else { return "" }
    let entries = families.enumerated().map { color, family -> HTML in
      "<li><svg aria-hidden=\"true\"><line class=\"line c\(color)\" x1=\"0\" x2=\"16\" y1=\"6\" y2=\"6\"/></svg>\(family)</li>"
    }
    return "<ul class=\"legend\">\(entries)</ul>"
  }

  /// What one would read off it.
  private var description: String {
    let ends = lines.prefix(5).map { line in
      "\(line.label) from \(Measure.figure(line.points.first?.y ?? 0)) to \(Measure.figure(line.points.last?.y ?? 0))"
    }
    let more = lines.count > 5 ? " and \(lines.count - 5) more" : ""
    return "\(name) by \(unit): " + ends.joined(separator: "; ") + more
  }

  private static func range(_ numbers: [Double]) -> ClosedRange<Double> {
    let (low, high) = (numbers.min() ?? 0, numbers.max() ?? 0)
    return low < high ? low...high : low - 0.5...high + 0.5
  }

  private func across(_ tick: Double, _ axis: Axis) -> HTML {
    let y = vertical(tick, axis)
    return """
      <line class="tick" x1="\(Self.inset.left)" x2="\(Self.size.width - Self.inset.right)" y1="\(y)" y2="\(y)"/>\
      <text class="axis" x="\(Self.inset.left - 6)" y="\(y + 4)" text-anchor="end">\(Measure.figure(tick))</text>
      """
  }

  private func down(_ tick: Double, _ axis: Axis) -> HTML {
    let x = horizontal(tick, axis)
    let y = Self.size.height - Self.inset.bottom + 16
    return """
      <line class="tick" x1="\(x)" x2="\(x)" y1="\(Self.inset.top)" y2="\(y - 12)"/>\
      <text class="axis" x="\(x)" y="\(y)" text-anchor="middle">\(Measure.figure(tick))</text>
      """
  }

  private func line(_ line: Line, color: Int, _ x: Axis, _ y: Axis) -> HTML {
    let points = line.points.map { point -> HTML in "\(horizontal(point.x, x)),\(vertical(point.y, y)) " }
    return """
      <polyline class="line c\(color % Self.colors)" data-step="\(line.step)" points="\(points)"><title>\(line.label)</title></polyline>
      """
  }

  private func horizontal(_ number: Double, _ axis: Axis) -> Double {
    Self.inset.left + axis.share(of: number) * (Self.size.width - Self.inset.left - Self.inset.right)
  }

  private func vertical(_ number: Double, _ axis: Axis) -> Double {
    Self.size.height - Self.inset.bottom
      - axis.share(of: number) * (Self.size.height - Self.inset.top - Self.inset.bottom)
  }
}
