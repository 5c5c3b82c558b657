/// Finds the name that somebody most likely meant.
public enum NearestName {
  /// The candidate nearest to a name: equal but for case and underscores, else within a third of its length in typing mistakes,
  /// at least one of its letters right.
  public static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = folded(name)
    var best: (distance: Int, name: String)?
    for candidate in candidates {
      let other = folded(candidate)
      if other == wanted { return candidate }
      let limit = max(1, max(wanted.count, other.count) / 3)
      guard abs(wanted.count - other.count) <= limit else { continue }
      let distance = distance(wanted, other)
      if distance <= limit, distance < max(wanted.count, other.count), distance < best?.distance ?? .max {
        best = (distance, candidate)
      }
    }
    return best?.name
  }

  private static func folded(_ name: String) -> [UInt8] {
    name.utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }.map {
      (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0
    }
  }

  /// Insertions, deletions, replacements and swaps of neighbours that make one name of the other (restricted
  /// Damerau-Levenshtein distance).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
