/// Draws what was made from what: a line for each node, its lanes leading down to what it was made from.
///
///     ●      merged
///     ├─┬─╮
///     ● │ │  math
///     ╰─│─┤
///       ● │  code
///       ╰─┤
///         ●  base
struct LineageGraph {
  struct Node {
    /// The nodes it was made from, all of them further down.
    let parents: [Int]
    let text: String
  }

  /// What each lane leads to; none for a free one.
  private var lanes: [Int?] = []
  /// The lane that ended with the last line: what stood there next would seem to be its parent.
  private var ended: Int?
  private var rows: [(graph: String, text: String?)] = []

  /// An order in which every node stands above what it was made from, and as near to it as can be, so that few lanes run
  /// beside each other.
  /// - Parameter parents: What each node was made from, by index.
  static func order(_ parents: [[Int]]) -> [Int] {
    var children = Array(repeating: 0, count: parents.count)
    for parent in parents.flatMap({ Set($0) }) { children[parent] += 1 }
    var waiting = parents.indices.filter { children[$0] == 0 }.reversed().map { $0 }
    var order: [Int] = []
    while let next = waiting.popLast() {
      order.append(next)
      var free: [Int] = []
      for parent in Set(parents[next]).sorted() {
        children[parent] -= 1
        if children[parent] == 0 { free.append(parent) }
      }
      waiting += free.reversed()
    }
    return order
  }

  /// More lanes than this no eye follows, nor does a terminal show them.
  private static let widest = 40

  /// Columns that the graph takes beside its texts.
  static func width(_ parents: [[Int]]) -> Int {
    lines(parents.map { Node(parents: $0, text: "") }).map(\.count).max() ?? 0
  }

  /// The lines, texts in one column. A graph with too many lanes has none: its texts stand alone.
  static func lines(_ nodes: [Node]) -> [String] {
    var graph = LineageGraph()
    for (index, node) in nodes.enumerated() {
      graph.add(node, at: index)
      if graph.lanes.count > widest { return nodes.map { "●  " + $0.text } }
    }
    let width = graph.rows.filter { $0.text != nil }.map(\.graph.count).max() ?? 0
    return graph.rows.map { row in
      guard let text = row.text else { return row.graph }
      return row.graph.padded(to: width) + "  " + text
    }
  }

  private mutating func add(_ node: Node, at index: Int) {
    let lane = lanes.firstIndex(of: index) ?? free()
    lanes[lane] = index
    let marks = lanes.indices.map { $0 == lane ? "●" : lanes[$0] == nil ? " " : "│" }
    rows.append((LineageGraph.trimmed(marks.joined(separator: " ")), node.text))

    let before = lanes
    lanes[lane] = nil
    var targets: [Int] = []
    for parent in node.parents where !targets.contains(where: { lanes[$0] == parent }) {
      let target = lanes.firstIndex(of: parent) ?? (lanes[lane] == nil ? lane : free())
      lanes[target] = parent
      targets.append(target)
    }
    let hasConnector = targets.contains { $0 != lane } && lanes.count <= Self.widest
    if hasConnector { rows.append((connector(from: lane, to: targets, before: before), nil)) }
    ended = hasConnector || lanes[lane] != nil ? nil : lane
    while lanes.last == .some(nil) { lanes.removeLast() }
  }

  /// The first lane that leads nowhere.
  private mutating func free() -> Int {
    if let lane = lanes.indices.first(where: { lanes[$0] == nil && $0 != ended }) { return lane }
    lanes += lanes.count == ended ? [nil, nil] : [nil]
    return lanes.count - 1
  }

  /// The line between a node and what it was made from. A lane that it only crosses stays whole.
  private func connector(from lane: Int, to targets: [Int], before: [Int?]) -> String {
    let left = min(lane, targets.min() ?? lane)
    let right = max(lane, targets.max() ?? lane)
    var text = ""
    for column in lanes.indices {
      let isAbove = column < before.count && before[column] != nil
      let isBelow = lanes[column] != nil
      let isJoined = column == lane || targets.contains(column)
      if isJoined {
        text += LineageGraph.corner(isAbove, isBelow, left: column > left, right: column < right)
      } else {
        text += isAbove && isBelow ? "│" : left < column && column < right ? "─" : " "
      }
      text += left <= column && column < right ? "─" : " "
    }
    return LineageGraph.trimmed(text)
  }

  private static func corner(_ above: Bool, _ below: Bool, left: Bool, right: Bool) -> String {
    switch (above, below, left, right) {
    case (true, true, true, true): "┼"
    case (true, true, true, false): "┤"
    case (true, true, false, true): "├"
    case (true, true, false, false): "│"
    case (true, false, true, true): "┴"
    case (true, false, true, false): "╯"
    case (true, false, false, _): "╰"
    case (false, _, true, true): "┬"
    case (false, _, true, false): "╮"
    case (false, _, false, _): "╭"
    }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }
}
