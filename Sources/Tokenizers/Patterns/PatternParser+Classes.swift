extension PatternParser {
  /// All letters that equal one of the set when case does not count.
  func folded(_ set: ScalarRanges, _ flags: Flags) -> ScalarRanges {
    guard flags.ignoresCase else { return set }
    let folded = UnicodeProperties.folded.entries
    var first: Set<UInt32> = []
    for (letter, target) in folded where set.contains(letter) || set.contains(target[0]) { first.insert(target[0]) }
    let equal = folded.filter { first.contains($0.value[0]) }.keys
    return set.union(ScalarRanges((Array(first) + equal).map { $0...$0 }))
  }

  /// What stands behind a backslash, outside of brackets.
  mutating func escape(_ flags: Flags) throws(PatternError) -> PatternNode {
    if let set = try shorthand() { return .set(set) }
    let scalar = try next()
    switch scalar {
    case UInt32(ascii: "b"): return .assertion(.wordBoundary)
    case UInt32(ascii: "B"): return .assertion(.noWordBoundary)
    case UInt32(ascii: "A"): return .assertion(.textStart)
    case UInt32(ascii: "z"): return .assertion(.textEnd)
    case UInt32(ascii: "Z"): return .assertion(.lastLineEnd)
    case UInt32(ascii: "R"):
      let breaks = ScalarRanges([10...13, 0x85...0x85, 0x2028...0x2029])
      return .atomic(.alternation([.sequence([.set(ScalarRanges(13)), .set(ScalarRanges(10))]), .set(breaks)]))
    case UInt32(ascii: "X"), UInt32(ascii: "K"), UInt32(ascii: "G"), UInt32(ascii: "k"), UInt32(ascii: "g"), 49...57:
      throw PatternError(message: "`\\\(Self.text([scalar]))` is not supported")
    default:
      offset -= 1
      return .set(folded(ScalarRanges(try escapedScalar()), flags))
    }
  }

  /// The scalar that an escape means, whose backslash is taken.
  private mutating func escapedScalar() throws(PatternError) -> UInt32 {
    let scalar = try next()
    switch scalar {
    case UInt32(ascii: "t"): return 9
    case UInt32(ascii: "n"): return 10
    case UInt32(ascii: "v"): return 11
    case UInt32(ascii: "f"): return 12
    case UInt32(ascii: "r"): return 13
    case UInt32(ascii: "a"): return 7
    case UInt32(ascii: "e"): return 27
    case UInt32(ascii: "0"): return hexadecimal(most: 2, radix: 8) ?? 0
    case UInt32(ascii: "u"):
      guard let value = hexadecimal(most: 4) else { throw PatternError(message: "`\\u` has no digits") }
      return value
    case UInt32(ascii: "x"):
      if take("{") {
        guard let value = hexadecimal(most: 8), take("}"), Unicode.Scalar(value) != nil else {
          throw PatternError(message: "`\\x{` has no scalar of Unicode")
        }
        return value
      }
      guard let value = hexadecimal(most: 2) else { throw PatternError(message: "`\\x` has no digits") }
      guard value < 0x80 else { throw PatternError(message: "bytes above `\\x7F` are not supported") }
      return value
    case UInt32(ascii: "c"), UInt32(ascii: "C"), UInt32(ascii: "M"):
      throw PatternError(message: "`\\\(Self.text([scalar]))` is not supported")
    default: return scalar
    }
  }

  private mutating func hexadecimal(most: Int, radix: UInt32 = 16) -> UInt32? {
    var value: UInt32?
    for _ in 0..<most {
      guard let scalar = peek().flatMap(Unicode.Scalar.init), let digit = Character(scalar).hexDigitValue,
        scalar.isASCII,
        digit < radix
      else { break }
      value = (value ?? 0) &* radix &+ UInt32(digit)
      offset += 1
    }
    return value
  }

  /// `\s`, `\p{L}`: the set, or nil where something else stands behind the backslash, which is not taken then.
  private mutating func shorthand() throws(PatternError) -> ScalarRanges? {
    let sets = UnicodeProperties.sets
    let hexadecimal = ScalarRanges([48...57, 65...70, 97...102])
    guard let letter = peek() else { throw PatternError(message: "it ends with a backslash") }
    offset += 1
    switch letter {
    case UInt32(ascii: "s"): return sets["space"]!
    case UInt32(ascii: "S"): return sets["space"]!.complement
    case UInt32(ascii: "w"): return sets["word"]!
    case UInt32(ascii: "W"): return sets["word"]!.complement
    case UInt32(ascii: "d"): return sets["digit"]!
    case UInt32(ascii: "D"): return sets["digit"]!.complement
    case UInt32(ascii: "h"): return hexadecimal
    case UInt32(ascii: "H"): return hexadecimal.complement
    case UInt32(ascii: "p"), UInt32(ascii: "P"):
      guard take("{") else { throw PatternError(message: "`\\p` has no `{`") }
      let isNegated = take("^") != (letter == UInt32(ascii: "P"))
      var name: [UInt32] = []
      while let scalar = peek(), scalar != UInt32(ascii: "}") {
        name.append(scalar)
        offset += 1
      }
      guard take("}") else { throw PatternError(message: "`\\p{` has no `}`") }
      guard let set = Self.property(Self.text(name)) else {
        throw PatternError(message: "the property `\(Self.text(name))` is not known")
      }
      return isNegated ? set.complement : set
    default:
      offset -= 1
      return nil
    }
  }

  private static let longNames: [String: String] = [
    "letter": "l", "uppercaseletter": "lu", "lowercaseletter": "ll", "titlecaseletter": "lt", "modifierletter": "lm",
    "otherletter": "lo", "mark": "m", "nonspacingmark": "mn", "spacingmark": "mc", "enclosingmark": "me", "number": "n",
    "decimalnumber": "nd", "letternumber": "nl", "othernumber": "no", "punctuation": "p", "connectorpunctuation": "pc",
    "dashpunctuation": "pd", "openpunctuation": "ps", "closepunctuation": "pe", "initialpunctuation": "pi",
    "finalpunctuation": "pf", "otherpunctuation": "po", "symbol": "s", "mathsymbol": "sm", "currencysymbol": "sc",
    "modifiersymbol": "sk", "othersymbol": "so", "separator": "z", "spaceseparator": "zs", "lineseparator": "zl",
    "paragraphseparator": "zp", "other": "c", "control": "cc", "format": "cf", "privateuse": "co", "unassigned": "cn",
    "combiningmark": "m", "alphabetic": "alpha", "lowercase": "lower", "uppercase": "upper", "whitespace": "space",
  ]

  /// The set of a property: a general category or its group, a script, or a class of POSIX. Spelt as one likes.
  private static func property(_ name: String) -> ScalarRanges? {
    func plain(_ name: some StringProtocol) -> String {
      name.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" }
    }
    let plainName = plain(name)
    let wanted = longNames[plainName] ?? plainName
    let sets = UnicodeProperties.sets
    let assigned = sets.filter { $0.key.hasPrefix("gc ") }
    switch wanted {
    case "any": return .all
    case "ascii": return ScalarRanges([0...0x7F])
    case "xdigit": return ScalarRanges([48...57, 65...70, 97...102])
    case "digit": return sets["digit"]
    case "cntrl": return sets["gc Cc"]
    case "blank": return sets["gc Zs"]!.union(ScalarRanges(9))
    case "alnum": return sets["posix alpha"]!.union(sets["digit"]!)
    case "cn": return assigned.values.reduce(ScalarRanges.empty) { $0.union($1) }.complement
    case "c":
      let named = ["gc Cc", "gc Cf", "gc Co"].reduce(ScalarRanges.empty) { $0.union(sets[Substring($1)]!) }
      return property("cn")!.union(named)
    default: break
    }
    if wanted.count <= 2, wanted.count > 0 {
      let found = assigned.filter { plain($0.key.dropFirst(3)).hasPrefix(wanted) }.values
      if !found.isEmpty { return found.reduce(ScalarRanges.empty) { $0.union($1) } }
    }
    return sets.first { $0.key.hasPrefix("script ") && plain($0.key.dropFirst(7)) == wanted }?.value
      ?? sets[Substring("posix " + wanted)]
  }

  // MARK: Brackets

  /// A class in brackets, whose first is taken.
  mutating func bracket(_ flags: Flags) throws(PatternError) -> ScalarRanges {
    let isNegated = take("^")
    var whole: ScalarRanges?
    var part = ScalarRanges.empty
    var isFirst = true
    while true {
      if isNext("]"), !isFirst { break }
      if take("&&") {
        whole = whole.map { $0.intersection(part) } ?? part
        part = .empty
        continue
      }
      part = part.union(try member(flags))
      isFirst = false
    }
    offset += 1
    let set = whole.map { $0.intersection(part) } ?? part
    return isNegated ? set.complement : set
  }

  /// One scalar, a range, a shorthand or a class within a class.
  private mutating func member(_ flags: Flags) throws(PatternError) -> ScalarRanges {
    if isNext("[:"), let set = try posix() { return set }
    if take("[") { return try bracket(flags) }
    guard let first = peek() else { throw PatternError(message: "a `[` has no `]`") }
    var low = first
    offset += 1
    if first == UInt32(ascii: "\\") {
      if let set = try shorthand() { return folded(set, flags) }
      low = take("b") ? 8 : try escapedScalar()
    }
    guard isNext("-"), let behind = peek(1), behind != UInt32(ascii: "]"), behind != UInt32(ascii: "[") else {
      return folded(ScalarRanges(low), flags)
    }
    offset += 1
    var high = try next()
    if high == UInt32(ascii: "\\") {
      if try shorthand() != nil { throw PatternError(message: "a range ends with a class") }
      high = try escapedScalar()
    }
    guard low <= high else { throw PatternError(message: "a range of scalars runs backwards") }
    return folded(ScalarRanges([low...high]), flags)
  }

  private mutating func posix() throws(PatternError) -> ScalarRanges? {
    let start = offset
    offset += 2
    let isNegated = take("^")
    var name: [UInt32] = []
    while let scalar = peek(), scalar &- 97 < 26 {
      name.append(scalar)
      offset += 1
    }
    guard take(":]") else {
      offset = start
      return nil
    }
    guard let set = Self.property(Self.text(name)) else {
      throw PatternError(message: "the class `[:\(Self.text(name)):]` is not known")
    }
    return isNegated ? set.complement : set
  }
}
