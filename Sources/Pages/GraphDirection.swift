/// Where the ranks of a graph follow each other.
///
/// Nodes are wide and low, so few long chains are best seen from the top down, and many short ones beside each other from left to
/// right. What is measured `along` a rank or `across` from one to the next becomes x and y here, and nowhere else.
enum GraphDirection: String, CaseIterable {
  case down, right

  /// Where a node of a rank stands.
  func point(along: Double, across: Double) -> GraphLayout.Point {
    self == .down ? .init(x: along, y: across) : .init(x: across, y: along)
  }

  func along(_ point: GraphLayout.Point) -> Double { self == .down ? point.x : point.y }

  func across(_ point: GraphLayout.Point) -> Double { self == .down ? point.y : point.x }

  func size(width: Double, height: Double) -> (along: Double, across: Double) {
    self == .down ? (width, height) : (height, width)
  }

  /// Between neighbours of one rank: nodes, and lines that pass.
  var gaps: (node: Double, line: Double) { self == .down ? (22, 12) : (10, 9) }

  /// Between two ranks.
  /// - Parameter reach: How far along the ranks a line goes between them.
  func gap(reach: Double) -> Double { self == .down ? min(34 + reach * 0.04, 110) : min(40 + reach * 0.05, 96) }

  /// Nodes that a rank of a graph of so many should have at most, or it would be much longer than the ranks are many; the more
  /// of them, the shorter are the lines.
  func widest(of count: Int) -> Int {
    let root = Double(count).squareRoot()
    return self == .down ? max(7, Int(0.9 * root)) : max(18, Int(1.7 * root))
  }

  /// Fewer than that, for graphs that are seen larger when their ranks are shorter.
  var narrower: [Int] { self == .down ? [6, 5, 4] : [14, 11, 8] }
}
