import Diagnostics
import Foundation

/// A piece of a page. Texts that are put into one are escaped, so nothing that comes from a file becomes markup, and what a
/// terminal would obey stands there as its number.
struct HTML: Sendable, ExpressibleByStringInterpolation {
  private(set) var text: String

  init(stringLiteral value: String) { text = value }

  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  /// Markup that is known to be sound: the page's own style and script.
  init(sound markup: String) { text = markup }

  static let empty: HTML = ""

  static func += (html: inout HTML, more: HTML) { html.text += more.text }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ html: HTML) { text += html.text }

    mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }

    mutating func appendInterpolation(_ words: String) { text += HTML.escaped(words) }

    mutating func appendInterpolation(_ number: Int) { text += String(number) }

    /// A coordinate, to a tenth.
    mutating func appendInterpolation(_ number: Double) { text += HTML.coordinate(number) }
  }

  private static func escaped(_ words: String) -> String {
    var result = ""
    for byte in Renderer.printable(words).unicodeScalars {
      switch byte {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(byte)
      }
    }
    return result
  }

  private static func coordinate(_ number: Double) -> String {
    let tenths = (number * 10).rounded()
    return tenths.truncatingRemainder(dividingBy: 10) == 0 ? String(Int(tenths / 10)) : "\(tenths / 10)"
  }
}
