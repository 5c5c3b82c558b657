import Diagnostics
import Foundation

/// When each step of an apply ran: a row for each, or, for many, as few rows as ran beside each other.
struct Timeline {
  private let lineage: Lineage
  private let apply: Lineage.Apply
  /// The steps that this apply ran, in the order in which they began, by index.
  private let ran: [Int]
  private let seconds: Double

  private static let most = 40
  private static let rowHeight = 20.0

  init(_ apply: Lineage.Apply, of lineage: Lineage) {
    self.lineage = lineage
    self.apply = apply
    ran = apply.steps.filter { !$0.reused }.map(\.step).sorted {
      (lineage.steps[$0].started, $0) < (lineage.steps[$1].started, $1)
    }
    let ends = ran.map { lineage.steps[$0].started.timeIntervalSince(apply.started) + lineage.steps[$0].seconds }
    seconds = max(ends.max() ?? 0, 1e-3)
  }

  /// Nothing where nothing ran.
  var html: HTML {
    guard !ran.isEmpty else { return .empty }
    let rows = rows
    let isNamed = ran.count <= Self.most
    let height = Double((rows.max() ?? 0) + 1) * Self.rowHeight
    let bars = zip(ran, rows).map { bar($0, row: $1, isNamed: isNamed) }
    let grid = Axis(0...seconds, count: 6).ticks.map { tick -> HTML in
      let x = tick / seconds * 100
      return """
        <line class="tick" x1="\(x)%" x2="\(x)%" y2="\(height)"/><text class="axis" x="\(x)%" y="\(height + 14)" \
        text-anchor="\(x > 92 ? "end" : x < 3 ? "start" : "middle")">\(Measure.duration(tick))</text>
        """
    }
    let names: HTML =
      isNamed ? "<ol class=\"names\" aria-hidden=\"true\">\(ran.map(name))</ol>" : ""
    return """
      <figure class="timeline" data-apply="\(apply.id)"><figcaption>Apply \(apply.id): \
      \(Measure.count(ran.count, "step")) in \(Measure.duration(seconds)) <small>time since it began; colours as in the lineage\
      </small></figcaption>
      <div class="chart">\(names)<svg width="100%" height="\(height + 20)" role="img" aria-label="When the steps of apply \
      \(apply.id) ran; their times stand in the table of steps">\(grid)\(bars)</svg></div></figure>
      """
  }

  private func name(_ step: Int) -> HTML {
    "<li title=\"\(lineage.steps[step].label)\">\(lineage.steps[step].label)</li>"
  }

  private func bar(_ index: Int, row: Int, isNamed: Bool) -> HTML {
    let step = lineage.steps[index]
    let start = max(0, step.started.timeIntervalSince(apply.started))
    let share = { (time: Double) in (time / seconds * 1000).rounded() / 10 }
    let y = Double(row) * Self.rowHeight + 3
    return """
      <rect class="bar \(Kind(step.kind).rawValue)" data-step="\(index)" x="\(share(start))%" y="\(y)" \
      width="\(max(share(step.seconds), 0.2))%" height="14"><title>\(step.label): \(Measure.duration(step.seconds))</title></rect>
      """
  }

  /// The row of each step that ran: its own, or the first that is free when it begins.
  private var rows: [Int] {
    guard ran.count > Self.most else { return Array(ran.indices) }
    var free: [Date] = []
    return ran.map { index in
      let step = lineage.steps[index]
      let end = step.started.addingTimeInterval(step.seconds)
      if let row = free.firstIndex(where: { $0 <= step.started }) {
        free[row] = end
        return row
      }
      free.append(end)
      return free.count - 1
    }
  }
}
