import Diagnostics
import Foundation
import Operations

extension Value {
  /// The value as a recipe writes it where a slot of this type is: with `%`, units and digits in threes.
  func text(as type: ValueType) -> String {
    switch (self, type) {
    case (.none, _): "none"
    case (_, .optional(let wrapped)): text(as: wrapped)
    case (.list, .perModel(let element)): text(as: .list(element))
    case (_, .perModel(let element)): text(as: element)
    case (.list(let values), .list(let element)):
      "[" + values.map { $0.text(as: element) }.joined(separator: ", ") + "]"
    case (.gradient(let values), .layered(let element)):
      "gradient([" + values.map { $0.text(as: element) }.joined(separator: ", ") + "])"
    case (_, .layered(let element)): text(as: element)
    case (.number(let number), _): Value.text(number, as: type)
    default: canonical
    }
  }

  private static func text(_ number: Double, as type: ValueType) -> String {
    switch type {
    case .fraction: plain(number * 100) + "%"
    case .count(let unit): grouped(number) + (unit.map { " " + $0.rawValue } ?? "")
    case .bytes: amount(number, [("TiB", 0x1p40), ("GiB", 0x1p30), ("MiB", 0x1p20), ("KiB", 0x1p10), ("B", 1)])
    case .duration: amount(number, [("h", 3600), ("min", 60), ("s", 1), ("ms", 0.001)])
    default: Value.number(number).canonical
    }
  }

  /// The largest unit of which it is a whole number.
  private static func amount(_ number: Double, _ units: [(name: String, size: Double)]) -> String {
    let fitting = units.first { number >= $0.size && (number / $0.size).truncatingRemainder(dividingBy: 1) == 0 }
    guard let unit = fitting ?? units.last else { return plain(number) }
    return plain(number / unit.size) + " " + unit.name
  }

  /// Without the last digits, which are only how doubles are kept: 0.07 is 7%, not 7.000000000000001%.
  private static func plain(_ number: Double) -> String { String(format: "%.12g", number) }

  private static func grouped(_ number: Double) -> String {
    guard abs(number) < 9e15, number == number.rounded() else { return Value.number(number).canonical }
    return Measure.grouped(Int(number)).replacing(",", with: "_")
  }
}
