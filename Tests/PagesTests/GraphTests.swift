import Testing

@testable import Pages

/// Where the nodes of a graph stand, and what folds.
@Suite struct GraphTests {
  private static let nodeWidth = 188.0

  private static func layout(_ parents: [[Int]], _ direction: GraphDirection) -> GraphLayout {
    GraphLayout(
      parents: parents, nodeWidth: nodeWidth, direction: direction, widest: direction.widest(of: parents.count))
  }

  /// A graph in which nodes read earlier ones, some far away; the same every time.
  private static func graph(_ count: Int, readsUpTo most: Int, seed: Int) -> [[Int]] {
    var state = UInt64(seed) &* 2_862_933_555_777_941_757 &+ 3_037_000_493
    func draw(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    return (0..<count).map { node in
      node == 0
        ? []
        : Array(Set((0..<draw(most + 1)).map { _ in draw(2) == 0 ? draw(node) : max(0, node - 1 - draw(8)) })).sorted()
    }
  }

  @Test(
    arguments: [(0, 0), (1, 0), (2, 1), (5, 2), (60, 3), (300, 3), (1000, 2)], GraphDirection.allCases)
  func nodesStandApartAndBehindWhatTheyWereMadeFrom(of size: (count: Int, most: Int), direction: GraphDirection) {
    for seed in 1...(size.count < 100 ? 20 : 1) {
      let parents = Self.graph(size.count, readsUpTo: size.most, seed: seed)
      let layout = Self.layout(parents, direction)
      let (along, across) = (layout.centers.map(direction.along), layout.centers.map(direction.across))
      #expect(layout.centers.count == size.count)
      for (node, makers) in parents.enumerated() {
        #expect(makers.allSatisfy { layout.ranks[$0] < layout.ranks[node] && across[$0] < across[node] })
      }
      let node = direction.size(width: Self.nodeWidth, height: GraphLayout.nodeHeight)
      for (_, rank) in Dictionary(grouping: layout.centers.indices, by: { layout.ranks[$0] }) {
        let places = rank.map { along[$0] }.sorted()
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= node.along })
        #expect(Set(rank.map { across[$0] }).count == 1)
      }
      let (halfWidth, halfHeight) = (Self.nodeWidth / 2, GraphLayout.nodeHeight / 2)
      #expect(layout.centers.allSatisfy { $0.x >= halfWidth && $0.x + halfWidth <= layout.width })
      #expect(layout.centers.allSatisfy { $0.y >= halfHeight && $0.y + halfHeight <= layout.height })
    }
  }

  @Test(arguments: [3, 12], GraphDirection.allCases)
  func linesLeadFromEachNodeToItsReaders(most: Int, direction: GraphDirection) {
    let parents = Self.graph(120, readsUpTo: most, seed: 7)
    let layout = Self.layout(parents, direction)
    let ends = layout.pieces.compactMap { piece in piece.from.flatMap { from in piece.to.map { [from, $0] } } }
    #expect(ends.count == Set(ends).count)
    #expect(Set(ends) == Set(parents.enumerated().flatMap { node, makers in makers.map { [$0, node] } }))
    #expect(layout.pieces.contains { $0.from == nil } == (most > 3))
    for piece in layout.pieces {
      let way = piece.path.map(direction.across)
      #expect(zip(way, way.dropFirst()).allSatisfy { $0 < $1 })
      // Each end is a node of the piece, or a fork or join where another piece of the same node goes on.
      let begins = layout.pieces.contains { $0.from == piece.from && $0.to == nil && $0.path.last == piece.path[0] }
      let carriesOn = layout.pieces.contains { $0.to == piece.to && $0.path.last == piece.path[0] }
      #expect(piece.from.map { layout.centers[$0] == piece.path[0] || begins } ?? carriesOn)
      if piece.endsAtNode { #expect(piece.to.map { layout.centers[$0] } == piece.path.last) }
    }
  }

  @Test(arguments: GraphDirection.allCases) func noLinePassesThroughAnotherNode(direction: GraphDirection) {
    let layout = Self.layout(Self.graph(200, readsUpTo: 3, seed: 3), direction)
    let half = direction.size(width: Self.nodeWidth, height: GraphLayout.nodeHeight).along / 2
    for piece in layout.pieces {
      for point in piece.path.dropFirst().dropLast() {
        let isHit = layout.centers.contains { center in
          direction.across(center) == direction.across(point)
            && abs(direction.along(center) - direction.along(point)) < half
        }
        #expect(!isHit)
      }
    }
  }

  @Test func chainsBesideEachOtherRunToTheRightAndALongOneDown() {
    let chains = (0..<60).map { $0 < 15 ? [] : [$0 - 15] }
    let wide = GraphLayout.largest(parents: chains, nodeWidth: Self.nodeWidth)
    #expect(wide.direction == .right)
    // Each chain is a straight line.
    #expect(wide.pieces.allSatisfy { Set($0.path.map(\.y)).count == 1 })
    let long = GraphLayout.largest(parents: (0..<8).map { $0 == 0 ? [] : [$0 - 1] }, nodeWidth: Self.nodeWidth)
    #expect(long.direction == .down)
  }

  @Test func crossingsAreCountedAndReduced() {
    // Two nodes above, two below, joined crosswise.
    var order = RankOrder(parents: [[], [], [1], [0]], ranks: [0, 0, 1, 1])
    #expect(order.crossings == 1)
    order.reduceCrossings()
    #expect(order.crossings == 0)
  }

  @Test func placesThatWouldCollideShareTheirMean() {
    let wishes: [(place: Double, weight: Double)] = [(1, 1), (5, 1), (2, 2), (9, 1), (8, 3)]
    #expect(RankSpacing.ascending(wishes) == [1, 3, 3, 8.25, 8.25])
  }

  @Test func repeatedNodesFold() {
    // Three seeds of two steps, and what reads them all.
    let folding = GraphFolding(
      keys: ["a", "b", "a", "b", "a", "b", "c"], parents: [[], [0], [], [2], [], [4], [1, 3, 5]])
    #expect(folding.groups == [[0, 2, 4], [1, 3, 5], [6]])
    #expect(folding.parents == [[], [0], [1]])
  }

  @Test func stepsThatGoRoundFoldTogether() {
    // a, b, a, b, …: each reads the one before, so folded by name they would make a cycle.
    let folding = GraphFolding(keys: ["s", "a", "b", "a", "b", "e"], parents: [[], [0], [1], [2], [3], [4]])
    #expect(folding.groups == [[0], [1, 2, 3, 4], [5]])
    #expect(folding.parents == [[], [0], [1]])
    _ = GraphLayout.largest(parents: folding.parents, nodeWidth: Self.nodeWidth)
  }
}
