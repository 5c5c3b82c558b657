import Testing

/// Recipes checked, printed and explained.
@Suite struct RecipeStories {
  private let bad = """
    recipe "Bad"

    let a = classifier(sizes: [2, 2])
    let b = clasifier(sizes: [2, 2])
    let merged = average(models: [a, b], wieghts: [1, 2])

    export merged to "out/bad"

    """

  @Test func everyMistakeIsReported() throws {
    let session = try TinyRecipe.session()
    try session.write(bad, to: "Recipes/bad.rcp")
    try session.write("## Half of it.\nlet half = 50%\n", to: "Recipes/lib/half.rcp")
    #expect(
      session.story("check recipes")
        == .init(
          status: 65,
          output: """
            Recipes/lib/half.rcp: a library
            Recipes/tiny.rcp: 6 steps, 2 exports

            """,
          errors: """
            error: there is no operation or function `clasifier`
             ——▶ Recipes/bad.rcp:4:9
              │
            4 │ let b = clasifier(sizes: [2, 2])
              │         ^^^^^^^^^ did you mean `classifier`?

            error: `average` has no parameter `wieghts`
             ——▶ Recipes/bad.rcp:5:38
              │
            5 │ let merged = average(models: [a, b], wieghts: [1, 2])
              │                                      ^^^^^^^ did you mean `weights`?
              = note: `average` takes `models`, `weights`, `normalize`, `precision`

            """))
    let json = session.run("check Recipes/bad.rcp --format json")
    #expect(json.status == 65 && json.errors == "")
    #expect(
      json.output.contains("\"line\": 4,\n      \"column\": 9,\n      \"end_line\": 4,\n      \"end_column\": 18,"))
    #expect(session.story("apply Recipes/lib/half.rcp").status == 65)
  }

  @Test func recipesArePrintedInTheirOneForm() throws {
    let session = try TinyRecipe.session()
    try session.write(
      "recipe   \"Ugly\"\nlet a=classifier( sizes:[2,2] )\nexport a to \"o\"\n", to: "Recipes/deep/ugly.rcp")
    #expect(
      session.story("fmt --check Recipes")
        == .init(
          status: 1,
          output: """
            Recipes/deep/ugly.rcp
            @@ line 1 @@
            -recipe   "Ugly"
            -let a=classifier( sizes:[2,2] )
            +recipe "Ugly"
            +
            +let a = classifier(sizes: [2, 2])
            +
             export a to "o"

            """, errors: "1 file would change; `mergekit fmt` does it\n"))
    let ugly = try session.read("Recipes/deep/ugly.rcp")
    #expect(
      session.run("fmt --stdin", input: ugly).output
        == "recipe \"Ugly\"\n\nlet a = classifier(sizes: [2, 2])\n\nexport a to \"o\"\n")
    #expect(session.run("fmt --stdin --check", input: ugly).status == 1)
    #expect(session.run("fmt --stdin", input: "let = 1\n").status == 65)
    #expect(session.run("fmt").status == 64 && session.run("fmt --stdin x.rcp").status == 64)
    #expect(session.story("fmt recipes") == .init(output: "Recipes/deep/ugly.rcp\n"))
    #expect(
      try session.read("Recipes/deep/ugly.rcp")
        == "recipe \"Ugly\"\n\nlet a = classifier(sizes: [2, 2])\n\nexport a to \"o\"\n")
    #expect(session.story("fmt --check Recipes") == .init())
    try session.write("let = 1\n", to: "broken.rcp")
    #expect(session.story("fmt broken.rcp").status == 65)
    #expect(session.story("fmt nowhere.rcp").status == 66)
  }

  @Test func aRecipeIsExplainedLikeAnOperation() throws {
    let session = try TinyRecipe.session()
    #expect(
      session.story("help recipes/tiny.rcp")
        == .init(
          output: """
            Which is larger

            Learns which of two numbers is larger.

            As small as a run can be.

            Usage: mergekit apply Recipes/tiny.rcp [--PARAMETER VALUE]… [OPTIONS]

            Parameters
              --epochs  count, 1 to 1000, 3 epochs by default
                  How often training goes over the examples.
              --batch  count, 1 to 64, 8 examples by default
                  How many examples each step looks at.

            Exports
              out/model
              out/scores.json

            """))
  }

  @Test func aParameterThatIsCalledLikeAnOptionIsSet() throws {
    let session = try Session()
    try session.write(
      "recipe \"R\"\n\nparam jobs: count = 2\n\nexport classifier(sizes: [2, jobs]) to \"o\"\n", to: "r.rcp")
    #expect(session.run("help r.rcp").output.contains("  --set jobs=  count, 2 by default\n"))
    #expect(session.run("plan r.rcp --set jobs=3 --jobs 1").status == 64, "`plan` has no `--jobs`")
    #expect(session.run("apply r.rcp -q --set jobs=3 --jobs 1").status == 0)
    #expect(session.run("show o --tensors").output.contains("3×2"))
  }
}
