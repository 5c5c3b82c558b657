import Diagnostics
import Testing

@testable import Imports

/// YAML beside what is read of it, and beside what is said of it where it cannot be read.
@Suite struct YAMLTests {
  /// A value in one line: texts in quotes, all else as YAML's core schema takes it.
  static func shown(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar):
      switch scalar.value {
      case .null: "null"
      case .flag(let flag): "\(flag)"
      case .number(let number): "\(number)"
      case .text: scalar.text.debugDescription
      }
    case .sequence(let nodes): "[" + nodes.map(shown).joined(separator: ", ") + "]"
    case .mapping(let members): "{" + members.map { "\($0.key): \(shown($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  static func read(_ text: String) throws -> String {
    try YAMLReader.documents(of: Source(name: "f.yml", text: text)).map(shown).joined(separator: " --- ")
  }

  static func errors(_ text: String) -> String {
    do {
      _ = try YAMLReader.documents(of: Source(name: "f.yml", text: text))
      return ""
    } catch {
      return Renderer().text((error as? DiagnosticsError)?.diagnostics ?? [])
    }
  }

  static let values: [(String, String)] = [
    ("", ""),
    ("# nothing\n", ""),
    ("---\n", "null"),
    ("a", "\"a\""),
    ("a: 1\nb: 2\n", "{a: 1.0, b: 2.0}"),
    ("a:\nb: ~\n", "{a: null, b: null}"),
    ("a:\n  b:\n    c: d\n  e: f\n", "{a: {b: {c: \"d\"}, e: \"f\"}}"),
    ("- 1\n- two\n-\n- - 3\n  - 4\n", "[1.0, \"two\", null, [3.0, 4.0]]"),
    ("a:\n- 1\n- 2\nb: 3\n", "{a: [1.0, 2.0], b: 3.0}"),
    ("a:\n  - b: 1\n    c: 2\n  - b: 3\n", "{a: [{b: 1.0, c: 2.0}, {b: 3.0}]}"),
    ("-\n  a: 1\n", "[{a: 1.0}]"),
    ("a: [1, 0.7, .1]\n", "{a: [1.0, 0.7, 0.1]}"),
    ("a: [\n  1,  # one\n  2,\n]\n", "{a: [1.0, 2.0]}"),
    ("a: {b: 1, c: [x, {d: e}], f}\n", "{a: {b: 1.0, c: [\"x\", {d: \"e\"}], f: null}}"),
    ("a: []\nb: {}\n", "{a: [], b: {}}"),
    ("{\"a\":1, 'b': c d}\n", "{a: 1.0, b: \"c d\"}"),
    ("a: b # c\nd: e#f\n", "{a: \"b\", d: \"e#f\"}"),
    ("a: http://x:8080/y\n", "{a: \"http://x:8080/y\"}"),
    ("a: one\n  two\n\n  three\nb: 1\n", "{a: \"one two\\nthree\", b: 1.0}"),
    ("a: 'it''s'\nb: \"x\\ty\\u00e9\\\\\"\n", "{a: \"it\\'s\", b: \"x\\tyé\\\\\"}"),
    ("a: \"one\n  two\n\n  three\\\n  four\"\n", "{a: \"one two\\nthreefour\"}"),
    ("\"a b\": 1\n'c': 2\n", "{a b: 1.0, c: 2.0}"),
    ("a: |\n  one\n   two\n\n  three\n\nb: 1\n", "{a: \"one\\n two\\n\\nthree\\n\", b: 1.0}"),
    ("a: |-\n  one\n  two\n", "{a: \"one\\ntwo\"}"),
    ("a: |+\n  one\n\n", "{a: \"one\\n\\n\"}"),
    ("a: >\n  one\n  two\n\n  three\n    four\n  five\n", "{a: \"one two\\nthree\\n  four\\nfive\\n\"}"),
    ("a: |2\n   one\n", "{a: \" one\\n\"}"),
    ("- |\n  x: y # no comment\n- z\n", "[\"x: y # no comment\\n\", \"z\"]"),
    ("a: 1\n---\nb: 2\n...\n---\nc: 3\n", "{a: 1.0} --- {b: 2.0} --- {c: 3.0}"),
    ("--- 5\n--- |\n x\n", "5.0 --- \"x\\n\""),
    ("a: &x\n  b: 1\nc: *x\nd: [*x, &y 2, *y]\n", "{a: {b: 1.0}, c: {b: 1.0}, d: [{b: 1.0}, 2.0, 2.0]}"),
    ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n", "{a: {b: 1.0, c: 2.0}, d: {b: 3.0, c: 2.0}}"),
    ("d: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}\n", "{d: {c: 3.0, a: 1.0, b: 2.0}}"),
    ("a: 1\r\nb:\r\n  - c d\r\n  - |\r\n    e\r\n", "{a: 1.0, b: [\"c d\", \"e\\n\"]}"),
    ("\u{FEFF}a: 1\n", "{a: 1.0}"),
    (
      "a: [true, False, null, ~, 0x1F, 0o17, 1e3, -1.5, +2, .5, 1., 1_000, yes, .inf, 0.5.1, '1']\n",
      "{a: [true, false, null, null, 31.0, 15.0, 1000.0, -1.5, 2.0, 0.5, 1.0, \"1_000\", \"yes\", \".inf\", \"0.5.1\", \"1\"]}"
    ),
  ]

  @Test(arguments: values) func reads(text: String, value: String) throws {
    #expect(try Self.read(text) == value)
  }

  static let mistakes: [(String, String)] = [
    ("a:\tb\n", "a tab stands here, and YAML is indented with blanks"),
    ("a:\n\tb: 1\n", "a tab stands here, and YAML is indented with blanks"),
    ("a: |\n\tb\n", "a tab stands here, and YAML is indented with blanks"),
    ("a: 1\nb: 2\na: 3\n", "`a` is given twice"),
    ("x: {a: 1, a: 2}\n", "`a` is given twice"),
    ("a: 1\n   b: 2\n", "a `:` with a blank behind it ends a key, and a key is not to be here"),
    ("a: 'x'\n  b: 2\n", "this is indented further than what it follows"),
    ("  a: 1\nb: 2\n", "this belongs to nothing"),
    ("a: b: c\n", "a mapping begins on a line of its own"),
    ("a: - b\n", "a list of dashes begins on a line of its own"),
    ("a: 1\nb\n", "a key with `: ` behind it is expected here"),
    ("a: 1\n- b\n", "a key with `: ` behind it is expected here"),
    ("a: [1, 2\n", "`[` is never closed"),
    ("a: {b: 1\nc: 2\n", "a comma or a closing bracket is missing"),
    ("a: [1 , , 2]\n", "a value is missing"),
    ("a: [b: 1]\n", "a list has no keys"),
    ("a: \"b\nc: 1\n", "this text never ends: another `\"` is missing"),
    ("a: \"\\q\"\n", "this stands for no character"),
    ("a: \"b\" c\n", "a value ends with its line"),
    ("a: [1] 2\n", "a value ends with its line"),
    ("a: !!str 1\n", "tags are not read"),
    ("%YAML 1.2\n---\na: 1\n", "directives are not read"),
    ("? a\n: b\n", "keys that begin with `?` are not read"),
    ("[a]: b\n", "a key is a text on one line"),
    ("a: *x\n", "nothing above is anchored as `&x`"),
    ("&x a: 1\n", "an anchor on a key's line names the key"),
    ("<<: 3\n", "`<<` brings in the keys of a mapping, but this is a number"),
    ("a: @b\n", "no value begins with `@`"),
    ("a: |x\n  b\n", "behind `|` or `>` stand a digit from 1 to 9, `-` or `+`, and then the line ends"),
    (String(repeating: "[", count: 100), "this lies more than 64 values deep"),
    (
      "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        + "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e]\n",
      "the aliases of this file stand for more than 100000 values"
    ),
  ]

  @Test(arguments: mistakes) func saysWhatIsWrong(text: String, message: String) {
    do {
      let read = try Self.read(text)
      Issue.record("read as \(read)")
    } catch {
      #expect((error as? DiagnosticsError)?.diagnostics.map(\.message) == [message])
    }
  }

  @Test func mistakesHavePlaces() {
    #expect(
      Self.errors("models:\n  - model: a\n    model: b\n\tx: 1\n") == """
        error: `model` is given twice
         ——▶ f.yml:3:5
          │
        2 │   - model: a
          │     ----- first here
        3 │     model: b
          │     ^^^^^ and again here
          = note: other readers of YAML take the last and forget the first

        error: a tab stands here, and YAML is indented with blanks
         ——▶ f.yml:4:1
          │
        4 │ \\u{9}x: 1
          │ ^^^^^

        """)
    #expect(
      Self.errors("t: [0, 0.5\nmodels: []\n") == """
        error: a list has no keys
         ——▶ f.yml:2:7
          │
        1 │ t: [0, 0.5
          │    - the list begins here
        2 │ models: []
          │       ^
          = help: close the list with `]`, or write the pair between `{` and `}`

        """)
  }

  /// Nothing makes the reader trap or hang, whatever it is fed.
  @Test func damagedFilesAreRefusedOrRead() {
    let texts = Self.values.map(\.0) + Self.mistakes.map(\.0)
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(bound, 1)
    }
    let signs = Array(" \n\t-:,[]{}#&*!|>'\"%@?~\\x1".utf8)
    for round in 0..<4000 {
      var bytes = Array(texts[round % texts.count].utf8)
      for _ in 0...random(4) where !bytes.isEmpty {
        let place = random(bytes.count)
        switch random(3) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(signs[random(signs.count)], at: place)
        default: bytes[place] = signs[random(signs.count)]
        }
      }
      _ = Self.errors(String(decoding: bytes, as: UTF8.self))
    }
  }
}
