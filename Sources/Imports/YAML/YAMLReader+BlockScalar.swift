import Diagnostics

extension YAMLReader {
  /// What becomes of the line ends behind a block scalar.
  private enum Chomping { case strip, clip, keep }

  /// `|`, whose lines stay lines, or `>`, whose lines are joined where they are not indented further.
  mutating func blockScalar(above parent: Int) throws -> YAMLNode {
    let start = offset
    let isFolded = byte() == UInt8(ascii: ">")
    offset += 1
    let (chomping, explicit) = try blockHeader()
    let header = place(start..<offset)
    try endLine()
    offset = min(offset + (byte() == UInt8(ascii: "\r") ? 2 : 1), bytes.count)
    let (lines, end) = try blockLines(above: parent, indentation: explicit.map { max(parent, 0) + $0 })
    let content = Array(lines[..<(lines.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0)])
    var text = isFolded ? Self.folded(content) : content.joined(separator: "\n")
    switch chomping {
    case .strip: break
    case .clip: if !content.isEmpty { text += "\n" }
    case .keep: text += String(repeating: "\n", count: lines.count - content.count + (content.isEmpty ? 0 : 1))
    }
    return YAMLNode(
      .scalar(YAMLScalar(text, isPlain: false)), at: content.isEmpty ? header : place(start..<end))
  }

  /// The indicators behind `|` or `>`: how far the text is indented, and what becomes of its end.
  private mutating func blockHeader() throws -> (Chomping, indentation: Int?) {
    var chomping: Chomping?
    var indentation: Int?
    while let byte = byte(), !Self.isSpace(byte) {
      switch byte {
      case UInt8(ascii: "-") where chomping == nil: chomping = .strip
      case UInt8(ascii: "+") where chomping == nil: chomping = .keep
      case UInt8(ascii: "1")...UInt8(ascii: "9") where indentation == nil: indentation = Int(byte - UInt8(ascii: "0"))
      default: throw Diagnostic.blockHeader(at: place(offset..<offset + 1))
      }
      offset += 1
    }
    return (chomping ?? .clip, indentation)
  }

  /// The lines without their indentation, up to the first that is indented no further than the collection around.
  private mutating func blockLines(above parent: Int, indentation: Int?) throws -> (lines: [String], end: Int) {
    var indentation = indentation
    var lines: [String] = []
    var end = offset
    while !isAtEnd {
      let line = offset
      while byte() == UInt8(ascii: " "), indentation.map({ offset - line < $0 }) ?? true { offset += 1 }
      if isAtLineEnd {
        lines.append("")
      } else {
        if indentation == nil, column > parent { indentation = column }
        guard let indentation, column >= indentation, !isAtMarker else {
          if byte() == UInt8(ascii: "\t") { throw Diagnostic.tabInYAML(at: place(offset..<offset + 1)) }
          offset = line
          return (lines, end)
        }
        let start = offset
        while !isAtLineEnd { offset += 1 }
        end = offset
        lines.append(text(start..<offset))
      }
      skipLine()
      if !isAtEnd { offset += 1 }
    }
    return (lines, end)
  }

  /// One line end between two lines is a blank, more are one fewer; lines that are indented further keep theirs.
  private static func folded(_ lines: [String]) -> String {
    var result = ""
    var newlines = 0
    var lastIsIndented = false
    for line in lines {
      if line.isEmpty {
        newlines += 1
        continue
      }
      let isIndented = line.hasPrefix(" ") || line.hasPrefix("\t")
      if result.isEmpty {
        result += String(repeating: "\n", count: newlines)
      } else if lastIsIndented || isIndented {
        result += String(repeating: "\n", count: newlines + 1)
      } else {
        result += newlines == 0 ? " " : String(repeating: "\n", count: newlines)
      }
      result += line
      newlines = 0
      lastIsIndented = isIndented
    }
    return result
  }
}
