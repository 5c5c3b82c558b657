/// How far two lists of numbers go together.
public enum Correlation {
  /// Pearson's coefficient; 0 where one of the lists is constant.
  public static func pearson(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count && !a.isEmpty, "numbers come in pairs")
    let means = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    var (product, squares) = (0.0, (0.0, 0.0))
    for (x, y) in zip(a, b) {
      product += (x - means.0) * (y - means.1)
      squares.0 += (x - means.0) * (x - means.0)
      squares.1 += (y - means.1) * (y - means.1)
    }
    let norm = (squares.0 * squares.1).squareRoot()
    return norm > 0 ? product / norm : 0
  }

  /// Spearman's coefficient: Pearson's of the ranks, equal numbers sharing the mean of theirs.
  public static func spearman(_ a: [Double], _ b: [Double]) -> Double { pearson(ranks(a), ranks(b)) }

  static func ranks(_ numbers: [Double]) -> [Double] {
    let order = numbers.indices.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
    var ranks = [Double](repeating: 0, count: numbers.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, numbers[order[end]] == numbers[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
      start = end
    }
    return ranks
  }
}
