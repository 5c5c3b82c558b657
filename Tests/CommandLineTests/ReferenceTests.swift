import Foundation
import Testing

/// Help, descriptions, the reference pages and completions, all from one declaration.
@Suite struct ReferenceTests {
  private let page = """
    blend, an operation of the plugin Blending

    Blend models into one.

        blend(
            models:,
            weights: [],
            density: 20%,
            samples: 20_000 examples,
            room: 2 GiB,
            rounding: .nearest,
            start:,
        )

    Each entry is the weighted mean of the entries:

    1. **Weigh.** Multiply.
    2. **Add.** Sum up.

    Inputs
      models  [checkpoint], at least 2
          The models to blend.

    Parameters
      weights  [number], may change over layers, [] by default
          How much each counts; equal by default.
      density  fraction, may change over layers, 0% to 100%, 20% by default
          Share that is kept.
      samples  count, at least 1, 20_000 examples by default
          Examples to look at.
      room  bytes, 2 GiB by default
          Room for buffers.
      rounding  .nearest or .down, .nearest by default
          How results are rounded.
            .nearest  To the nearest.
            .down     Towards zero.
      start  number, from 0 to below 1, must be given
          Where it starts.

    Gives
      checkpoint

    Examples
      Half of each:
          blend([a, b])

    Cost
      O(models × entries)

    Papers
      Wortsman et al. 2022, Model soups, arXiv:2203.05482

    """

  @Test func anOperationIsDescribed() throws {
    let session = try Session(catalog: sampleCatalog)
    #expect(session.run("describe blend") == .init(output: page))
    #expect(session.run("help blend") == .init(output: page))
    #expect(
      session.run("describe blnd")
        == .init(status: 64, errors: "error: there is no operation `blnd`\n  = help: did you mean `blend`?\n"))
    #expect(
      session.run("help aply")
        == .init(status: 64, errors: "error: there is no help on `aply`\n  = help: did you mean `apply`?\n"))
  }

  @Test func operationsAreListed() throws {
    let session = try Session(catalog: sampleCatalog)
    let result = session.run("ops")
    #expect(result.output == "Blending: Makes one model of several.\n  blend  Blend models into one.\n\n")
    #expect(result.errors == "`mergekit describe OPERATION` tells all about one\n")
    #expect(session.run("ops --quiet").errors == "")
    #expect(
      session.run("ops --json").output == """
        [
          {
            "name": "blend",
            "summary": "Blend models into one.",
            "plugin": "Blending",
            "output": "checkpoint",
            "version": 1
          }
        ]

        """)
  }

  @Test func everyCommandHasAPage() throws {
    let session = try Session(catalog: sampleCatalog)
    let overview = session.run("help")
    #expect(overview.status == 0 && overview == session.run("--help"))
    for name in [
      "apply", "plan", "check", "fmt", "import", "log", "show", "export", "verify", "ops", "describe", "help", "docs",
    ] {
      #expect(overview.output.contains("\n  \(name) "), "`mergekit help` lists `\(name)`")
      let result = session.run("help \(name)")
      #expect(result.status == 0 && result.errors == "" && result.output.contains("\nUsage: mergekit \(name)"))
      #expect(session.run("\(name) --help") == result)
    }
    #expect(session.run("--version") == session.run("version"))
  }

  @Test func pagesAreWrittenAndChecked() throws {
    let session = try Session(catalog: sampleCatalog)
    let missing = session.run("docs --check")
    #expect(missing.status == 1)
    #expect(
      missing.output
        == ["operations/README.md", "commands.md", "operations/blend.md"].map { "Documentation/\($0)\n" }.joined())
    #expect(session.run("docs").output == missing.output)
    #expect(session.run("docs --check") == .init())
    #expect(session.run("docs") == .init())
    #expect(
      try session.read("Documentation/operations/README.md").contains(
        "| [`blend`](blend.md) | checkpoint | Blend models into one. |"))
    #expect(
      try session.read("Documentation/operations/blend.md").contains(
        "| `density` | fraction, may change over layers, 0% to 100% | `20%` | Share that is kept. |"))

    try session.write("old", to: "Documentation/operations/gone.md")
    #expect(session.run("docs --check").output == "Documentation/operations/gone.md\n")
    #expect(session.run("docs").output == "Documentation/operations/gone.md (removed)\n")
    #expect(!session.isThere("Documentation/operations/gone.md"))
  }

  @Test func bashCompletes() throws {
    let session = try Session(catalog: sampleCatalog)
    try session.write(session.run("completions bash").output, to: "mergekit.bash")
    try session.write("", to: "soup.rcp")
    let cases = [
      ("pl", "plan"), ("apply --for", "--force"), ("describe bl", "blend"), ("--color ne", "never"),
      ("check so", "soup.rcp"),
      ("completions z", "zsh"),
    ]
    for (words, expected) in cases {
      let script =
        "source ./mergekit.bash; COMP_WORDS=(mergekit \(words)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mergekit; echo \"${COMPREPLY[*]}\""
      #expect(try output(of: ["bash", "-c", script], in: session.folder) == expected + "\n", "mergekit \(words)")
    }
  }

  @Test func resultsAreCompletedByName() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("completions results").output == "")
    #expect(
      session.run("completions steps Recipes/tiny.rcp").output == "train\nheld_out\nstart\ntuned\nbefore\nafter\n")
    #expect(session.run("completions parameters Recipes/tiny.rcp").output == "--epochs\n--batch\n")
    #expect(session.run("completions steps").status == 64)
    #expect(session.run("apply Recipes/tiny.rcp -q").status == 0)
    #expect(session.run("ref add best@1 tuned").status == 0)
    #expect(session.run("completions results").output == "best@1\ntrain\nheld_out\nstart\ntuned\nbefore\nafter\n")
    for shell in ["bash", "zsh", "fish"] {
      #expect(
        session.run("completions \(shell)").output.contains("mergekit completions results 2>/dev/null"), "\(shell)")
    }
  }

  private func output(of command: [String], in folder: String) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
