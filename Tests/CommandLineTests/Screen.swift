/// A terminal, as far as the live region needs one.
struct Screen {
  private(set) var lines: [String] = [""]
  private var row = 0

  init(_ text: String) {
    var rest = Substring(text)
    while let character = rest.popFirst() {
      switch character {
      case "\n":
        row += 1
        if row == lines.count { lines.append("") }
      case "\r": break
      case "\u{1B}": obey(&rest)
      default: lines[row].append(character)
      }
    }
    while lines.last == "" { lines.removeLast() }
  }

  private mutating func obey(_ rest: inout Substring) {
    rest.removeFirst()
    let number = Int(rest.prefix(while: \.isNumber)) ?? 0
    rest = rest.drop { $0.isNumber || $0 == ";" }
    switch rest.removeFirst() {
    case "A": row -= number
    case "K": lines[row] = ""
    case "J":
      lines.removeSubrange((row + 1)...)
      lines[row] = ""
    default: break
    }
  }
}
