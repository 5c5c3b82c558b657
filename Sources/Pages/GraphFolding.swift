/// A graph with its repeated nodes folded: all that are called the same but for their numbers, and were made by the same
/// operation, become one.
public struct GraphFolding {
  /// The nodes of each group, by index, in their order.
  public let groups: [[Int]]
  /// What each group was made from, by index.
  public let parents: [[Int]]

  /// Pages and terminals fold graphs with more nodes than this.
  public static let threshold = 60

  /// - Parameters:
  ///   - keys: Nodes with the same key are to become one.
  ///   - parents: What each node was made from, by index.
  public init(keys: [String], parents: [[Int]]) {
    var numbers: [String: Int] = [:]
    let names = keys.map { key in
      let number = numbers[key] ?? numbers.count
      numbers[key] = number
      return number
    }
    var edges = Array(repeating: Set<Int>(), count: numbers.count)
    for (node, makers) in parents.enumerated() { for maker in makers { edges[names[node]].insert(names[maker]) } }
    // Steps that go round and round, each reading what the other made before, become one group together: a graph has no cycles.
    let (components, count) = Self.components(edges.map { $0.sorted() })
    var groups = Array(repeating: [Int](), count: count)
    for node in keys.indices { groups[components[names[node]]].append(node) }
    let order = groups.indices.sorted { groups[$0][0] < groups[$1][0] }
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    let placeOf = names.map { places[components[$0]] ?? 0 }
    self.groups = order.map { groups[$0] }
    self.parents = self.groups.enumerated().map { place, nodes in
      Set(nodes.flatMap { parents[$0] }.map { placeOf[$0] }).subtracting([place]).sorted()
    }
  }

  /// Which strongly connected component each node is in (Tarjan 1972), without recursion.
  private static func components(_ edges: [[Int]]) -> (numbers: [Int], count: Int) {
    var found = [Int?](repeating: nil, count: edges.count)
    var lowest = Array(repeating: 0, count: edges.count)
    var numbers = Array(repeating: -1, count: edges.count)
    var (count, time) = (0, 0)
    var open: [Int] = []
    for root in edges.indices where found[root] == nil {
      var path: [(node: Int, next: Int)] = [(root, 0)]
      while let (node, next) = path.last {
        if next == 0 {
          found[node] = time
          lowest[node] = time
          time += 1
          open.append(node)
        }
        if next < edges[node].count {
          path[path.count - 1].next += 1
          let other = edges[node][next]
          if found[other] == nil {
            path.append((other, 0))
          } else if numbers[other] < 0 {
            lowest[node] = min(lowest[node], found[other] ?? 0)
          }
          continue
        }
        path.removeLast()
        if let parent = path.last?.node { lowest[parent] = min(lowest[parent], lowest[node]) }
        if lowest[node] == found[node] {
          while let member = open.popLast() {
            numbers[member] = count
            if member == node { break }
          }
          count += 1
        }
      }
    }
    return (numbers, count)
  }
}
