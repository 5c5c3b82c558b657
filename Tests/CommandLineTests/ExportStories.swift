import Formats
import Foundation
import Testing

/// What an exported folder says of itself.
@Suite struct ExportStories {
  private static let recipe = """
    recipe "Half *of* each: #1 <b>\\"x\\"</b>"

    let base = checkpoint("hub/models--org--base/snapshots/1")
    let math = checkpoint("hub/models--org--math/snapshots/1")
    let local = checkpoint("models/local")
    let merged = ties(base:, models: [math, local, math])

    export merged to "out/merged"

    """

  private func session() throws -> Session {
    let session = try Session()
    for name in ["hub/models--org--base/snapshots/1", "hub/models--org--math/snapshots/1", "models/local"] {
      try session.writeModel(name, layers: 1)
    }
    try session.write(Self.recipe, to: "half.rcp")
    return session
  }

  @Test func aMergedModelHasACardItsRecipeAndItsLineage() throws {
    let session = try session()
    #expect(session.run("apply half.rcp -q").status == 0)
    #expect(try session.read("out/merged/recipe.rcp") == Self.recipe)

    let card = try session.read("out/merged/README.md")
    #expect(
      card.hasPrefix(
        """
        ---
        base_model:
        - "org/base"
        - "org/math"
        base_model_relation: merge
        library_name: transformers
        tags:
        - merge
        - mergekit
        ---

        # Half \\*of\\* each: \\#1 \\<b\\>"x"\\</b\\>

        Made by mergekit 0.1.0 with `ties`.
        """))
    #expect(card.contains("- `local`: a model on disk, `b3:") && card.contains("`density: "))
    #expect(!card.contains("None of these"))
    #expect(card.contains("\n```rcp\n\(Self.recipe)```\n") && !card.contains(session.folder))

    let lineage = try JSON(parsing: Array(try session.read("out/merged/mergekit.lineage.json").utf8))
    let shown = try JSON(parsing: Array(session.run("show merged --json").output.utf8))
    #expect(lineage["artifact"] == shown["digest"] && lineage["kind"] == "checkpoint")
    #expect(lineage["runs"]?.array?.compactMap { $0["label"]?.string } == ["base", "math", "local", "merged"])
    #expect(lineage["runs"]?.array?.last?["output"] == lineage["artifact"])
    #expect(lineage["base_models"]?.array?.map { $0["repository"]?.string } == ["org/base", "org/math", nil])

    // Exported by itself it is the same folder, and read again it is the same model.
    #expect(session.run("export merged again").status == 0)
    for name in try FileManager.default.contentsOfDirectory(atPath: session.folder + "/out/merged") {
      #expect(try session.read("again/" + name, asBytes: true) == session.read("out/merged/" + name, asBytes: true))
    }
    #expect(session.run("show again").status == 0)
  }

  @Test func modelsWithoutANameOnTheHubNameWhatTheirCardsName() throws {
    let session = try Session()
    for name in ["models/a", "models/b"] { try session.writeModel(name, layers: 1) }
    try session.write(
      "recipe \"Local\"\nlet a = checkpoint(\"models/a\")\nlet b = checkpoint(\"models/b\")\n"
        + "export average([a, b]) to \"out/local\"\n", to: "local.rcp")
    #expect(session.run("apply local.rcp -q").status == 0)
    var card = try session.read("out/local/README.md")
    #expect(card.hasPrefix("---\nlibrary_name: transformers\n"))
    #expect(card.contains("None of these is known by a name on the Hub, so nothing here says `base_model`"))

    try session.write(
      "---\nlicense: mit\nbase_model:\n  - org/base # the first\n  - 'org/other'\ntags: []\n---\n",
      to: "models/b/README.md")
    #expect(session.run("apply local.rcp -q --out named").status == 0)
    card = try session.read("named/out/local/README.md")
    #expect(card.hasPrefix("---\nbase_model:\n- \"org/base\"\n- \"org/other\"\nbase_model_relation: merge\n"))
    #expect(
      card.contains("- `b`: a model on disk, which names as its base [org/base](https://huggingface.co/org/base), "))
    #expect(card.contains("- `a`: a model on disk, `b3:") && !card.contains("None of these"))
  }

  @Test func anExportedFolderTellsWhereItComesFrom() throws {
    let session = try session()
    #expect(session.run("apply half.rcp -q --jobs 1").status == 0)
    let graph = """
      ●      merged  ties        DIGEST TIME  ← base, math, local
      ├─┬─╮
      │ │ ●  local   checkpoint  DIGEST TIME
      │ ●    math    checkpoint  DIGEST TIME
      ●      base    checkpoint  DIGEST TIME

      """
    #expect(
      session.story("log out/merged").output == "out/merged holds `merged`, b3:DIGEST, exported DATE\n" + graph)
    #expect(session.run("log out/merged --json").output == session.run("log merged --json").output)
    let shown = session.story("show out/merged").output
    #expect(
      shown.contains("\n  made as     `merged` by ties in half.rcp\n  digest      b3:DIGEST\n  exported    DATE\n"))
    #expect(session.run("why out/merged").output == session.run("why merged").output)
    #expect(session.run("ref add best out/merged -q").status == 0)

    // Taken elsewhere it tells the same by itself, where no registry knows of it.
    try FileManager.default.createDirectory(atPath: session.folder + "/other", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: session.folder + "/out/merged", toPath: session.folder + "/other/copy")
    let told = session.story("-C other log copy --registry none")
    #expect(told.status == 0)
    #expect(
      told.output == "copy holds b3:DIGEST, as its mergekit.lineage.json tells\n" + graph.replacing(" TIME", with: ""))
    #expect(session.story("log other/copy").output.hasSuffix(graph))

    // What was written to since is no longer that.
    try session.write("{}", to: "out/merged/config.json")
    #expect(session.run("log out/merged").output.contains("; changed since: config.json\n"))
    #expect(
      session.story("ref add other out/merged")
        == .init(
          status: 66,
          errors: """
            error: `out/merged` is no longer what was exported: config.json changed since
              = help: `mergekit show DIGEST` shows what it was

            """))
    #expect(
      session.story("log models/local")
        == .init(
          status: 66,
          errors: """
            error: `models/local` was not exported from here, and has no `mergekit.lineage.json` that tells where it comes from
              = help: `mergekit show models/local` shows what is in it

            """))
  }

  @Test func nobodyLearnsHowADiskIsArranged() throws {
    let session = try session()
    try session.write(
      """
      ## Of /home/ada/models/old, see https://example.org/a/b.
      recipe "Private"
      let base = checkpoint("\(session.folder)/models/local") # was ~ada/models/new
      export average([base, checkpoint("models/local")]) to "out/merged"

      """, to: "private.rcp")
    #expect(session.run("apply private.rcp -q --report page.html").status == 0)
    let shown = """
      ## Of …/old, see https://example.org/a/b.
      recipe "Private"
      let base = checkpoint("…/local") # was …/new
      export average([base, checkpoint("models/local")]) to "out/merged"

      """
    #expect(try session.read("out/merged/recipe.rcp") == shown)
    #expect(try session.read("out/merged/README.md").contains(shown))
    for name in ["out/merged/README.md", "out/merged/mergekit.lineage.json", "page.html"] {
      #expect(try !session.read(name).contains("ada") || name == "page.html", "\(name)")
      #expect(try !session.read(name).contains(session.folder), "\(name)")
    }
    #expect(session.run("export base open --with-paths").status == 0)
    #expect(try session.read("open/recipe.rcp").contains(session.folder))
  }

  @Test func whatWasTrainedIsNoMerge() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q").status == 0)
    let card = try session.read("out/model/README.md")
    #expect(
      card.hasPrefix("---\ntags:\n- mergekit\n---\n\n# Which is larger\n\nMade by mergekit 0.1.0 with `finetune`."))
    #expect(!session.isThere("out/README.md"))
  }

  @Test func whatPeopleWriteInACardStaysThere() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q").status == 0)
    let card = try session.read("out/model/README.md") + "\nIt likes larger numbers.\n"
    try session.write(card, to: "out/model/README.md")
    // Also where all must be written anew to be compared.
    for line in ["apply Recipes/tiny.rcp -q", "apply Recipes/tiny.rcp -q --registry other"] {
      #expect(session.run(line).status == 0, "\(line)")
      #expect(try session.read("out/model/README.md") == card)
    }
  }

  @Test func aRecipeCannotBreakOutOfItsCard() throws {
    let session = try TinyRecipe.session()
    let text = TinyRecipe.text + "# ```` </script> \u{1B}[31m\n# end\n"
    try session.write(text, to: "Recipes/tiny.rcp")
    #expect(session.run("apply Recipes/tiny.rcp -q").status == 0)
    let card = try session.read("out/model/README.md")
    #expect(card.contains("\n`````rcp\n") && card.hasSuffix("# end\n`````\n"))
    #expect(!card.unicodeScalars.contains("\u{1B}"))
  }
}

extension Session {
  fileprivate func read(_ name: String, asBytes: Bool) throws -> [UInt8] { try File.contents(of: folder + "/" + name) }
}
