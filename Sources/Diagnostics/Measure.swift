import Foundation

/// Amounts as people read them.
public enum Measure {
  /// `812 B`, `14.2 GiB`.
  public static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var amount = Double(count)
    var unit = 0
    while amount >= 1023.95, unit < units.count - 1 {
      amount /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(fixed(amount, 1)) \(units[unit])"
  }

  /// `0.04 s`, `2.3 s`, `41 s`, `6 min 12 s`, `1 h 3 min`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
    if seconds < 1 { return fixed(seconds, 2) + " s" }
    if seconds < 9.95 { return fixed(seconds, 1) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// Time that goes by, as clocks show it: `0:07`, `12:30`, `1:02:30`.
  public static func clock(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9))
    let (minutes, rest) = (whole / 60 % 60, String(format: "%02d", whole % 60))
    return whole < 3600 ? "\(minutes):\(rest)" : "\(whole / 3600):\(String(format: "%02d", minutes)):\(rest)"
  }

  /// `1,797 examples`, `1 step`.
  public static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? one : many ?? one + "s")"
  }

  /// Digits in threes from five up, as recipes write them but with commas.
  public static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    guard digits.count > 4 else { return String(number) }
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A number with so many digits behind the point, in every locale.
  public static func fixed(_ number: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", number) }

  /// A measured number: four digits that count.
  public static func figure(_ number: Double) -> String {
    if number == number.rounded(), abs(number) < 1e15 { return grouped(Int(number)) }
    return String(format: "%.4g", number)
  }

  /// Minutes as clocks show them, in the local time zone: `2026-11-23 14:02`.
  public static func minute(_ date: Date) -> String {
    var time = time_t(date.timeIntervalSince1970.rounded(.down))
    var parts = tm()
    localtime_r(&time, &parts)
    return String(
      format: "%04d-%02d-%02d %02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
      parts.tm_min)
  }
}
