import Testing

/// What the command line says of its own mistakes.
@Suite struct UsageTests {
  private func fails(_ line: String, _ errors: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let result = try Session(catalog: sampleCatalog).run(line)
    #expect(result == .init(status: 64, output: "", errors: errors), sourceLocation: sourceLocation)
  }

  @Test func commands() throws {
    let session = try Session(catalog: sampleCatalog)
    #expect(session.run("") == session.run("help"))
    try fails("--color never", "error: a command is missing\n  = help: `mergekit help` lists them\n")
    try fails("aply x.rcp", "error: mergekit has no command `aply`\n  = help: did you mean `apply`?\n")
    try fails("frobnicate", "error: mergekit has no command `frobnicate`\n  = help: `mergekit help` lists them\n")
    try fails(
      "x.rcp", "error: mergekit has no command `x.rcp`\n  = help: to run a recipe, write `mergekit apply x.rcp`\n")
  }

  @Test func options() throws {
    try fails("log --limt 3", "error: `log` has no option `--limt`\n  = help: did you mean `--limit`?\n")
    try fails(
      "--limit 3 ops", "error: `ops` has no option `--limit`\n  = help: `mergekit help ops` lists its options\n")
    try fails("log -x", "error: `log` has no option `-x`\n  = help: `mergekit help log` lists its options\n")
    try fails("log --limit", "error: `--limit` needs a value\n  = help: write `--limit N`\n")
    try fails("log --limit 1 --limit 2", "error: `--limit` is given twice\n  = help: give it once\n")
    try fails("ops --json=yes", "error: `--json` takes no value, but got `yes`\n  = help: write `--json`\n")
    try fails("log --limit 0", "error: `--limit` wants a whole number from 1, but got `0`\n")
    try fails("ops --color blue", "error: `--color` wants auto, always or never, but got `blue`\n")
    try fails(
      "apply r.rcp --memory 2GB", "error: `--memory` wants a size with its unit, such as `2GiB`, but got `2GB`\n")
    try fails("apply r.rcp --set samples", "error: `--set` wants NAME=VALUE, but got `samples`\n")
    try fails(
      "apply r.rcp --rte-share 1 --set rte_share=2", "error: `rte_share` is set twice\n  = help: set it once\n")
  }

  @Test func operands() throws {
    try fails(
      "apply", "error: `apply` needs RECIPE\n  = help: write `mergekit apply RECIPE [--PARAMETER VALUE]… [OPTIONS]`\n")
    try fails(
      "version now", "error: `version` takes no argument, but got `now`\n  = help: write `mergekit version [OPTIONS]`\n"
    )
    try fails(
      "describe a b", "error: `describe` has no use for `b`\n  = help: write `mergekit describe OPERATION [OPTIONS]`\n")
  }

  @Test func everyMistakeAtOnce() throws {
    try fails(
      "log --limit many --frob a b",
      """
      error: `--limit` wants a whole number from 1, but got `many`

      error: `log` has no option `--frob`
        = help: `mergekit help log` lists its options

      error: `log` has no use for `b`
        = help: write `mergekit log [WHAT] [OPTIONS]`

      """)
  }

  @Test func theWorld() throws {
    let session = try Session(catalog: sampleCatalog)
    #expect(
      session.run("-C nowhere ops") == .init(status: 66, output: "", errors: "error: there is no folder `nowhere`\n"))
  }

  @Test func coloursAreForTerminals() throws {
    let session = try Session(catalog: sampleCatalog)
    let painted = "\u{1B}[1;31merror\u{1B}[0m"
    #expect(session.run("aply", asTerminal: true).errors.hasPrefix(painted))
    #expect(!session.run("aply", environment: ["NO_COLOR": "1"], asTerminal: true).errors.contains("\u{1B}"))
    #expect(session.run("aply", environment: ["CLICOLOR_FORCE": "1"]).errors.contains("\u{1B}"))
    #expect(!session.run("aply", environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]).errors.contains("\u{1B}"))
    #expect(!session.run("--color never aply").errors.contains("\u{1B}"))
    #expect(session.run("--color always log --limit 0").errors.contains("wants a whole number"))
    #expect(
      session.run("ops --color always").output.hasPrefix("\u{1B}[1mBlending\u{1B}[0m: Makes one model of several.\n"))
  }
}
