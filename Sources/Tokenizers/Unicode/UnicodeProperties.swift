/// What the `tokenizers` package takes Unicode scalars for. Its parts disagree, for each has tables of another version:
/// names say whose they are.
enum UnicodeProperties {
  /// All sets by the names that `UnicodeTables` gives them.
  static let sets: [Substring: ScalarRanges] = Dictionary(
    uniqueKeysWithValues: lines(of: UnicodeTables.sets).map { ($0.name, ScalarRanges(coded: $0.text)) })
  private static let maps: [Substring: ScalarMap] = Dictionary(
    uniqueKeysWithValues: lines(of: UnicodeTables.maps).map { ($0.name, ScalarMap(coded: $0.text)) })

  private static func lines(of table: String) -> [(name: Substring, text: Substring)] {
    table.split(separator: "\n").map { line in
      let colon = line.firstIndex(of: ":")!
      return (line[..<colon], line[line.index(after: colon)...])
    }
  }

  private static func set(_ name: Substring) -> ScalarSet { ScalarSet(sets[name]!) }

  // Rust's standard library and the packages beside it.
  static let whiteSpace = set("rust white space")
  static let numeric = set("rust numeric")
  static let word = set("rust word")
  static let punctuation = set("rust punctuation")
  /// Controls, formats, private and unassigned scalars.
  static let other = set("rust other")
  static let nonspacingMark = set("rust nonspacing mark")
  static let combiningMark = set("rust combining mark")
  static let lowercase = maps["lowercase"]!

  // Normal forms, of Unicode 9.
  static let canonical = maps["canonical"]!
  static let compatible = maps["compatible"]!
  /// The two scalars that compose to one.
  static let composed = maps["composed"]!
  /// The canonical combining class; scalars that are not in have class 0.
  static let combiningClass = ScalarMap(
    sets.reduce(into: [:]) { classes, set in
      guard set.key.hasPrefix("ccc ") else { return }
      for run in set.value.runs {
        for scalar in run { classes[scalar] = [UInt32(set.key.dropFirst(4))!] }
      }
    })

  // Oniguruma's, for patterns.
  /// A letter that stands for all letters equal to it when case does not count.
  static let folded = maps["folded"]!
}

extension UnicodeProperties {
  /// Scripts by number, as SentencePiece has them; scalars of any script are not in.
  private static let scripts = ScalarMap(
    sets.reduce(into: [:]) { scripts, set in
      guard set.key.hasPrefix("sentencepiece script ") else { return }
      for run in set.value.runs {
        for scalar in run where Unicode.Scalar(scalar) != nil { scripts[scalar] = [UInt32(set.key.dropFirst(21))!] }
      }
    })

  /// The script of a scalar, or nil where it belongs to any.
  static func script(_ scalar: UInt32) -> UInt32? {
    scripts.places(scalar).map { scripts.target($0.lowerBound) }
  }
}
