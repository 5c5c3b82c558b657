import Formats
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String) throws(JSONError) -> JSON { try JSON(parsing: Array(text.utf8)) }

  private func complaint(_ bytes: [UInt8]) -> JSONError? {
    do {
      _ = try JSON(parsing: bytes)
      return nil
    } catch { return error }
  }

  @Test func readsEveryKindOfValue() throws {
    let text = #" {"a" : [1, -2, 3.5, 1e2, -0.0, 1E-2], "b":{"c":null},"d":[true,false],"e":[], "f":{} } "#
    #expect(
      try parse(text) == [
        "a": [1, -2, 3.5, 100.0, -0.0, 0.01], "b": ["c": .null], "d": [true, false], "e": [], "f": [:],
      ])
    #expect(try parse("\"\"") == "")
  }

  @Test func readsEscapes() throws {
    #expect(try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00é😀""#) == "\"\\/\u{8}\u{c}\n\r\tAé😀é😀")
  }

  @Test func wholeNumbersStayWholeAsLongAsTheyFit() throws {
    #expect(try parse("9223372036854775807") == .integer(.max))
    #expect(try parse("-9223372036854775808") == .integer(.min))
    #expect(try parse("999999999999999999") == .integer(999_999_999_999_999_999))
    #expect(try parse("-0") == 0)
    #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    #expect(try parse("1000000000000000019884624838656") == .number(1e30))
    #expect(try parse("1.0") == .number(1))
    #expect(try parse("1e-400") == .number(0))
  }

  /// Names are compared byte for byte: vocabularies hold both spellings of one letter.
  @Test func namesAreComparedByteForByte() throws {
    let json = try parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}")
    #expect(json["\u{e9}"] == 1)
    #expect(json["e\u{301}"] == 2)
  }

  @Test(arguments: [
    ("", 0, "a value is missing"), ("[1,]", 3, "a value is missing"), ("{\"a\":1,}", 7, "a member's name is missing"),
    ("{a:1}", 1, "a member's name is missing"), ("{\"a\" 1}", 5, "`:` is missing"), ("[1 2]", 3, "`]` is missing"),
    ("{\"a\":1", 6, "`}` is missing"), ("1 2", 2, "something stands behind the value"),
    ("{\"a\":1,\"\\u0061\":2}", 16, "`a` stands twice in one object"), ("01", 0, "a number begins with zero"),
    ("-", 0, "a value is missing"), ("1.", 2, "digits are missing behind a point"), (".5", 0, "a value is missing"),
    ("+1", 0, "a value is missing"), ("1e", 2, "digits are missing in an exponent"),
    ("1e400", 0, "a number is too large"),
    ("NaN", 0, "a value is missing"), ("nul", 0, "a value is missing"), ("\"a", 1, "a text has no end"),
    ("\"a\nb\"", 2, "a control character stands in a text"), ("\"\\x\"", 2, "there is no such escape"),
    ("\"\\u12g4\"", 5, "four hexadecimal digits are missing"), ("\"\\ud800\"", 1, "a surrogate stands alone"),
    ("\"\\ud800\\u0041\"", 1, "a surrogate stands alone"), ("\"\\udc00\"", 1, "a surrogate stands alone"),
    ("'a'", 0, "a value is missing"), ("[1]//", 3, "something stands behind the value"),
    ("\u{FEFF}1", 0, "a byte-order mark stands before the value"),
  ])
  func saysWhatIsWrongAndWhere(_ text: String, _ offset: Int, _ message: String) {
    let complaint = complaint(Array(text.utf8))
    #expect(complaint?.offset == offset)
    #expect(complaint?.message == message)
  }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
    ] as [[UInt8]])
  func refusesWhatIsNotUTF8(_ bytes: [UInt8]) { #expect(complaint(bytes)?.message == "a text is not UTF-8") }

  @Test func goesOnly256LevelsDeep() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(complaint(nested(256)) == nil)
    #expect(complaint(nested(257))?.message == "values are nested more than 256 deep")
    #expect(complaint([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) != nil)
  }

  @Test func writesOneTextForFingerprints() throws {
    let json: JSON = [
      "b": [1, 1.5, 1.0, -0.0, 1e21, .number(.leastNonzeroMagnitude)], "é": .null,
      "a": ["y": "\"\\\n\u{1}\u{7F}/é", "x": true],
    ]
    let text = #"{"a":{"x":true,"y":"\"\\\n\u0001\u007f/é"},"b":[1,1.5,1.0,-0.0,1e+21,5e-324],"é":null}"#
    #expect(json.canonical == text)
    #expect(try parse(text).canonical == text)
    #expect(json.compact.hasPrefix(#"{"b":[1,1.5,"#))
    #expect(JSON.number(.nan).canonical == "null")
  }

  @Test func writesForPeople() {
    let json: JSON = [
      "model": "m", "sizes": [1, 2], "layers": [["a": 1], [:]], "none": [], "nested": [[1, 2], [3]],
    ]
    #expect(
      json.pretty == """
        {
          "model": "m",
          "sizes": [1, 2],
          "layers": [
            {
              "a": 1
            },
            {}
          ],
          "none": [],
          "nested": [
            [1, 2],
            [3]
          ]
        }

        """)
  }

  @Test func whatIsNotSeenIsEscapedForPeople() throws {
    let json = JSON.string("a\u{202E}b\u{200B}c\u{E0041}d\u{200D}é")
    #expect(json.compact == #""a\u202eb\u200bc\udb40\udc41d"# + "\u{200D}é\"")
    #expect(try parse(json.compact) == json && parse(json.canonical) == json)
  }

  @Test func whatIsWrittenReadsBack() throws {
    var generator = SeededGenerator(1)
    for _ in 0..<2000 {
      let json = random(depth: 3, &generator)
      #expect(try parse(json.pretty) == json)
      #expect(try parse(json.compact) == json)
      #expect(try parse(json.canonical).canonical == json.canonical)
    }
  }

  private func random(depth: Int, _ generator: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
    case 0: .null
    case 1: .bool(Bool.random(using: &generator))
    case 2: .integer(Int(bitPattern: UInt(generator.next() >> UInt64.random(in: 0..<64, using: &generator))))
    case 3: .number(Double(bitPattern: generator.next() & ~(1 << 62)))
    case 4: .string(String(String.UnicodeScalarView((0..<5).compactMap { _ in scalar(&generator) })))
    case 5: .array((0..<3).map { _ in random(depth: depth - 1, &generator) })
    default: .object((0..<3).map { JSON.Member("\($0)é\"", random(depth: depth - 1, &generator)) })
    }
  }

  private func scalar(_ generator: inout SeededGenerator) -> Unicode.Scalar? {
    Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &generator) >> UInt32.random(in: 0..<16, using: &generator))
  }

  @Test func damagedTextsNeverTrap() {
    let text = #"{"a": [1, -2.5e3, "x\u00e9\ud83d\ude00y"], "b": {"c": null, "d": [true, false, {}]}, "é": "\n"}"#
    var generator = SeededGenerator(2)
    var refused = 0
    for _ in 0..<20_000 where complaint(generator.mutate(Array(text.utf8))) != nil { refused += 1 }
    #expect(refused > 10_000)
  }
}
