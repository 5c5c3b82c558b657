import Diagnostics
import Formats

/// The lineage as a graph: whole and, where there are many steps, with repeated ones folded.
struct GraphSection {
  private let lineage: Lineage
  /// The folded one first where there is one.
  private let drawings: [GraphDrawing]
  /// Whether the folded one is shown at first.
  private let isFolded: Bool
  private let nodeWidth: Double

  /// Graphs with no more steps are never folded.
  private static let smallestFolded = 12

  init(_ lineage: Lineage) {
    self.lineage = lineage
    isFolded = lineage.steps.count > GraphFolding.threshold
    let parents = lineage.parents
    var graphs = [(id: "all", groups: parents.indices.map { [$0] }, parents: parents)]
    if parents.count > Self.smallestFolded {
      let keys = lineage.steps.map { "\($0.operation) \($0.family)" }
      let folding = GraphFolding(keys: keys, parents: parents)
      if folding.groups.count * 3 <= parents.count * 2 {
        graphs.insert(("folded", folding.groups, folding.parents), at: 0)
      }
    }
    let reused = Self.reused(lineage)
    let nodes = graphs.map { graph in
      graph.groups.enumerated().map { index, steps in
        Self.node(id: "\(graph.id)-\(index)", steps, lineage, isReused: steps.allSatisfy(reused.contains))
      }
    }
    let width = GraphNode.width(for: nodes.flatMap { $0 })
    nodeWidth = width
    drawings = zip(graphs, nodes).map { graph, nodes in
      Self.drawing(graph.id, nodes, GraphLayout.largest(parents: graph.parents, nodeWidth: width))
    }
  }

  // MARK: Drawings

  /// Steps that no shown apply has run.
  private static func reused(_ lineage: Lineage) -> Set<Int> {
    let found = Set(lineage.applies.flatMap(\.steps).filter(\.reused).map(\.step))
    return found.subtracting(lineage.applies.flatMap(\.steps).filter { !$0.reused }.map(\.step))
  }

  private static func drawing(_ id: String, _ nodes: [GraphNode], _ layout: GraphLayout) -> GraphDrawing {
    let count = Measure.count(nodes.count, "node")
    let order = layout.direction == .down ? "above" : "left of"
    return GraphDrawing(
      id: id, label: "Lineage graph of \(count), inputs \(order) results; the same steps stand in the table of steps",
      nodes: nodes, layout: layout)
  }

  private static func node(id: String, _ steps: [Int], _ lineage: Lineage, isReused: Bool) -> GraphNode {
    let step = lineage.steps[steps[0]]
    let isLoop = Set(steps.map { lineage.steps[$0].family }).count > 1
    let name = steps.count == 1 ? step.label : isLoop ? "\(step.family) and others" : step.family
    let operation = isLoop ? "a loop" : step.operation
    let figure = isLoop ? nil : Headline(steps.map { lineage.steps[$0] })?.text
    let more = step.inputs.count > 4 ? " and \(step.inputs.count - 4) more" : ""
    let made =
      steps.count > 1 || step.inputs.isEmpty
      ? "" : ", from " + step.inputs.prefix(4).map(\.label).joined(separator: ", ") + more
    let count = steps.count > 1 ? ", \(Measure.grouped(steps.count)) steps folded" : ""
    return .init(
      id: id, steps: steps, name: name, detail: figure ?? operation,
      description: "\(name): \(operation)\(figure.map { ", \($0)" } ?? "")\(made)\(count)", kind: Kind(step.kind),
      wasReused: isReused, isExported: steps.contains { !lineage.steps[$0].exports.isEmpty })
  }

  // MARK: Page

  var html: HTML {
    let fold: HTML =
      drawings.count == 1
      ? ""
      : """
      <label class="toggle"><input type="checkbox" id="fold"\(isFolded ? " checked" : "")> Fold repeated steps: \
      \(Measure.grouped(drawings[1].nodes.count)) become \(Measure.grouped(drawings[0].nodes.count))</label>
      """
    return """
      <section id="lineage" aria-labelledby="lineage-title">
      <h2 id="lineage-title">Lineage</h2>
      <div class="tools">
      <label class="search"><span class="hidden">Search steps</span><input type="search" id="search" \
      placeholder="Search names, operations, digests" autocomplete="off" spellcheck="false" aria-describedby="found"></label>
      <span id="found" role="status"></span>
      \(fold)
      <span class="zoom" role="group" aria-label="View"><button type="button" id="zoom-out" aria-label="Zoom out">−</button>\
      <button type="button" id="zoom-in" aria-label="Zoom in">+</button><button type="button" id="zoom-fit">Show all</button>\
      <button type="button" id="fill" aria-pressed="false">Fill the window</button></span>
      </div>
      <div class="stage">
      <div class="canvas">\(GraphNode.shapes(width: nodeWidth))\(drawings.map(\.html))\
      <svg id="minimap" class="minimap" aria-hidden="true" hidden></svg></div>
      <aside id="details" aria-label="Results and the chosen step" tabindex="-1">\(results)<p class="hint">Choose a step to see what decided it \
      and what came of it. Drag to move, pinch or hold Ctrl and turn the wheel to zoom. With the keyboard, the arrows go from step to \
      step, + and − zoom, 0 shows all, / searches.</p></aside>
      </div>
      <p class="hidden" id="told" role="status"></p>
      \(legend)
      </section>
      """
  }

  private var legend: HTML {
    let kinds = Set(lineage.steps.map { Kind($0.kind) })
    let colors = Kind.allCases.filter(kinds.contains).map { kind -> HTML in
      "<li class=\"\(kind.rawValue)\"><span class=\"swatch\"></span>\(kind.rawValue)</li>"
    }
    let nodes = drawings.flatMap(\.nodes)
    let marks: [(isUsed: Bool, html: HTML)] = [
      (nodes.contains(where: \.isExported), "<li><span class=\"mark\">→</span> exported</li>"),
      (nodes.contains(where: \.wasReused), "<li><span class=\"swatch dashed\"></span>there already</li>"),
      (nodes.contains { $0.steps.count > 1 }, "<li><b>×9</b> that many steps, folded</li>"),
    ]
    return "<ul class=\"legend\">\(colors)\(marks.filter(\.isUsed).map(\.html))</ul>"
  }

  /// Exports that are listed beside a graph in which nothing is chosen.
  private static let listedExports = 12

  /// What came of it all, as the first thing beside the graph.
  private var results: HTML {
    let exported = lineage.steps.indices.filter { !lineage.steps[$0].exports.isEmpty }
    guard !exported.isEmpty else { return .empty }
    let rows = exported.prefix(Self.listedExports).map { index -> HTML in
      let step = lineage.steps[index]
      let figure: HTML = Headline([step]).map { "<b>\($0.text)</b>" } ?? ""
      return """
        <li class="\(Kind(step.kind).rawValue)"><span class="dot"></span><a href="#step-\(index)">\(step.label)</a> \(figure)\
        <small>\(step.exports.joined(separator: ", "))</small></li>
        """
    }
    let left = exported.count - rows.count
    let more: HTML = left > 0 ? "<li>and \(Measure.grouped(left)) more</li>" : ""
    return "<h3>Exported</h3><ul class=\"results\">\(rows)\(more)</ul>"
  }

  /// What the script must know of the drawings.
  var json: JSON {
    .object(
      drawings.map { drawing in
        .init(
          drawing.id,
          [
            "nodes": .array(drawing.nodes.map { .array($0.steps.map(JSON.integer)) }),
            "ranks": .array(drawing.layout.ranks.map(JSON.integer)),
            "lines": .array(
              drawing.layout.pieces.map { piece in
                .array([piece.from, piece.to, piece.rank].map { $0.map(JSON.integer) ?? .null })
              }),
          ])
      })
  }
}
