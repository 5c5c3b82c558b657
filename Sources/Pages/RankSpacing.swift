/// How far along its rank each element of an ordered graph stands: near what it is joined with, and clear of its neighbours.
struct RankSpacing {
  private let order: RankOrder
  /// How far each element reaches to both sides of its middle.
  private let halves: [Double]
  private let gaps: (node: Double, line: Double)
  /// From the first to the last middle of the rank that needs the most room; the others keep within it, or a graph would be far wider
  /// than any of its ranks.
  private var room = 0.0

  init(_ order: RankOrder, halves: [Double], gaps: (node: Double, line: Double)) {
    self.order = order
    self.halves = halves
    self.gaps = gaps
    room = order.ranks.map { zip($0, $0.dropFirst()).reduce(0) { $0 + distance($1.0, $1.1) } }.max() ?? 0
  }

  /// Sweeps down and up over the ranks. Each goes to where its elements are nearest to their wishes, in the sense of least
  /// squares, without one coming too close to another.
  func coordinates() -> [Double] {
    var xs = [Double](repeating: 0, count: order.elements.count)
    for rank in order.ranks {
      var x = 0.0
      for (place, element) in rank.enumerated() {
        if place > 0 { x += distance(rank[place - 1], element) }
        xs[element] = x
      }
      let middle = x / 2
      for element in rank { xs[element] -= middle }
    }
    for sweep in 0..<16 {
      let isDown = sweep % 2 == 0
      let sequence = isDown ? Array(order.ranks.indices) : order.ranks.indices.reversed()
      // The last sweeps look both ways.
      let isLate = sweep > 11
      for rank in sequence {
        settle(rank, &xs, up: isDown || isLate, down: !isDown || isLate)
        if !isLate { center(rank, &xs) }
      }
    }
    return xs
  }

  /// Moves a rank some of the way to the middle, or a long graph would drift off to one side.
  private func center(_ rank: Int, _ xs: inout [Double]) {
    guard let first = order.ranks[rank].first, let last = order.ranks[rank].last else { return }
    let shift = (xs[first] + xs[last]) / 2 * 0.3
    for element in order.ranks[rank] { xs[element] -= shift }
  }

  private func settle(_ rank: Int, _ xs: inout [Double], up: Bool, down: Bool) {
    let elements = order.ranks[rank]
    var wishes: [(place: Double, weight: Double)] = []
    var offset = 0.0
    var offsets: [Double] = []
    for (place, element) in elements.enumerated() {
      if place > 0 { offset += distance(elements[place - 1], element) }
      offsets.append(offset)
      let joined = (up ? order.above[element] : []) + (down ? order.below[element] : [])
      var (sum, weight) = (0.0, 0.0)
      for other in joined {
        // Trunks are to be straight.
        let pull = order.elements[element].trunk != nil && order.elements[other].trunk != nil ? 8.0 : 1
        sum += xs[other] * pull
        weight += pull
      }
      // What is joined with nothing there stays where it is, unless it is in the way.
      wishes.append(weight == 0 ? (xs[element] - offset, 0.01) : (sum / weight - offset, weight))
    }
    for (element, (place, offset)) in zip(elements, zip(Self.ascending(wishes), offsets)) {
      xs[element] = min(max(place, -room / 2), room / 2 - (offsets.last ?? 0)) + offset
    }
  }

  /// The numbers nearest to wished ones that never fall: pools of neighbours that would stand the wrong way round share their
  /// mean (Ayer et al. 1955).
  static func ascending(_ wishes: [(place: Double, weight: Double)]) -> [Double] {
    var pools: [(mean: Double, weight: Double, count: Int)] = []
    for wish in wishes {
      var pool = (mean: wish.place, weight: wish.weight, count: 1)
      while let last = pools.last, last.mean > pool.mean {
        let weight = last.weight + pool.weight
        pool = ((last.mean * last.weight + pool.mean * pool.weight) / weight, weight, last.count + pool.count)
        pools.removeLast()
      }
      pools.append(pool)
    }
    return pools.flatMap { Array(repeating: $0.mean, count: $0.count) }
  }

  /// The least distance of two neighbours' middles.
  private func distance(_ a: Int, _ b: Int) -> Double {
    let (first, second) = (order.elements[a], order.elements[b])
    let gap = first.trunk != nil || second.trunk != nil ? gaps.line : gaps.node
    return halves[a] + halves[b] + gap
  }
}
