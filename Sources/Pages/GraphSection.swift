import Diagnostics
import Formats

/// The lineage as a graph: whole and, where there are many steps, with repeated ones folded.
struct GraphSection {
  private let lineage: Lineage
  /// The folded one first where there is one.
  private let drawings: [GraphDrawing]
  /// Whether the folded one is shown at first.
  private let isFolded: Bool

  /// Graphs with no more steps are never folded.
  private static let smallestFolded = 12

  init(_ lineage: Lineage) {
    self.lineage = lineage
    isFolded = lineage.steps.count > GraphFolding.threshold
    let parents = lineage.parents
    let reused = Self.reused(lineage)
    var drawings: [GraphDrawing] = []
    if parents.count > Self.smallestFolded {
      let keys = lineage.steps.map { "\($0.operation) \($0.family)" }
      let folding = GraphFolding(keys: keys, parents: parents)
      if folding.groups.count * 3 <= parents.count * 2 {
        drawings.append(
          Self.drawing("folded", folding.groups, GraphLayout(parents: folding.parents), lineage, reused))
      }
    }
    drawings.append(
      Self.drawing("all", parents.indices.map { [$0] }, GraphLayout(parents: parents), lineage, reused))
    self.drawings = drawings
  }

  // MARK: Drawings

  /// Steps that no shown apply has run.
  private static func reused(_ lineage: Lineage) -> Set<Int> {
    let found = Set(lineage.applies.flatMap(\.steps).filter(\.reused).map(\.step))
    return found.subtracting(lineage.applies.flatMap(\.steps).filter { !$0.reused }.map(\.step))
  }

  private static func drawing(
    _ id: String, _ groups: [[Int]], _ layout: GraphLayout, _ lineage: Lineage, _ reused: Set<Int>
  ) -> GraphDrawing {
    let nodes = groups.enumerated().map { index, steps in
      node(id: "\(id)-\(index)", steps, lineage, isReused: steps.allSatisfy(reused.contains))
    }
    let count = Measure.count(nodes.count, "node")
    return GraphDrawing(
      id: id, label: "Lineage graph of \(count), inputs above results; the same steps stand in the table of steps",
      nodes: nodes, layout: layout)
  }

  private static func node(id: String, _ steps: [Int], _ lineage: Lineage, isReused: Bool) -> GraphDrawing.Node {
    let step = lineage.steps[steps[0]]
    let isExported = steps.contains { !lineage.steps[$0].exports.isEmpty }
    guard steps.count > 1 else {
      let more = step.inputs.count > 4 ? " and \(step.inputs.count - 4) more" : ""
      let made =
        step.inputs.isEmpty ? "" : ", from " + step.inputs.prefix(4).map(\.label).joined(separator: ", ") + more
      return .init(
        id: id, steps: steps, name: step.label, detail: step.operation,
        description: "\(step.label): \(step.operation)\(made)", kind: Kind(step.kind), wasReused: isReused,
        isExported: isExported)
    }
    let families = steps.map { lineage.steps[$0].family }
    let isLoop = Set(families).count > 1
    let name = isLoop ? "\(step.family) and others" : step.family
    let detail = "\(isLoop ? "a loop" : step.operation) × \(steps.count)"
    return .init(
      id: id, steps: steps, name: name, detail: detail, description: "\(name): \(detail), folded",
      kind: Kind(step.kind),
      wasReused: isReused, isExported: isExported)
  }

  // MARK: Page

  var html: HTML {
    let kinds = Set(lineage.steps.map { Kind($0.kind) })
    let legend = Kind.allCases.filter(kinds.contains).map { kind -> HTML in
      "<li class=\"\(kind.rawValue)\"><span class=\"swatch\"></span>\(kind.rawValue)</li>"
    }
    let fold: HTML =
      drawings.count == 1
      ? ""
      : """
      <label class="toggle"><input type="checkbox" id="fold"\(isFolded ? " checked" : "")> Fold repeated steps \
      (\(drawings[0].nodes.count) of \(drawings[1].nodes.count))</label>
      """
    return """
      <section id="lineage" aria-labelledby="lineage-title">
      <h2 id="lineage-title">Lineage</h2>
      <div class="tools">
      <label class="search"><span class="hidden">Search steps</span><input type="search" id="search" \
      placeholder="Search names, operations, digests" autocomplete="off" spellcheck="false" aria-describedby="found"></label>
      <span id="found" role="status" aria-live="polite"></span>
      \(fold)
      <span class="zoom" role="group" aria-label="Zoom"><button type="button" id="zoom-out" aria-label="Zoom out">−</button>\
      <button type="button" id="zoom-fit">Fit</button><button type="button" id="zoom-in" aria-label="Zoom in">+</button></span>
      </div>
      <div class="stage">
      <div class="canvas">\(GraphDrawing.shapes)\(drawings.map(\.html))</div>
      <aside id="details" aria-label="The chosen step" aria-live="polite" tabindex="-1"><p class="hint">Choose a step to see what \
      decided it and what came of it. Drag to move, pinch or hold Ctrl and turn the wheel to zoom; the arrow keys go from step \
      to step.</p></aside>
      </div>
      <ul class="legend">\(legend)<li><span class="mark">→</span> exported</li></ul>
      </section>
      """
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
