/// How often each class was predicted for each class.
public struct Confusion: Sendable {
  private let counts: [[Int]]

  public init(predictions: [Int], labels: [Int]) {
    let classes = (predictions + labels).reduce(0) { max($0, $1) } + 1
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for (prediction, label) in zip(predictions, labels) { counts[label][prediction] += 1 }
    self.counts = counts
  }

  private func predicted(_ label: Int) -> Int { counts.reduce(0) { $0 + $1[label] } }
  private func actual(_ label: Int) -> Int { counts[label].reduce(0, +) }

  /// The mean, over all classes that occur, of the harmonic mean of precision and recall (macro F1).
  public var f1: Double {
    let classes = counts.indices.filter { predicted($0) + actual($0) > 0 }
    let scores = classes.map { 2 * Double(counts[$0][$0]) / Double(predicted($0) + actual($0)) }
    return scores.reduce(0, +) / Double(max(scores.count, 1))
  }

  /// Matthews' correlation coefficient for any number of classes (Gorodkin 2004); 0 where one side has one class only.
  public var matthews: Double {
    let total = Double(counts.reduce(0) { $0 + $1.reduce(0, +) })
    let right = Double(counts.indices.reduce(0) { $0 + counts[$1][$1] })
    var (product, squares) = (0.0, (0.0, 0.0))
    for label in counts.indices {
      let (p, t) = (Double(predicted(label)), Double(actual(label)))
      product += p * t
      squares.0 += p * p
      squares.1 += t * t
    }
    let norm = ((total * total - squares.0) * (total * total - squares.1)).squareRoot()
    return norm > 0 ? (right * total - product) / norm : 0
  }
}
