/// A set of Unicode scalars as sorted runs: what classes of patterns are put together from.
struct ScalarRanges: Equatable, Sendable {
  /// Sorted, not touching each other. Surrogates may be in; no text has them.
  private(set) var runs: [ClosedRange<UInt32>]

  static let last: UInt32 = 0x10FFFF
  static let all = ScalarRanges([0...last])
  static let empty = ScalarRanges([])

  init(_ runs: [ClosedRange<UInt32>]) {
    self.runs = []
    for run in runs.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let end = self.runs.last?.upperBound, run.lowerBound <= end &+ 1 {
        self.runs[self.runs.count - 1] = self.runs.last!.lowerBound...max(end, run.upperBound)
      } else {
        self.runs.append(run)
      }
    }
  }

  init(_ scalar: UInt32) { runs = [scalar...scalar] }

  /// Reads `gap length,gap length,…` in base 36, as `UnicodeTables` has it.
  init(coded text: Substring) {
    var end: UInt32 = 0
    runs = text.split(separator: ",").map { words in
      let numbers = words.split(separator: " ").map { UInt32($0, radix: 36)! }
      let first = end + numbers[0]
      end = first + (numbers.count > 1 ? numbers[1] : 1)
      return first...end - 1
    }
  }

  var isEmpty: Bool { runs.isEmpty }

  func contains(_ scalar: UInt32) -> Bool {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
    }
    return low < runs.count && runs[low].lowerBound <= scalar
  }

  func union(_ other: ScalarRanges) -> ScalarRanges { ScalarRanges(runs + other.runs) }

  var complement: ScalarRanges {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for run in runs {
      if run.lowerBound > next { gaps.append(next...run.lowerBound - 1) }
      next = run.upperBound + 1
    }
    if next <= Self.last { gaps.append(next...Self.last) }
    return ScalarRanges(gaps)
  }

  func intersection(_ other: ScalarRanges) -> ScalarRanges { complement.union(other.complement).complement }

  func subtracting(_ other: ScalarRanges) -> ScalarRanges { intersection(other.complement) }
}
