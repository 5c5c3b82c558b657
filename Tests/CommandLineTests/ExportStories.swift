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
