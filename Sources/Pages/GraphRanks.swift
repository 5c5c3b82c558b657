/// Which rank each node of a graph stands in: below all that it was made from, and no rank wider than a page can take.
struct GraphRanks {
  private(set) var ranks: [Int]

  /// - Parameters:
  ///   - parents: What each node was made from, by index; without cycles.
  ///   - widest: Nodes that a rank has at most.
  init(parents: [[Int]], widest: Int) {
    var children = Array(repeating: [Int](), count: parents.count)
    for (node, makers) in parents.enumerated() { for maker in makers { children[maker].append(node) } }
    ranks = Array(repeating: 0, count: parents.count)
    var widths: [Int] = []

    func settle(_ node: Int, at rank: Int) {
      while widths.count <= rank { widths.append(0) }
      widths[rank] += 1
      ranks[node] = rank
    }
    let sorted = Self.sorted(parents, children)
    for node in sorted {
      var rank = (parents[node].map { ranks[$0] }.max() ?? -1) + 1
      while rank < widths.count, widths[rank] >= widest { rank += 1 }
      settle(node, at: rank)
    }
    // Then down to just above the first reader, where there is room and lines become shorter by it. A line that others share is
    // there anyway.
    for node in sorted.reversed() {
      guard let first = children[node].map({ ranks[$0] }).min() else { continue }
      let longer = parents[node].count { children[$0].count == 1 }
      let shorter = children[node].count { parents[$0].count < RankOrder.many }
      guard parents[node].isEmpty || shorter > 0 && shorter >= longer else { continue }
      let place = (ranks[node]..<first).last { $0 == ranks[node] || widths[$0] < widest }
      if let place {
        widths[ranks[node]] -= 1
        settle(node, at: place)
      }
    }
    let used = widths.indices.filter { widths[$0] > 0 }
    let numbers = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    ranks = ranks.map { numbers[$0] ?? 0 }
  }

  /// The nodes, each after all that it was made from, and as soon after as can be: where a rank is full, whole chains go below,
  /// and their lines stay short.
  private static func sorted(_ parents: [[Int]], _ children: [[Int]]) -> [Int] {
    var missing = parents.map(\.count)
    var waiting = Array(parents.indices.filter { missing[$0] == 0 }.reversed())
    var sorted: [Int] = []
    while let node = waiting.popLast() {
      sorted.append(node)
      for child in children[node].reversed() {
        missing[child] -= 1
        if missing[child] == 0 { waiting.append(child) }
      }
    }
    precondition(sorted.count == parents.count, "what something was made from was not made from it")
    return sorted
  }
}
