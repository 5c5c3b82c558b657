import Tensors

/// How a classifier did on each of some examples, and the numbers that sum it up.
public struct Scores: Sendable {
  /// The class with the highest logit; the first of equals.
  public let predictions: [Int]
  /// That class's probability.
  public let confidences: [Double]
  /// The cross-entropy with the label, in nats.
  public let losses: [Double]
  /// Whether the prediction is the label.
  public let hits: [Bool]

  /// - Parameter logits: (examples, classes).
  public init(logits: Tensor, labels: [Int]) {
    let (entries, width) = (logits.floats, logits.shape[1])
    var predictions: [Int] = []
    var confidences: [Double] = []
    var losses: [Double] = []
    for (index, label) in labels.enumerated() {
      let softmax = Softmax(entries[index * width..<(index + 1) * width])
      let best = softmax.probabilities.indices.reduce(0) { softmax[$1] > softmax[$0] ? $1 : $0 }
      predictions.append(best)
      confidences.append(softmax[best])
      losses.append(-softmax.logarithm(label))
    }
    self.predictions = predictions
    self.confidences = confidences
    self.losses = losses
    hits = zip(predictions, labels).map(==)
  }

  public var count: Int { hits.count }

  /// The share of examples whose prediction is the label.
  public var accuracy: Double { Double(hits.count { $0 }) / Double(count) }

  /// The mean cross-entropy, in nats.
  public var loss: Double { losses.reduce(0, +) / Double(count) }

  /// The expected calibration error (Guo et al. 2017) over 15 bins of equal width: how far confidence and accuracy lie
  /// apart, bin by bin, weighted by the examples in each. A bin holds its upper end.
  public var calibrationError: Double { Self.calibrationError(confidences, hits: hits) }

  public static func calibrationError(_ confidences: [Double], hits: [Bool]) -> Double {
    let bins = 15
    var sums = [Double](repeating: 0, count: bins)
    for (hit, confidence) in zip(hits, confidences) {
      let bin = min(max(Int((confidence * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
      sums[bin] += (hit ? 1 : 0) - confidence
    }
    return sums.reduce(0) { $0 + abs($1) } / Double(hits.count)
  }
}
