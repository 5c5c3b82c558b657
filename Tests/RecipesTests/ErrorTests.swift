import Diagnostics
import Operations
import Recipes
import Testing

/// Recipes with a mistake beside what is said of it.
@Suite struct ErrorTests {
  static func errors(_ text: String, name: String = "r.rcp", settings: [Recipe.Setting] = []) -> String {
    let elaboration = Recipe(Source(name: name, text: text), path: "/w/" + name)
      .elaborated(.test, settings: settings) { _ in throw OperationError(.missing, "there is no such file") }
    return Renderer().text(elaboration.diagnostics.filter { $0.severity == .error })
  }

  static let models = """
    recipe "R"
    let base = checkpoint("b")
    let math = checkpoint("m")
    let code = checkpoint("c")

    """

  @Test func unknownLabel() {
    #expect(
      Self.errors(Self.models + "let merged = ties(base:, models: [math, code], desnity: 20%)\n") == """
        error: `ties` has no parameter `desnity`
         ——▶ r.rcp:5:48
          │
        5 │ let merged = ties(base:, models: [math, code], desnity: 20%)
          │                                                ^^^^^^^ did you mean `density`?
          = note: `ties` takes `base`, `models`, `weights`, `density`, `consensus`, `scale`

        """)
  }

  @Test func outOfRange() {
    #expect(
      Self.errors(Self.models + "let merged = ties(base:, models: [math, code], density: 20)\n") == """
        error: `density` of `ties` lies from 0% to 100%
         ——▶ r.rcp:5:57
          │
        5 │ let merged = ties(base:, models: [math, code], density: 20)
          │                                                         ^^ this is 2000%
          = help: for 20 percent, write `20%`

        """)
  }

  @Test func outOfRangeForOneModel() {
    #expect(
      Self.errors(Self.models + "let merged = ties(base:, models: [math, code], density: [20%, gradient([1, 30])])\n")
        == """
        error: `density` of `ties` lies from 0% to 100%
         ——▶ r.rcp:5:63
          │
        5 │ let merged = ties(base:, models: [math, code], density: [20%, gradient([1, 30])])
          │                                                               ^^^^^^^^^^^^^^^^^ this is 3000%
          = help: for 30 percent, write `30%`

        """)
    #expect(
      Self.errors(Self.models + "let merged = ties(base:, models: [math, code], density: [20%, math])\n")
        .contains("`density` of `ties` wants a fraction, but this is a checkpoint"))
  }

  @Test func wrongUnit() {
    #expect(
      Self.errors("recipe \"R\"\nlet f = fisher(checkpoint(\"m\"), data: dataset(\"d\"), samples: 4096 tokens)\n")
        == """
        error: `samples` of `fisher` counts examples, not tokens
         ——▶ r.rcp:2:67
          │
        2 │ let f = fisher(checkpoint("m"), data: dataset("d"), samples: 4096 tokens)
          │                                                                   ^^^^^^
          = help: write `examples`, or no unit at all

        """)
  }

  @Test func sizeWithoutUnit() {
    #expect(
      Self.errors("recipe \"R\"\nexport checkpoint(\"m\") to \"out\" as safetensors(shard: 2)\n") == """
        error: `shard` of `safetensors` is a size in bytes, which needs a unit
         ——▶ r.rcp:2:55
          │
        2 │ export checkpoint("m") to "out" as safetensors(shard: 2)
          │                                                       ^ for example `5 GiB`

        """)
  }

  @Test func addingCheckpoints() {
    #expect(
      Self.errors(Self.models + "let merged = math + code\n") == """
        error: adding two checkpoints adds the base they share twice
         ——▶ r.rcp:5:19
          │
        5 │ let merged = math + code
          │              ---- a checkpoint
          │                   ^
          │                     ---- a checkpoint
          = help: for their average, write `average(models: [a, b])`
          = help: for task arithmetic, add what each adds to the base: `base + (a - base) + (b - base)`

        """)
  }

  @Test func adapterForCheckpoint() {
    let start = "let start = eva(base, data: dataset(\"d\"))\n"
    #expect(
      Self.errors(Self.models + start + "let merged = average(models: [math, code, start])\n") == """
        error: `models` of `average` wants a checkpoint, but this is an adapter
         ——▶ r.rcp:6:43
          │
        6 │ let merged = average(models: [math, code, start])
          │                                           ^^^^^ this is an adapter
          = help: `attach(base: …, adapter: …)` makes a checkpoint of an adapter

        """)
  }

  @Test func missingArgumentAndSecondName() {
    #expect(
      Self.errors(
        "recipe \"R\"\nlet base = checkpoint(\"b\")\nlet merged = ties(base:)\nlet merged = average([base, base])\n")
          == """
          error: `ties` needs `models`
           ——▶ r.rcp:3:14
            │
          3 │ let merged = ties(base:)
            │              ^^^^
            = note: `models`: [checkpoint]. The fine-tuned models to merge.

          error: `merged` is named twice
           ——▶ r.rcp:4:5
            │
          3 │ let merged = ties(base:)
            │     ------ first here
          4 │ let merged = average([base, base])
            │     ^^^^^^ and again here
            = help: a name keeps its value through the whole recipe

          """)
  }

  @Test func syntax() {
    #expect(
      Self.errors("recipe \"R\"\nlet a = ties(\n    base = base,\n)\nbase = checkpoint(\"b\")\n") == """
        error: a label is followed by `:`
         ——▶ r.rcp:3:10
          │
        3 │     base = base,
          │          ^ `=` names a value only after `let` or `param`
          = help: write `base: …`

        error: a line starts with `use`, `param`, `let`, `fn`, `require` or `export`
         ——▶ r.rcp:5:1
          │
        5 │ base = checkpoint("b")
          │ ^^^^
          = help: a value is named with `let`: `let base = …`

        """)
  }

  @Test func unused() {
    let recipe = Recipe(Source(name: "r.rcp", text: "recipe \"R\"\nlet extra = checkpoint(\"x\")\n"), path: "/w/r.rcp")
    #expect(
      Renderer().text(recipe.elaborated(.test) { _ in "" }.diagnostics) == """
        warning: nothing uses `extra`, so its step never runs
         ——▶ r.rcp:2:5
          │
        2 │ let extra = checkpoint("x")
          │     ^^^^^
          = help: export it, or remove it

        """)
  }

  /// One line each, and the one sentence that is said of it.
  static let lines: [(String, String)] = [
    ("let x = tise(base:)", "there is no operation or function `tise`"),
    ("let x = baes", "nothing is called `baes`"),
    ("let x = later\nlet later = 1", "`later` is used before it is named"),
    ("let x = dataset(\"d\", split: .tset)", "`split` of `dataset` has no choice `.tset`"),
    ("let x = dataset(\"d\", split: test)", "a choice begins with a dot"),
    ("let x = average([base])", "`models` of `average` needs at least 2"),
    ("let x = average([base, base], 3)", "only the first argument of `average` may drop its label"),
    ("let x = average(base)", "`models` of `average` wants a list of checkpoints, but this is a checkpoint"),
    ("let x = average([base, base], models: [base, base])", "`models` is given twice"),
    ("let x = 1 +", "a value is missing"),
    ("let x = [1, 2", "`[` is never closed"),
    ("let x = (1", "`(` is never closed"),
    ("let x = 5 parsecs", "there is no unit `parsecs`"),
    ("let x = 0.4 * base", "`*` does not join a number and a checkpoint"),
    ("let x = 1 < 2 < 3", "comparisons are not chained"),
    ("let x = 1; let y = 2", "a newline ends a statement; `;` means nothing"),
    ("let x = \"open", "a text ends with `\"` on the line where it begins"),
    ("let x = 'text'", "a text stands between `\"` and `\"`"),
    ("let x = evaluate(base, data: dataset(\"d\")).acuracy", "these metrics have no `acuracy`"),
    ("let x = evaluate(base, data: dataset(\"d\"), report: [.loss]).accuracy", "these metrics have no `accuracy`"),
    ("let x = base.accuracy", "a checkpoint has no fields, so no `accuracy`"),
    (
      "export base to \"../out\"",
      "an export lands under the working directory or under `--out`, so its path has no `..` and does not begin with `/`"
    ),
    ("export 3 to \"out\"", "only artifacts are exported, but this is a count"),
    ("export base to \"out\" as zip", "there is no format `zip`"),
    ("require 3 else \"no\"", "a condition is true or false, but this is a count"),
    (
      "let x = if evaluate(base, data: dataset(\"d\")).loss > 1 then base else average([base, base])",
      "which step runs must be known before anything runs"
    ),
    (
      "let x = ties(base:, models: [base], density: match tensor { \"a\" => 1 })",
      "a `match` ends with an arm `_` for the rest"
    ),
    (
      "let x = fisher(base, data: dataset(\"d\"), samples: gradient([1, 2]))",
      "`samples` of `fisher` has one value for all tensors"
    ),
    ("let x = fisher(base, data: dataset(\"d\"), samples: 0)", "`samples` of `fisher` is at least 1"),
    ("let x = fisher(base, data: dataset(\"d\"), samples: 2.5)", "`samples` of `fisher` is a whole number"),
    ("let x = zip([1, 2], [3])", "`zip` joins lists of one length, but these have 2, 1"),
    ("let x = 1 / 0", "a division by zero has no value"),
    ("let x = mean([])", "`mean` of no numbers has no value"),
    ("fn f(n: number) -> checkpoint = f(n)", "`f` is used before it is named"),
    ("fn f(n: nubmer) -> checkpoint = base", "there is no type `nubmer`"),
    ("fn f(n: number) -> checkpoint = n", "`f` gives a checkpoint, but this is a number"),
    ("let let = 3", "`let` is a word of the language, so it names nothing else"),
    ("use \"lib.rcp\" as lib", "the library `lib.rcp` cannot be read: there is no such file"),
    ("param p: count in 1...3 = 4", "`p` lies from 1 to 3"),
    ("param p: number", "`p` has no value"),
    ("let\tx = 3", "a tab stands here, and recipes are written with spaces"),
  ]

  @Test(arguments: lines) func oneMistakeIsOneMessage(line: String, message: String) {
    let text = "recipe \"R\"\nlet base = checkpoint(\"b\")\n" + line + "\n"
    let diagnostics = Recipe(Source(name: "r.rcp", text: text), path: "/w/r.rcp")
      .elaborated(.test) { _ in throw OperationError(.missing, "there is no such file") }.diagnostics
    #expect(diagnostics.filter { $0.severity == .error }.map(\.message) == [message])
  }

  @Test func allMistakesAreFoundInOneRun() {
    let lines = Self.lines.filter { !$0.0.contains("later") && !$0.0.hasPrefix("fn f(n: number) -> checkpoint = f") }
    let text =
      "recipe \"R\"\nlet base = checkpoint(\"b\")\n"
      + lines.enumerated().map { index, line in
        line.0.replacing(" x ", with: " x\(index) ").replacing(" f(", with: " f\(index)(")
      }
      .joined(separator: "\n") + "\n"
    let found = Recipe(Source(name: "r.rcp", text: text), path: "/w/r.rcp")
      .elaborated(.test) { _ in throw OperationError(.missing, "there is no such file") }.diagnostics
      .filter { $0.severity == .error }.map(\.message)
    for (_, message) in lines where !message.contains("named twice") {
      #expect(found.contains { $0.replacing(/`f\d+`/, with: "`f`") == message }, "\(message)")
    }
  }

  @Test func settingsOnTheCommandLine() {
    let text =
      "recipe \"R\"\nparam samples: count in 1...100 = 3\nexport fisher(checkpoint(\"m\"), data: dataset(\"d\"), samples:) to \"o\"\n"
    func errors(_ name: String, _ value: String) -> String {
      Self.errors(text, settings: [.init(name: name, text: value, flag: "--\(name)")])
    }
    #expect(errors("samples", "50") == "")
    #expect(
      errors("samples", "5000") == """
        error: `samples` lies from 1 to 100
         ——▶ --samples:1:1
          │
        1 │ 5000
          │ ^^^^ this is 5000

        """)
    #expect(errors("sampels", "5").hasPrefix("error: the recipe has no parameter `sampels`"))
    #expect(errors("samples", "many").hasPrefix("error: nothing is called `many`"))
  }
}
