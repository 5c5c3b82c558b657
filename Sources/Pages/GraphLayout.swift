/// Places the nodes of a graph in ranks, each behind all that it was made from, and leads lines from one to the other.
///
/// Sugiyama's way: ranks, then orders within ranks with few crossings, then coordinates. All lines that leave a node share one
/// trunk, which runs from rank to rank to the last that reads it and sends a branch to each reader; so a dataset that a hundred
/// steps read is one line and not a hundred. What reads a hundred steps collects them in a trunk likewise. Ranks are rows from the
/// top down or columns from left to right, whichever shows the graph larger. Same graph, same layout.
struct GraphLayout {
  struct Point: Equatable {
    var x: Double
    var y: Double
  }

  /// A part of a line, from one end, fork or join of it to the next.
  struct Piece {
    /// Whose result it carries; none for what leads several on to one reader.
    let from: Int?
    /// Who reads it; none for what leads to several.
    let to: Int?
    /// The rank of the fork that it leads to, or of the join that it comes from; nil where it has both ends.
    let rank: Int?
    /// In each rank that it passes, the middle of what stands there. At its last it goes on through the rank, unless it ends there.
    let path: [Point]
    let endsAtNode: Bool
  }

  static let nodeHeight = 42.0
  static let margin = 16.0

  let nodeWidth: Double
  let direction: GraphDirection
  /// The rank of each node, from 0 at the top or the left.
  let ranks: [Int]
  /// The middle of each node.
  let centers: [Point]
  let pieces: [Piece]
  let width: Double
  let height: Double

  /// - Parameters:
  ///   - parents: What each node was made from, by index; without cycles.
  ///   - nodeWidth: Of every node.
  ///   - widest: Nodes that a rank has at most.
  init(parents: [[Int]], nodeWidth: Double, direction: GraphDirection, widest: Int) {
    self.nodeWidth = nodeWidth
    self.direction = direction
    let ranking = GraphRanks(parents: parents, widest: widest)
    ranks = ranking.ranks
    var order = RankOrder(parents: parents, ranks: ranking.ranks)
    order.reduceCrossings()

    // Along a rank, and from rank to rank.
    let size = direction.size(width: nodeWidth, height: Self.nodeHeight)
    let halves = order.elements.map { $0.trunk == nil ? size.along / 2 : 0 }
    let places = RankSpacing(order, halves: halves, gaps: direction.gaps).coordinates()
    let starts = Self.starts(order, places, size: size.across, direction)
    let first = zip(places, halves).map { $0 - $1 }.min() ?? 0
    let positions = zip(order.elements, places).map { element, place in
      direction.point(
        along: (place - first + Self.margin).rounded(), across: starts[element.rank] + (size.across / 2).rounded())
    }
    centers = Array(positions.prefix(parents.count))
    let extent = direction.point(
      along: (zip(places, halves).map { $0 + $1 }.max() ?? 0) - first + 2 * Self.margin,
      across: (starts.last.map { $0 + size.across } ?? Self.margin) + Self.margin)
    (width, height) = (extent.x.rounded(.up), extent.y.rounded(.up))
    pieces = order.pieces.map { elements in
      let (first, last) = (order.elements[elements[0]], order.elements[elements[elements.count - 1]])
      let from = first.trunk == .into ? nil : first.node
      let to = last.trunk == .out ? nil : last.node
      return Piece(
        from: from, to: to, rank: from == nil ? first.rank : to == nil ? last.rank : nil,
        path: elements.map { positions[$0] }, endsAtNode: last.trunk == nil)
    }
  }

  /// What a page gives a graph to be seen in.
  private static let page = (width: 1000.0, height: 700.0)

  /// A scale at which a graph is read without effort.
  private static let comfortable = 0.85
  /// Larger graphs are laid out once each way: however it is done, they are not seen whole.
  private static let largestTried = 150

  /// Whichever way the graph is seen larger on a page: the first that is read without effort, else the best.
  static func largest(parents: [[Int]], nodeWidth: Double) -> GraphLayout {
    func layout(_ direction: GraphDirection, _ widest: Int) -> GraphLayout {
      GraphLayout(parents: parents, nodeWidth: nodeWidth, direction: direction, widest: widest)
    }
    var best = layout(.down, GraphDirection.down.widest(of: parents.count))
    var others = [(GraphDirection.right, GraphDirection.right.widest(of: parents.count))]
    if parents.count <= largestTried {
      others += GraphDirection.allCases.flatMap { direction in direction.narrower.map { (direction, $0) } }
    }
    for (direction, widest) in others where best.scale < comfortable {
      let next = layout(direction, widest)
      if next.scale > best.scale { best = next }
    }
    return best
  }

  /// How large a page shows it, if it shows it whole.
  private var scale: Double { min(Self.page.width / width, Self.page.height / height) }

  /// Where each rank begins: far lines want room to bend in.
  private static func starts(
    _ order: RankOrder, _ places: [Double], size: Double, _ direction: GraphDirection
  ) -> [Double] {
    var reach = [Double](repeating: 0, count: order.ranks.count)
    for line in order.lines {
      let rank = order.elements[line.to].rank
      reach[rank] = max(reach[rank], abs(places[line.from] - places[line.to]))
    }
    var start = margin
    return order.ranks.indices.map { rank in
      if rank > 0 { start += size + direction.gap(reach: reach[rank]) }
      return start.rounded()
    }
  }
}
