/// Places the nodes of a graph in ranks, each below all that it was made from, and leads lines from one to the other.
///
/// Sugiyama's way: ranks, then orders within ranks with few crossings, then coordinates. All lines that leave a node share one
/// trunk, which runs down rank by rank to the last that reads it and sends a branch to each reader; so a dataset that a hundred
/// steps read is one line and not a hundred. What reads a hundred steps collects them in a trunk likewise. Same graph, same
/// layout.
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

  static let nodeWidth = 188.0
  static let nodeHeight = 42.0
  /// Between neighbours of one rank.
  static let nodeGap = 22.0
  static let lineGap = 12.0
  static let margin = 16.0

  /// The rank of each node, from 0 at the top.
  let ranks: [Int]
  /// The middle of each node.
  let centers: [Point]
  let pieces: [Piece]
  let width: Double
  let height: Double

  /// - Parameter parents: What each node was made from, by index; without cycles.
  init(parents: [[Int]]) {
    let ranking = GraphRanks(parents: parents)
    var order = RankOrder(parents: parents, ranks: ranking.ranks)
    order.reduceCrossings()
    let xs = RankSpacing(order).coordinates()
    ranks = ranking.ranks

    let tops = Self.tops(order, xs)
    let left = zip(order.elements, xs).map { $1 - Self.halfWidth($0) }.min() ?? 0
    let positions = zip(order.elements, xs).map { element, x in
      Point(x: (x - left + Self.margin).rounded(), y: tops[element.rank] + Self.nodeHeight / 2)
    }
    centers = Array(positions.prefix(parents.count))
    let right = zip(order.elements, positions).map { $1.x + Self.halfWidth($0) }.max() ?? 0
    width = right + Self.margin
    height = (tops.last ?? Self.margin) + (tops.isEmpty ? 0 : Self.nodeHeight) + Self.margin
    pieces = order.pieces.map { elements in
      let (first, last) = (order.elements[elements[0]], order.elements[elements[elements.count - 1]])
      let from = first.trunk == .into ? nil : first.node
      let to = last.trunk == .out ? nil : last.node
      return Piece(
        from: from, to: to, rank: from == nil ? first.rank : to == nil ? last.rank : nil,
        path: elements.map { positions[$0] }, endsAtNode: last.trunk == nil)
    }
  }

  static func halfWidth(_ element: RankOrder.Element) -> Double { element.trunk == nil ? nodeWidth / 2 : 0 }

  /// The top of each rank: far lines want room to bend in.
  private static func tops(_ order: RankOrder, _ xs: [Double]) -> [Double] {
    var reach = [Double](repeating: 0, count: order.ranks.count)
    for line in order.lines {
      let rank = order.elements[line.to].rank
      reach[rank] = max(reach[rank], abs(xs[line.from] - xs[line.to]))
    }
    var top = margin
    return order.ranks.indices.map { rank in
      if rank > 0 { top += nodeHeight + min(34 + reach[rank] * 0.04, 110).rounded() }
      return top
    }
  }
}
