import Diagnostics

// The texts of all mistakes of YAML, in the order of their names.

extension Diagnostic {
  static func aliasUnknown(_ name: String, at place: Place, known: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: known)
    return Diagnostic(
      "nothing above is anchored as `&\(name)`", at: place, label: nearest.map { "did you mean `*\($0)`?" } ?? "",
      helps: ["for a text that begins with `*`, put it in quotes"])
  }

  static func anchorBeforeKey(at place: Place) -> Diagnostic {
    Diagnostic(
      "an anchor on a key's line names the key", at: place, helps: ["to name the whole mapping, write it a line above"])
  }

  static func anchorNameMissing(at place: Place) -> Diagnostic {
    Diagnostic("an anchor has a name behind its `&`", at: place)
  }

  static func behindTheDocument(at place: Place) -> Diagnostic {
    Diagnostic(
      "this belongs to nothing", at: place, label: "the document has ended",
      helps: ["indent it as what it belongs to, or begin another document with `---`"])
  }

  static func behindTheValue(at place: Place) -> Diagnostic {
    Diagnostic("a value ends with its line", at: place, label: "this stands behind it")
  }

  static func blockHeader(at place: Place) -> Diagnostic {
    Diagnostic(
      "behind `|` or `>` stand a digit from 1 to 9, `-` or `+`, and then the line ends", at: place)
  }

  static func colonInText(at place: Place, text: Place) -> Diagnostic {
    Diagnostic(
      "a `:` with a blank behind it ends a key, and a key is not to be here", at: place,
      others: [.init(text, "this is a value, or its beginning")],
      helps: ["indent the key as its neighbours are", "for a text with `: ` in it, put it in quotes"])
  }

  static func commaMissing(at place: Place, open: Place) -> Diagnostic {
    Diagnostic("a comma or a closing bracket is missing", at: place, others: [.init(open, "opened here")])
  }

  static func directive(at place: Place) -> Diagnostic {
    Diagnostic("directives are not read", at: place, helps: ["remove the line"])
  }

  static func escapeUnknown(at place: Place) -> Diagnostic {
    Diagnostic(
      "this stands for no character", at: place,
      helps: ["for a backslash, write `\\\\`, or put the text between single quotes"])
  }

  static func indentation(at place: Place) -> Diagnostic {
    Diagnostic(
      "this is indented further than what it follows", at: place,
      helps: ["what belongs together begins in one column"])
  }

  static func indicator(_ sign: String, at place: Place) -> Diagnostic {
    Diagnostic("no value begins with `\(sign)`", at: place, helps: ["for a text that does, put it in quotes"])
  }

  static func keyExpected(at place: Place) -> Diagnostic {
    Diagnostic("a key with `: ` behind it is expected here", at: place, label: "this is none")
  }

  static func keyInFlowSequence(at place: Place, open: Place) -> Diagnostic {
    Diagnostic(
      "a list has no keys", at: place, others: [.init(open, "the list begins here")],
      helps: ["close the list with `]`, or write the pair between `{` and `}`"])
  }

  static func keyNotPlain(at place: Place) -> Diagnostic {
    Diagnostic("a key is a text on one line", at: place)
  }

  static func keyTwice(_ key: String, at place: Place, first: Place) -> Diagnostic {
    Diagnostic(
      "`\(key)` is given twice", at: place, label: "and again here", others: [.init(first, "first here")],
      notes: ["other readers of YAML take the last and forget the first"])
  }

  static func longKey(at place: Place) -> Diagnostic {
    Diagnostic("keys that begin with `?` are not read", at: place, helps: ["write `key: value`"])
  }

  static func mappingBehindKey(at place: Place) -> Diagnostic {
    Diagnostic(
      "a mapping begins on a line of its own", at: place, label: "this key stands behind another",
      helps: ["for a text with `: ` in it, put it in quotes"])
  }

  static func mergeOfNoMapping(_ node: YAMLNode, at place: Place) -> Diagnostic {
    Diagnostic("`<<` brings in the keys of a mapping, but this is \(node.kind)", at: place)
  }

  static func neverClosed(at place: Place) -> Diagnostic {
    Diagnostic("`\(place.text)` is never closed", at: place)
  }

  static func neverEnds(at place: Place) -> Diagnostic {
    Diagnostic("this text never ends: another `\(place.text)` is missing", at: place)
  }

  static func sequenceBehindKey(at place: Place) -> Diagnostic {
    Diagnostic(
      "a list of dashes begins on a line of its own", at: place, helps: ["or write it between `[` and `]`"])
  }

  static func tabInYAML(at place: Place) -> Diagnostic {
    Diagnostic("a tab stands here, and YAML is indented with blanks", at: place)
  }

  static func tag(at place: Place) -> Diagnostic {
    Diagnostic(
      "tags are not read", at: place, helps: ["remove it; for a text that begins with `!`, put it in quotes"])
  }

  static func tooDeep(at place: Place) -> Diagnostic {
    Diagnostic("this lies more than \(YAMLReader.maximumDepth) values deep", at: place)
  }

  static func tooManyAliases(at place: Place) -> Diagnostic {
    Diagnostic(
      "the aliases of this file stand for more than \(YAMLReader.maximumAliased) values", at: place)
  }

  static func valueMissing(at place: Place) -> Diagnostic { Diagnostic("a value is missing", at: place) }
}
