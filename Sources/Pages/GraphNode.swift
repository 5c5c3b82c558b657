import Diagnostics

/// A node of a drawn graph: a link that leads to its row in the table of steps and, with the script, to its page beside the graph.
struct GraphNode {
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

  // MARK: Sizes

  /// Columns of text that a node has room for; longer names lose their middle.
  private static let columns = 14...34
  /// What a column of the name takes where letters are wide, and one of the smaller line below it.
  private static let columnWidth = (name: 8.6, detail: 7.0)
  /// The stripe, and what stands free at the right.
  private static let margins = (left: 20.0, right: 8.0)

  /// The width at which no name of common length is cut in any of a page's nodes.
  static func width(for nodes: [GraphNode]) -> Double {
    let least = margins.left + Double(columns.lowerBound) * columnWidth.name + margins.right
    return nodes.reduce(least) { widest, node in
      let name = Double(min(node.name.count, columns.upperBound)) * columnWidth.name + node.roomForMark
      let detail = Double(min(node.detail.count, columns.upperBound)) * columnWidth.detail + node.roomForCount
      return max(widest, margins.left + max(name, detail))
    }
  }

  /// At the right of the name: the mark of what is exported.
  private var roomForMark: Double { isExported ? 24 : Self.margins.right }

  /// At the right of the line below: how many steps are folded.
  private var roomForCount: Double { isGroup ? 22 + 8 * Double(String(steps.count).count) : Self.margins.right }

  private var isGroup: Bool { steps.count > 1 }

  // MARK: SVG

  /// What every node of a page is drawn with.
  static func shapes(width: Double) -> HTML {
    """
    <svg class="hidden" aria-hidden="true"><defs>\
    <rect id="box" width="\(width)" height="\(GraphLayout.nodeHeight)" rx="7"/>\
    <rect id="stripe" x="7" y="9" width="4" height="\(GraphLayout.nodeHeight - 18)" rx="2"/>\
    <path id="arrow" d="M\(width - 20) 16h9m-4-4l4 4l-4 4"/></defs></svg>
    """
  }

  func html(at center: GraphLayout.Point, width: Double) -> HTML {
    func fitting(_ text: String, _ columnWidth: Double, besides room: Double) -> String {
      Renderer.shortened(text, to: Int((width - Self.margins.left - room) / columnWidth))
    }
    let name = fitting(name, Self.columnWidth.name, besides: roomForMark)
    let detail = fitting(detail, Self.columnWidth.detail, besides: roomForCount)
    let classes = "node \(kind.rawValue)" + (wasReused ? " reused" : "") + (isGroup ? " group" : "")
    let under: HTML = isGroup ? "<use class=\"under\" href=\"#box\" x=\"5\" y=\"5\"/>" : ""
    let mark: HTML = isExported ? "<use class=\"mark\" href=\"#arrow\"/>" : ""
    let count: HTML = isGroup ? "<text class=\"count\" x=\"\(width - 9)\" y=\"33\">×\(steps.count)</text>" : ""
    return """
      <a class="\(classes)" id="\(id)" href="#step-\(steps[0])" \
      transform="translate(\(center.x - width / 2) \(center.y - GraphLayout.nodeHeight / 2))"><title>\(description)</title>\(under)\
      <use class="box" href="#box"/><use class="stripe" href="#stripe"/><text x="20" y="18">\(name)</text>\
      <text class="detail" x="20" y="33">\(detail)</text>\(count)\(mark)</a>

      """
  }
}
