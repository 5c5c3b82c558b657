import Diagnostics
import Formats
import Models
import Operations

/// Two measurements on the same examples, one less the other.
///
/// Each resample draws the same examples for both, so what makes an example hard for both models cancels.
struct PairedComparison {
  let scores: ExampleScores
  let other: ExampleScores
  let resampling: Resampling

  static let fields = Metric.allCases.map {
    Field(
      $0.rawValue + "_difference",
      "What `\($0.rawValue)` is more than that of `against`; its verdict is `better`, `worse` or `within noise`."
    )
  }

  /// - Throws: `OperationError` where the two are not of the same examples.
  init(_ scores: ExampleScores, label: String, _ against: Metrics, _ resampling: Resampling) throws {
    try Self.check(scores.kind, against)
    other = try ExampleScores(against)
    (self.scores, self.resampling) = (scores, resampling)
    guard let column = scores.mismatch(with: other) else { return }
    let isWindows = scores.kind == .windows
    throw OperationError(
      .data,
      column == "examples"
        ? "`\(label)` was measured on \(scores.count) examples, and `\(against.label)` on \(other.count)"
        : "`\(label)` and `\(against.label)` were measured on different examples: their `\(column)` differ",
      notes: isWindows ? ["models whose tokenizers or contexts differ read different windows"] : [],
      helps: ["measure both on the same dataset, with the same settings"])
  }

  static func check(_ kind: ExampleScores.Kind, _ against: Metrics) throws {
    // What is only foreseen may not know its columns yet.
    guard !against.content.tensors.isEmpty, let other = try ExampleScores.kind(of: against), other != kind else {
      return
    }
    throw OperationError(
      .step, "`\(against.label)` has scores of \(other.text), and these are of \(kind.text)")
  }

  /// Differences, their intervals, and what can be said of them.
  func facts(_ metrics: [Metric], _ context: Context) throws -> [JSON.Member] {
    let metrics = metrics.filter(other.metrics.contains)
    let intervals = try resampling.intervals(of: metrics, scores, less: other, stream: "compare", context)
    let all = Array(0..<scores.count)
    return metrics.flatMap { metric -> [JSON.Member] in
      guard let interval = intervals[metric] else { return [] }
      let difference = scores.figure(metric, over: all) - other.figure(metric, over: all)
      let verdict =
        interval.contains(0)
        ? "within noise" : (interval.lowerBound > 0) == metric.isBetterHigher ? "better" : "worse"
      let name = metric.rawValue + "_difference"
      return [
        .init(name, .number(difference)),
        .init(name + "_interval", [.number(interval.lowerBound), .number(interval.upperBound)]),
        .init(name + "_verdict", .string(verdict)),
      ]
    }
  }
}

extension ExampleScores.Kind {
  fileprivate var text: String {
    switch self {
    case .classes: "classes"
    case .tags: "classes of words"
    case .numbers: "numbers"
    case .windows: "next tokens"
    case .likeness: "the likeness of texts"
    case .choices: "choices"
    case .answers: "answers"
    }
  }
}
