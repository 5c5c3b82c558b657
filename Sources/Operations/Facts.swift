import Diagnostics
import Formats

/// An artifact's facts as people read them: its numbers, each with what is known of how sure it is, and all else.
public struct Facts: Sendable {
  private let json: JSON

  public init(_ json: JSON) { self.json = json }

  /// The names of the numbers among them, in their order.
  public var numbers: [String] { (json.object ?? []).filter { $0.value.number != nil }.map(\.name) }

  public subscript(name: String) -> Double? { json[name]?.number }

  /// The interval that a number comes with: `accuracy_interval` beside `accuracy`; nil where there is none.
  public func interval(of name: String) -> (lower: Double, upper: Double)? {
    let ends = json[name + Facts.intervalSuffix]?.array?.compactMap(\.number) ?? []
    return ends.count == 2 ? (ends[0], ends[1]) : nil
  }

  /// What can be said of a number: `accuracy_difference_verdict` beside `accuracy_difference`; nil where there is none.
  public func verdict(of name: String) -> String? { json[name + Facts.verdictSuffix]?.string }

  /// A number with its interval and what can be said of it: `0.9441 (0.905 to 0.9777)`, `0.02 (-0.01 to 0.05), within noise`; empty
  /// where there is none so called.
  public func text(_ name: String) -> String {
    guard let number = self[name] else { return "" }
    let interval = interval(of: name).map { " (\(Measure.figure($0.lower)) to \(Measure.figure($0.upper)))" }
    return Measure.figure(number) + (interval ?? "") + (verdict(of: name).map { ", \($0)" } ?? "")
  }

  /// Each on one line; an interval or verdict stands beside its number, and what is long is cut.
  public var lines: [(name: String, text: String)] {
    (json.object ?? []).compactMap { member in
      let isBeside = [Facts.intervalSuffix, Facts.verdictSuffix].contains { suffix in
        member.name.hasSuffix(suffix) && self[String(member.name.dropLast(suffix.count))] != nil
      }
      if isBeside { return nil }
      if member.value.number != nil { return (member.name, text(member.name)) }
      let text = member.value.string ?? member.value.compact
      return (member.name, text.count <= 80 ? text : String(text.prefix(79)) + "…")
    }
  }

  private static let intervalSuffix = "_interval"
  private static let verdictSuffix = "_verdict"
}
