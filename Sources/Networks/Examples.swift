import Tensors

/// Examples to learn from or to measure on: a row of features and a class for each.
public struct Examples: Sendable {
  /// (examples, features), float32.
  public let features: Tensor
  public let labels: [Int]

  public init(features: Tensor, labels: [Int]) {
    precondition(features.shape.rank == 2 && features.shape[0] == labels.count, "each example has features and a label")
    self.features = features
    self.labels = labels
  }

  public var count: Int { labels.count }

  /// Those with these numbers, in this order.
  public func selecting(_ rows: [Int]) -> Examples {
    Examples(features: features.gatheringRows(rows), labels: rows.map { labels[$0] })
  }

  /// At most so many of the first.
  public func prefix(_ count: Int) -> Examples { count < self.count ? selecting(Array(0..<count)) : self }

  /// All of them in batches of a size, the last of which may be smaller.
  func batches(of size: Int) -> [Examples] {
    stride(from: 0, to: count, by: size).map { selecting(Array($0..<min($0 + size, count))) }
  }
}
