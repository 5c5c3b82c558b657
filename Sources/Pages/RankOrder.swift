/// The order of what stands in each rank: nodes, and the trunks that pass between them.
struct RankOrder {
  /// What lines go through on their way.
  enum Trunk {
    /// The lines that leave a node, to its readers.
    case out
    /// The lines that lead to a node which reads many.
    case into
  }

  /// A node, or its trunk where that passes a rank.
  struct Element {
    let node: Int
    let rank: Int
    var trunk: Trunk? = nil
  }

  /// From one rank to the next.
  struct Line {
    let from: Int
    let to: Int
  }

  /// The nodes in their order, then the trunks.
  private(set) var elements: [Element]
  private(set) var lines: [Line] = []
  /// The elements of each rank from left to right, by index.
  private(set) var ranks: [[Int]]
  /// For each element those above and below it that it is joined with.
  private(set) var above: [[Int]]
  private(set) var below: [[Int]]

  /// A node that reads so many has a trunk for them.
  static let many = 4

  init(parents: [[Int]], ranks numbers: [Int]) {
    elements = numbers.enumerated().map { Element(node: $0, rank: $1) }
    var readers = Array(repeating: [Int](), count: parents.count)
    for (node, makers) in parents.enumerated() { for maker in makers { readers[maker].append(node) } }
    var leaving = Array(repeating: [Int](), count: parents.count)
    var arriving = leaving
    for (node, makers) in parents.enumerated() {
      for maker in makers {
        if makers.count >= Self.many, makers.count > readers[maker].count {
          arriving[node].append(maker)
        } else {
          leaving[maker].append(node)
        }
      }
    }
    ranks = []
    above = []
    below = []
    for maker in leaving.indices { addTrunk(from: maker, to: leaving[maker], numbers) }
    for reader in arriving.indices { addTrunk(to: reader, from: arriving[reader], numbers) }
    above = Array(repeating: [], count: elements.count)
    below = above
    for line in lines {
      above[line.to].append(line.from)
      below[line.from].append(line.to)
    }
    ranks = Array(repeating: [], count: (numbers.max() ?? -1) + 1)
    for (index, element) in elements.enumerated() { ranks[element.rank].append(index) }
  }

  // MARK: Trunks

  private mutating func addTrunk(from maker: Int, to readers: [Int], _ numbers: [Int]) {
    guard let last = readers.map({ numbers[$0] }).max() else { return }
    var carrier = maker
    for rank in numbers[maker] + 1...last {
      for reader in readers where numbers[reader] == rank { lines.append(Line(from: carrier, to: reader)) }
      guard rank < last else { break }
      elements.append(Element(node: maker, rank: rank, trunk: .out))
      lines.append(Line(from: carrier, to: elements.count - 1))
      carrier = elements.count - 1
    }
  }

  private mutating func addTrunk(to reader: Int, from makers: [Int], _ numbers: [Int]) {
    guard let first = makers.map({ numbers[$0] }).min() else { return }
    var carrier = reader
    for rank in (first..<numbers[reader]).reversed() {
      for maker in makers where numbers[maker] == rank { lines.append(Line(from: maker, to: carrier)) }
      guard rank > first else { break }
      elements.append(Element(node: reader, rank: rank, trunk: .into))
      lines.append(Line(from: elements.count - 1, to: carrier))
      carrier = elements.count - 1
    }
  }

  /// The lines, joined where a trunk passes a rank and nothing leaves or enters it there; each as the elements that it goes
  /// through.
  var pieces: [[Int]] {
    let isPassed = elements.indices.map { elements[$0].trunk != nil && above[$0].count == 1 && below[$0].count == 1 }
    return lines.filter { !isPassed[$0.from] }.map { line in
      var piece = [line.from, line.to]
      var last = line.to
      while isPassed[last] {
        last = below[last][0]
        piece.append(last)
      }
      return piece
    }
  }

  // MARK: Crossings

  /// Sweeps down and up, each element going to the middle of those that it is joined with and then past each neighbour that it
  /// would rather stand behind (Gansner et al. 1993), and keeps the best order seen. Once it begins at the top, once at the
  /// bottom: one of the two often ends better.
  mutating func reduceCrossings() {
    let first = ranks
    var best = (ranks: ranks, crossings: crossings)
    for start in 0..<2 {
      ranks = first
      for sweep in start..<start + 24 where best.crossings > 0 {
        let isDown = sweep % 2 == 0
        let sequence = isDown ? Array(ranks.indices) : ranks.indices.reversed()
        for rank in sequence { sort(rank, by: isDown ? above : below) }
        swapNeighbours()
        let now = crossings
        if now < best.crossings { best = (ranks, now) }
      }
    }
    ranks = best.ranks
  }

  /// Lets neighbours change places where their lines then cross less.
  private mutating func swapNeighbours() {
    var places = [Int](repeating: 0, count: elements.count)
    for rank in ranks { for (place, element) in rank.enumerated() { places[element] = place } }
    func crossings(_ left: Int, _ right: Int) -> Int {
      [above, below].reduce(0) { count, joined in
        joined[right].reduce(count) { count, end in count + joined[left].count { places[$0] > places[end] } }
      }
    }
    var hasSwapped = true
    for _ in 0..<8 where hasSwapped {
      hasSwapped = false
      for rank in ranks.indices {
        for place in ranks[rank].indices.dropLast() {
          let (left, right) = (ranks[rank][place], ranks[rank][place + 1])
          guard crossings(left, right) > crossings(right, left) else { continue }
          ranks[rank].swapAt(place, place + 1)
          (places[left], places[right]) = (place + 1, place)
          hasSwapped = true
        }
      }
    }
  }

  private mutating func sort(_ rank: Int, by neighbours: [[Int]]) {
    let places = places
    let keyed = ranks[rank].enumerated().map { place, element -> (key: Double, place: Int, element: Int) in
      let joined = neighbours[element].map { places[$0] }
      let middle = joined.isEmpty ? places[element] : joined.reduce(0, +) / Double(joined.count)
      return (middle, place, element)
    }
    ranks[rank] = keyed.sorted { ($0.key, $0.place) < ($1.key, $1.place) }.map(\.element)
  }

  /// Where each element stands in its rank, as a share of it.
  private var places: [Double] {
    var places = [Double](repeating: 0, count: elements.count)
    for rank in ranks {
      for (place, element) in rank.enumerated() { places[element] = (Double(place) + 0.5) / Double(rank.count) }
    }
    return places
  }

  /// How often lines cross.
  var crossings: Int { ranks.indices.dropFirst().reduce(0) { $0 + crossings(above: $1) } }

  /// Counts inversions: lines sorted by their upper ends, the lower ends put one by one into a tree of sums.
  private func crossings(above rank: Int) -> Int {
    var place = [Int: Int](minimumCapacity: ranks[rank].count)
    for (index, element) in ranks[rank].enumerated() { place[element] = index }
    var tree = [Int](repeating: 0, count: ranks[rank].count + 1)
    var (count, seen) = (0, 0)
    for element in ranks[rank - 1] {
      let ends = below[element].compactMap { place[$0] }.sorted()
      for end in ends {
        var (index, before) = (end + 1, 0)
        while index > 0 {
          before += tree[index]
          index -= index & -index
        }
        count += seen - before
      }
      for end in ends {
        var index = end + 1
        while index < tree.count {
          tree[index] += 1
          index += index & -index
        }
        seen += 1
      }
    }
    return count
  }
}
