import Foundation
import Networks
import Tensors

extension ExampleScores {
  /// A figure over some of the examples; one may be there several times.
  public func figure(_ metric: Metric, over rows: [Int]) -> Double {
    switch metric {
    case .accuracy, .exactMatch: mean("correct", rows, total: kind == .tags ? "words" : nil)
    case .loss: loss(rows)
    case .perplexity: exp(loss(rows))
    case .bitsPerByte:
      sum("loss", rows, times: "tokens") / log(2) / max(sum("bytes", rows), 1)
    case .f1: kind == .tags ? tokenF1(rows) : confusion(rows).f1
    case .matthews: confusion(rows).matthews
    case .entityF1:
      2 * sum("entities_right", rows)
        / max(sum("entities_predicted", rows) + sum("entities_labelled", rows), .leastNormalMagnitude)
    case .calibrationError:
      Scores.calibrationError(picked("confidence", rows), hits: picked("correct", rows).map { $0 == 1 })
    case .pearson: Correlation.pearson(picked(output, rows), picked("target", rows))
    case .spearman: Correlation.spearman(picked(output, rows), picked("target", rows))
    }
  }

  /// What is compared with the target.
  private var output: String { kind == .likeness ? "cosine" : "prediction" }

  private func loss(_ rows: [Int]) -> Double {
    switch kind {
    case .numbers, .likeness:
      let (x, y) = (picked(output, rows), picked("target", rows))
      return zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(max(rows.count, 1))
    case .windows: return sum("loss", rows, times: "tokens") / max(sum("tokens", rows), 1)
    case .tags: return sum("loss", rows, times: "words") / max(sum("words", rows), 1)
    case .classes, .choices, .answers: return mean("loss", rows)
    }
  }

  private func picked(_ name: String, _ rows: [Int]) -> [Double] {
    guard let entries = column(name) else { preconditionFailure("scores of \(kind) have `\(name)`") }
    return rows.map { entries[$0] }
  }

  private func sum(_ name: String, _ rows: [Int], times weight: String? = nil) -> Double {
    guard let weight else { return picked(name, rows).reduce(0, +) }
    return zip(picked(name, rows), picked(weight, rows)).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func mean(_ name: String, _ rows: [Int], total: String? = nil) -> Double {
    sum(name, rows) / max(total.map { sum($0, rows) } ?? Double(rows.count), 1)
  }

  private func confusion(_ rows: [Int]) -> Confusion {
    Confusion(
      predictions: picked("prediction", rows).map { Int($0) }, labels: picked("label", rows).map { Int($0) })
  }

  /// The mean over all classes that occur, of the harmonic mean of precision and recall of their words.
  private func tokenF1(_ rows: [Int]) -> Double {
    let width = columns.first { $0.name == "right" }?.width ?? 1
    func sums(_ name: String) -> [Double] {
      guard let entries = column(name) else { preconditionFailure("scores of words have `\(name)`") }
      var result = [Double](repeating: 0, count: width)
      for row in rows { for place in 0..<width { result[place] += entries[row * width + place] } }
      return result
    }
    let (right, predicted, labelled) = (sums("right"), sums("predicted"), sums("labelled"))
    let known = (0..<width).filter { predicted[$0] + labelled[$0] > 0 }
    return known.reduce(0) { $0 + 2 * right[$1] / (predicted[$1] + labelled[$1]) } / Double(max(known.count, 1))
  }

  // MARK: Intervals

  /// Percentile bootstrap intervals (Efron 1979) of figures: as many examples as there are, drawn with replacement.
  ///
  /// - Parameters:
  ///   - other: Scores of the same examples, which are drawn together with these; then the intervals are of the differences.
  ///   - progress: Is told how many resamples are done; may throw to stop.
  public func intervals(
    _ metrics: [Metric], less other: ExampleScores? = nil, resamples: Int, confidence: Double,
    generator: inout Generator, progress: (Int) throws -> Void
  ) rethrows -> [Metric: ClosedRange<Double>] {
    var found = metrics.map { _ in [Double]() }
    for resample in 0..<resamples {
      let rows = (0..<count).map { _ in generator.integer(below: count) }
      for (index, metric) in metrics.enumerated() {
        found[index].append(figure(metric, over: rows) - (other?.figure(metric, over: rows) ?? 0))
      }
      try progress(resample + 1)
    }
    return Dictionary(
      uniqueKeysWithValues: zip(metrics, found).map { ($0, Bootstrap.interval($1, confidence: confidence)) })
  }

  /// A column by which scores of other examples are told from these, if there is one; nil where all agree.
  public func mismatch(with other: ExampleScores) -> String? {
    guard kind == other.kind, count == other.count else { return "examples" }
    return ["row", "label", "target", "labelled", "tokens", "bytes"].first { column($0) != other.column($0) }
  }
}
