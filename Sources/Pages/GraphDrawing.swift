import Diagnostics

/// A laid out graph as SVG: its nodes, and the lines that lead from one to the other.
struct GraphDrawing {
  /// Also the element's.
  let id: String
  let label: String
  let nodes: [GraphNode]
  let layout: GraphLayout

  var html: HTML {
    """
    <svg class="graph" id="\(id)" role="group" aria-label="\(label)" viewBox="0 0 \(layout.width) \(layout.height)" \
    data-direction="\(layout.direction.rawValue)" data-width="\(layout.width)" data-height="\(layout.height)">
    <g class="lines" aria-hidden="true">\(layout.pieces.map(line))</g>
    \(zip(nodes, layout.centers).map { $0.html(at: $1, width: layout.nodeWidth) })
    </svg>
    """
  }

  /// Bends between ranks and runs straight through them; said as steps from place to place, which are short.
  private func line(_ piece: GraphLayout.Piece) -> HTML {
    let direction = layout.direction
    let half = direction.size(width: layout.nodeWidth, height: GraphLayout.nodeHeight).across / 2
    let straight: HTML = direction == .down ? "v" : "h"
    func step(_ along: Double, _ across: Double) -> HTML {
      let point = direction.point(along: along, across: across)
      return "\(point.x) \(point.y)"
    }
    func across(_ point: GraphLayout.Point) -> Double { direction.across(point) }
    var last = piece.path[0]
    var place = across(last) + half
    var path: HTML = "M\(step(direction.along(last), place))"
    for point in piece.path.dropFirst() {
      let shift = direction.along(point) - direction.along(last)
      if shift != 0 {
        if across(last) + half != place { path += "\(straight)\(across(last) + half - place)" }
        let run = across(point) - across(last) - 2 * half
        let middle = (run / 2).rounded()
        path += "c\(step(0, middle)) \(step(shift, middle)) \(step(shift, run))"
        place = across(point) - half
      }
      last = point
    }
    let end = piece.endsAtNode ? across(last) - half : across(last) + half
    if end != place { path += "\(straight)\(end - place)" }
    return "<path d=\"\(path)\"/>\n"
  }
}
