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

  /// What every node is drawn with.
  static let shapes: HTML = """
    <svg class="hidden" aria-hidden="true"><defs>\
    <rect id="box" width="\(GraphLayout.nodeWidth)" height="\(GraphLayout.nodeHeight)" rx="7"/>\
    <rect id="stripe" x="7" y="9" width="4" height="\(GraphLayout.nodeHeight - 18)" rx="2"/>\
    <path id="arrow" d="M\(GraphLayout.nodeWidth - 20) 16h9m-4-4l4 4l-4 4"/></defs></svg>
    """

  var html: HTML {
    """
    <svg class="graph" id="\(id)" role="group" aria-label="\(label)" viewBox="0 0 \(layout.width) \(layout.height)" \
    data-width="\(layout.width)" data-height="\(layout.height)" preserveAspectRatio="xMidYMid meet">
    <g class="lines" aria-hidden="true">\(layout.pieces.map(line))</g>
    \(zip(nodes, layout.centers).map(node))
    </svg>
    """
  }

  /// Bends between ranks and falls straight through them; said as steps from place to place, which are short.
  private func line(_ piece: GraphLayout.Piece) -> HTML {
    let half = GraphLayout.nodeHeight / 2
    var last = piece.path[0]
    var y = last.y + half
    var path: HTML = "M\(last.x) \(y)"
    for point in piece.path.dropFirst() {
      if point.x != last.x {
        if last.y + half != y { path += "v\(last.y + half - y)" }
        let (x, drop) = (point.x - last.x, point.y - last.y - 2 * half)
        let middle = (drop / 2).rounded()
        path += "c0 \(middle) \(x) \(middle) \(x) \(drop)"
        y = point.y - half
      }
      last = point
    }
    let end = piece.endsAtNode ? last.y - half : last.y + half
    if end != y { path += "v\(end - y)" }
    return "<path d=\"\(path)\"/>\n"
  }

  private func node(_ node: Node, at center: GraphLayout.Point) -> HTML {
    let (width, height) = (GraphLayout.nodeWidth, GraphLayout.nodeHeight)
    let isGroup = node.steps.count > 1
    let classes = "node \(node.kind.rawValue)" + (node.wasReused ? " reused" : "") + (isGroup ? " group" : "")
    let under: HTML = isGroup ? "<use class=\"under\" href=\"#box\" x=\"5\" y=\"5\"/>" : ""
    let mark: HTML = node.isExported ? "<use class=\"mark\" href=\"#arrow\"/>" : ""
    return """
      <a class="\(classes)" id="\(node.id)" href="#step-\(node.steps[0])" \
      transform="translate(\(center.x - width / 2) \(center.y - height / 2))"><title>\(node.description)</title>\(under)\
      <use class="box" href="#box"/><use class="stripe" href="#stripe"/><text x="20" y="18">\(Renderer.shortened(node.name, to: node.isExported ? 16 : 21))</text>\
      <text class="detail" x="20" y="33">\(Renderer.shortened(node.detail, to: 25))</text>\(mark)</a>

      """
  }
}

/// What colours stand for.
enum Kind: String, CaseIterable {
  case checkpoint, dataset, metrics, fisher, delta, adapter, statistics, population, inventory
  case other

  init(_ name: String) { self = Kind(rawValue: name) ?? .other }
}
