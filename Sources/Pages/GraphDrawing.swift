import Diagnostics

/// A laid out graph as SVG: a link for each node, which leads to its row in the table of steps and, with the script, to its page
/// beside the graph.
struct GraphDrawing {
  struct Node {
    /// Of the element, unique in the page.
    let id: String
    /// The steps that it stands for, by index.
    let steps: [Int]
    let name: String
    /// Below the name.
    let detail: String
    /// The whole of it, for those who point at it or listen.
    let description: String
    let kind: Kind
    let wasReused: Bool
    let isExported: Bool
  }

  /// Also the element's.
  let id: String
  let label: String
  let nodes: [Node]
  let layout: GraphLayout

  /// What every node of a page is drawn with.
  static func shapes(nodeWidth: Double) -> HTML {
    """
    <svg class="hidden" aria-hidden="true"><defs>\
    <rect id="box" width="\(nodeWidth)" height="\(GraphLayout.nodeHeight)" rx="7"/>\
    <rect id="stripe" x="7" y="9" width="4" height="\(GraphLayout.nodeHeight - 18)" rx="2"/>\
    <path id="arrow" d="M\(nodeWidth - 20) 16h9m-4-4l4 4l-4 4"/></defs></svg>
    """
  }

  /// Columns of text that a node has room for; longer names lose their middle.
  private static let columns = 14...34
  /// What a column takes where letters are wide.
  private static let columnWidth = 8.0
  /// The second line is smaller, and its letters are thinner.
  private static let detailShare = 0.88
  /// Beside the text: the stripe, and a mark where there is one.
  fileprivate static let margins = (left: 20.0, right: 8.0, mark: 24.0)

  /// The width at which no name of a page is cut that has a common length.
  static func nodeWidth(for nodes: [Node]) -> Double {
    let widths = nodes.map { node in
      let name = Double(min(max(node.name.count, columns.lowerBound), columns.upperBound)) * columnWidth
      let detail = Double(min(node.detail.count, columns.upperBound)) * columnWidth * detailShare
      return margins.left + max(name + (node.isExported ? margins.mark : margins.right), detail + node.roomForCount)
    }
    return widths.max() ?? Double(columns.lowerBound) * columnWidth
  }

  /// As much of a text as a node has room for.
  private func fitting(_ text: String, besides mark: Double, share: Double = 1) -> String {
    let room = layout.nodeWidth - Self.margins.left - mark
    return Renderer.shortened(text, to: Int(room / (Self.columnWidth * share)))
  }

  var html: HTML {
    """
    <svg class="graph" id="\(id)" role="group" aria-label="\(label)" viewBox="0 0 \(layout.width) \(layout.height)" \
    data-direction="\(layout.direction.rawValue)" data-width="\(layout.width)" data-height="\(layout.height)" preserveAspectRatio="xMidYMid meet">
    <g class="lines" aria-hidden="true">\(layout.pieces.map(line))</g>
    \(zip(nodes, layout.centers).map(node))
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

  private func node(_ node: Node, at center: GraphLayout.Point) -> HTML {
    let (width, height) = (layout.nodeWidth, GraphLayout.nodeHeight)
    let isGroup = node.steps.count > 1
    let classes = "node \(node.kind.rawValue)" + (node.wasReused ? " reused" : "") + (isGroup ? " group" : "")
    let under: HTML = isGroup ? "<use class=\"under\" href=\"#box\" x=\"5\" y=\"5\"/>" : ""
    let mark: HTML = node.isExported ? "<use class=\"mark\" href=\"#arrow\"/>" : ""
    let count: HTML =
      isGroup ? "<text class=\"count\" x=\"\(width - 9)\" y=\"33\">×\(node.steps.count)</text>" : ""
    let name = fitting(node.name, besides: node.isExported ? Self.margins.mark : Self.margins.right)
    let detail = fitting(node.detail, besides: node.roomForCount, share: Self.detailShare)
    return """
      <a class="\(classes)" id="\(node.id)" href="#step-\(node.steps[0])" \
      transform="translate(\(center.x - width / 2) \(center.y - height / 2))"><title>\(node.description)</title>\(under)\
      <use class="box" href="#box"/><use class="stripe" href="#stripe"/><text x="20" y="18">\(name)</text>\
      <text class="detail" x="20" y="33">\(detail)</text>\(count)\(mark)</a>

      """
  }
}

extension GraphDrawing.Node {
  /// What the second line leaves free at its right, for how many steps there are.
  fileprivate var roomForCount: Double {
    steps.count > 1 ? 22 + 8 * Double(String(steps.count).count) : GraphDrawing.margins.right
  }
}

/// What colours stand for.
enum Kind: String, CaseIterable {
  case checkpoint, dataset, metrics, fisher, delta, adapter, statistics, population, inventory
  case other

  init(_ name: String) { self = Kind(rawValue: name) ?? .other }
}
