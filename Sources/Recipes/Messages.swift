import Diagnostics
import Operations

// The texts of all mistakes of the language, in the order of their names.

extension Diagnostic {
  static func addedCheckpoints(_ left: Place, _ sign: Place, _ right: Place) -> Diagnostic {
    Diagnostic(
      "adding two checkpoints adds the base they share twice", at: sign,
      others: [.init(left, "a checkpoint"), .init(right, "a checkpoint")],
      helps: [
        "for their average, write `average(models: [a, b])`",
        "for task arithmetic, add what each adds to the base: `base + (a - base) + (b - base)`",
      ])
  }

  static func badFormula(_ message: String, at place: Place) -> Diagnostic { Diagnostic(message, at: place) }

  static func chainedComparison(at place: Place) -> Diagnostic {
    Diagnostic(
      "comparisons are not chained", at: place, helps: ["compare two at a time: `a < b and b < c`"])
  }

  static func choiceUnknown(
    _ choice: String, at place: Place, of what: String, choices: [String], texts: [String: String]
  ) -> Diagnostic {
    let nearest = NearestName.of(choice, among: choices)
    let known = choices.map { name in texts[name].map { "`.\(name)`: \($0)" } ?? "`.\(name)`" }
    return Diagnostic(
      "\(what) has no choice `.\(choice)`", at: place, label: nearest.map { "did you mean `.\($0)`?" } ?? "",
      notes: known)
  }

  static func choiceWithoutDot(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic("a choice begins with a dot", at: place, helps: ["write `.\(name)`"])
  }

  static func chosenByMetric(at place: Place) -> Diagnostic {
    Diagnostic(
      "which step runs must be known before anything runs", at: place, label: "this is known only after a run",
      helps: ["a metric may decide a setting or a `require`, not which artifact is made"])
  }

  static func conditionIsNoFlag(_ type: Type, at place: Place) -> Diagnostic {
    Diagnostic("a condition is true or false, but this is \(type.text)", at: place, label: "this is \(type.text)")
  }

  static func emptyFormat(at place: Place) -> Diagnostic {
    Diagnostic(
      "`as` is followed by a format and its settings", at: place,
      helps: ["for example `as safetensors(precision: .bf16)`"])
  }

  static func exportPathLeaves(_ path: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "an export lands under the working directory or under `--out`, so its path has no `..` and does not begin with `/`",
      at: place, label: path.isEmpty ? "this is empty" : "this leads elsewhere")
  }

  static func exportsNothing(_ type: Type, at place: Place) -> Diagnostic {
    Diagnostic("only artifacts are exported, but this is \(type.text)", at: place, label: "this is \(type.text)")
  }

  static func fieldUnknown(_ name: String, at place: Place, of what: String, fields: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: fields)
    return Diagnostic(
      "\(what) no `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: fields.isEmpty ? [] : ["it has \(listed(fields))"])
  }

  static func formatUnknown(_ name: String, at place: Place, formats: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: formats)
    return Diagnostic(
      "there is no format `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: ["the formats are \(listed(formats))"])
  }

  static func itemUnfit(_ type: Type, for what: String, wanted: ValueType, gives: Bool, at place: Place) -> Diagnostic {
    var helps: [String] = []
    if case .artifact(.adapter, _) = type, wanted == .artifact(.checkpoint) {
      helps = ["`attach(base: …, adapter: …)` makes a checkpoint of an adapter"]
    }
    if case .list = wanted, type.isNumeric || type.isArtifact { helps = ["for a list of one, write `[…]`"] }
    if case .choice(let names) = wanted {
      helps = ["it is one of \(listed(names.map { "." + $0 }))"]
    }
    return Diagnostic(
      "\(what) \(gives ? "gives" : "wants") \(wanted.wanted), but this is \(type.text)", at: place,
      label: "this is \(type.text)", helps: helps)
  }

  static func keywordAsName(_ word: String, at place: Place) -> Diagnostic {
    Diagnostic("`\(word)` is a word of the language, so it names nothing else", at: place)
  }

  static func layeredElement(_ type: Type, at place: Place) -> Diagnostic {
    Diagnostic(
      "a setting by layer is made of plain values, but this is \(type.text)", at: place, label: "this is \(type.text)")
  }

  static func libraryExports(at place: Place) -> Diagnostic {
    Diagnostic(
      "a library holds `use`, `let` and `fn`", at: place,
      helps: ["a file that begins with `recipe \"…\"` may hold this"])
  }

  static func libraryNotFound(_ path: String, _ reason: String, at place: Place) -> Diagnostic {
    Diagnostic("the library `\(path)` cannot be read: \(reason)", at: place)
  }

  static func libraryUsesItself(_ path: String, at place: Place) -> Diagnostic {
    Diagnostic("the library `\(path)` uses itself", at: place)
  }

  static func matchNeedsRest(at place: Place) -> Diagnostic {
    Diagnostic("a `match` ends with an arm `_` for the rest", at: place, helps: ["add `_ => …` as the last arm"])
  }

  static func matchPattern(_ subject: String, wanted: String, at place: Place) -> Diagnostic {
    Diagnostic("an arm of `match \(subject)` begins with \(wanted) or `_`", at: place)
  }

  static func missing(_ what: String, _ purpose: String, at place: Place, found: String?) -> Diagnostic {
    let message = purpose.isEmpty ? "\(what) is missing" : "\(what) is missing, \(purpose)"
    return Diagnostic(message, at: place, label: found.map { "here stands `\($0)`" } ?? "")
  }

  static func nameTwice(_ name: String, at place: Place, first: Place) -> Diagnostic {
    Diagnostic(
      "`\(name)` is named twice", at: place, label: "and again here", others: [.init(first, "first here")],
      helps: ["a name keeps its value through the whole recipe"])
  }

  static func nameUnknown(_ name: String, at place: Place, known: [String], later: Place?) -> Diagnostic {
    if let later {
      return Diagnostic(
        "`\(name)` is used before it is named", at: place, others: [.init(later, "named here")],
        helps: ["a value is named above the lines that use it"])
    }
    let nearest = NearestName.of(name, among: known)
    return Diagnostic("nothing is called `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "")
  }

  static func neverClosed(_ place: Place) -> Diagnostic { Diagnostic("`\(place.text)` is never closed", at: place) }

  static func noMetrics(_ name: String, of type: Type, at place: Place) -> Diagnostic {
    Diagnostic(
      "\(type.text) has no fields, so no `\(name)`", at: place, helps: ["`evaluate` makes metrics, which have fields"])
  }

  static func noStatement(_ token: Token, next: Token, at place: Place) -> Diagnostic {
    let isBinding = token.kind == .name && next.isSymbol("=")
    return Diagnostic(
      "a line starts with `use`, `param`, `let`, `fn`, `require` or `export`", at: place,
      helps: isBinding ? ["a value is named with `let`: `let \(token.text) = …`"] : [])
  }

  static func notAList(_ type: Type, at place: Place, purpose: String) -> Diagnostic {
    Diagnostic("\(purpose) wants a list, but this is \(type.text)", at: place, label: "this is \(type.text)")
  }

  static func notLayered(_ what: String, at place: Place) -> Diagnostic {
    Diagnostic("\(what) has one value for all tensors", at: place, label: "this differs by layer")
  }

  static func noValueInPlainText(at place: Place) -> Diagnostic {
    Diagnostic("no value is put into this text", at: place, helps: ["for a brace itself, write `\\{`"])
  }

  static func numberTooLarge(at place: Place) -> Diagnostic { Diagnostic("this number is too large", at: place) }

  static func operandsUnfit(
    _ sign: Place, _ left: (type: Type, place: Place), _ right: (type: Type, place: Place), helps: [String] = []
  ) -> Diagnostic {
    Diagnostic(
      "`\(sign.text)` does not join \(left.type.text) and \(right.type.text)", at: sign,
      others: [.init(left.place, left.type.text), .init(right.place, right.type.text)], helps: helps)
  }

  static func operandUnfit(_ builtin: Builtin, _ type: Type, at place: Place) -> Diagnostic {
    Diagnostic(
      "`\(builtin == .not ? "not" : "-")` wants \(builtin == .not ? "a flag" : "a number"), but this is \(type.text)",
      at: place,
      label: "this is \(type.text)")
  }

  static func outOfRange(_ complaint: Complaint, at place: Place) -> Diagnostic {
    Diagnostic(complaint.message, at: place, label: complaint.label, helps: complaint.helps)
  }

  static func parameterMissing(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic("`\(name)` has no value", at: place, helps: ["give it one: `--set \(name)=…`, or a default behind `=`"])
  }

  static func parameterUnknown(_ name: String, at place: Place, parameters: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: parameters)
    return Diagnostic(
      "the recipe has no parameter `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: [parameters.isEmpty ? "it has none" : "it has \(listed(parameters))"])
  }

  static func recipeExpected(_ source: Source) -> Diagnostic {
    Diagnostic(
      "`\(source.name)` is a library, and only a recipe is applied", at: Place(source, 0..<0),
      helps: ["a recipe begins with `recipe \"its title\"`"])
  }

  static func restNotLast(at place: Place) -> Diagnostic {
    Diagnostic("`_` fits everything, so it is the last arm", at: place)
  }

  static func sizeNeedsUnit(_ what: String, at place: Place, isSize: Bool) -> Diagnostic {
    Diagnostic(
      "\(what) is a \(isSize ? "size in bytes" : "duration"), which needs a unit", at: place,
      label: isSize ? "for example `5 GiB`" : "for example `90 min`")
  }

  static func tab(at place: Place) -> Diagnostic {
    Diagnostic(
      "a tab stands here, and recipes are written with spaces", at: place, helps: ["`mergekit fmt` after replacing it"])
  }

  static func targetsUnfit(count: Int, _ type: Type, at place: Place) -> Diagnostic {
    Diagnostic("\(count) names are given for each element, but each is \(type.text)", at: place)
  }

  static func textHasNoEnd(at place: Place) -> Diagnostic {
    Diagnostic("a text ends with `\"` on the line where it begins", at: place)
  }

  static func textTakesNames(at place: Place) -> Diagnostic {
    Diagnostic("between braces stands the name of a value", at: place, helps: ["for a brace itself, write `\\{`"])
  }

  static func textTakesPlainValues(_ type: Type, at place: Place) -> Diagnostic {
    Diagnostic("only a number, a text or a flag is put into a text, but this is \(type.text)", at: place)
  }

  static func tooDeep(at place: Place) -> Diagnostic {
    Diagnostic("brackets are nested more than \(Parser.deepest) deep", at: place)
  }

  static func tooLong(at place: Place) -> Diagnostic {
    Diagnostic(
      "this goes on for more than \(Parser.longest) operators and calls", at: place,
      helps: ["give parts of it names with `let`"])
  }

  static func tooMuchEffort(at place: Place) -> Diagnostic {
    Diagnostic(
      "this recipe comes to more than \(Elaborator.mostEffort) values, and is not worked out any further", at: place,
      notes: ["lists of lists multiply, and so do functions that call others more than once"])
  }

  static func typeUnknown(_ name: String, at place: Place, known: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: known)
    return Diagnostic(
      "there is no type `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: ["the types are \(listed(known))"])
  }

  static func unexpected(_ token: Token, at place: Place) -> Diagnostic {
    Diagnostic(
      "the statement is over before `\(token.text)`", at: place, helps: ["each statement has a line of its own"])
  }

  static func unequalBranches(_ first: Typed, _ second: Typed) -> Diagnostic {
    Diagnostic(
      "all branches give the same type of value", at: second.place, label: "this is \(second.type.text)",
      others: [.init(first.place, "this is \(first.type.text)")])
  }

  static func unequalElements(_ first: Typed, _ other: Typed) -> Diagnostic {
    Diagnostic(
      "all elements of a list have one type", at: other.place, label: "this is \(other.type.text)",
      others: [.init(first.place, "this is \(first.type.text)")])
  }

  static func unequalLengths(_ counts: [Int], at place: Place) -> Diagnostic {
    Diagnostic(
      "`zip` joins lists of one length, but these have \(listed(counts.map(String.init), quoted: false))", at: place)
  }

  static func unitUnknown(_ unit: String, at place: Place) -> Diagnostic {
    let nearest = NearestName.of(unit, among: Unit.all.keys.sorted())
    return Diagnostic("there is no unit `\(unit)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "")
  }

  static func unitWrong(_ what: String, counts: CountUnit?, not unit: CountUnit, at place: Place) -> Diagnostic {
    Diagnostic(
      counts.map { "\(what) counts \($0), not \(unit)" } ?? "\(what) counts nothing that has a unit", at: place,
      helps: [counts.map { "write `\($0)`, or no unit at all" } ?? "write the number alone"])
  }

  static func unknownSign(at place: Place) -> Diagnostic {
    switch place.text {
    case ";": Diagnostic("a newline ends a statement; `;` means nothing", at: place)
    case "&&": Diagnostic("`&&` is written `and`", at: place)
    case "||": Diagnostic("`||` is written `or`", at: place)
    case "!": Diagnostic("`!` is written `not`", at: place)
    case let text where text.hasPrefix("'"): Diagnostic("a text stands between `\"` and `\"`", at: place)
    case "“", "”", "‘", "’": Diagnostic("a text stands between `\"` and `\"`", at: place)
    case "−", "–": Diagnostic("a minus sign is written `-`", at: place)
    case "×": Diagnostic("a product is written with `*`", at: place)
    default: Diagnostic("`\(place.text)` means nothing here", at: place)
    }
  }

  static func unused(_ name: String, at place: Place, isArtifact: Bool) -> Diagnostic {
    Diagnostic(
      .warning, isArtifact ? "nothing uses `\(name)`, so its step never runs" : "nothing uses `\(name)`", at: place,
      helps: [isArtifact ? "export it, or remove it" : "use it, or remove it"])
  }

  static func listed(_ names: [String], quoted: Bool = true) -> String {
    names.map { quoted ? "`\($0)`" : $0 }.joined(separator: ", ")
  }

  init(_ message: String, at place: Place, helps: [String], extraNotes: [String]) {
    self.init(message, at: place, notes: extraNotes, helps: helps)
  }
}

extension Type {
  var isArtifact: Bool { if case .artifact = self { true } else { false } }
}
