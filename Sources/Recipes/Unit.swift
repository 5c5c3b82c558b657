import Operations

/// What a number may be followed by.
enum Unit: Sendable, Hashable {
  case percent
  case count(CountUnit)
  /// A size: bytes in one.
  case bytes(Double)
  /// A duration: seconds in one.
  case duration(Double)

  /// All units by the way they are written.
  static let all: [String: Unit] = {
    var units: [String: Unit] = [
      "%": .percent, "B": .bytes(1), "KiB": .bytes(0x1p10), "MiB": .bytes(0x1p20), "GiB": .bytes(0x1p30),
      "TiB": .bytes(0x1p40), "ms": .duration(0.001), "s": .duration(1), "min": .duration(60), "h": .duration(3600),
    ]
    for unit in CountUnit.allCases {
      units[unit.rawValue] = .count(unit)
      // One example, ten examples.
      units[String(unit.rawValue.dropLast())] = .count(unit)
    }
    return units
  }()
}
