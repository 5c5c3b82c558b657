import Foundation
import Testing

/// A recipe's life: planned, applied, applied again, changed.
@Suite struct ApplyStories {
  @Test func aRecipeIsPlannedAppliedAndFoundAgain() throws {
    let session = try TinyRecipe.session()

    #expect(
      session.story("plan recipes/tiny.rcp")
        == .init(
          output: """
            Plan for Recipes/tiny.rcp: Which is larger
              +  train     dataset     no earlier result for this step
              +  held_out  dataset     no earlier result for this step
              +  start     classifier  no earlier result for this step
              +  tuned     finetune    no earlier result for this step
              +  before    evaluate    no earlier result for this step
              +  after     evaluate    no earlier result for this step
              →  out/model        tuned
              →  out/scores.json  before, after

            To run 6, there already 0, undecided 0. It will read 5.2 KiB, write 5.8 KiB, hold at most 63.2 KiB.
            Next: mergekit apply Recipes/tiny.rcp

            """))
    #expect(!session.isThere(".mergekit"), "planning leaves nothing behind")

    #expect(
      session.story("apply recipes/tiny.rcp --jobs 1")
        == .init(
          output: """
            out/model        written
            out/scores.json  written

              accuracy  loss  examples
            before N (N to N) N (N to N)        20
            after N (N to N) N (N to N)        20

            """,
          errors: """
            [1/6] train     dataset TIME
            [2/6] held_out  dataset TIME
            [3/6] start     classifier TIME
            [4/6] tuned     finetune TIME
            [5/6] before    evaluate TIME
            [6/6] after     evaluate TIME
            apply 1: 6 steps ran in TIME
            next: `mergekit log` shows how everything was made

            """))
    #expect(session.isThere("out/model/model.safetensors") && session.isThere("out/scores.json"))

    let nothing = Session.Result(errors: "nothing to do: 6 steps there already, 2 exports up to date\n")
    #expect(session.story("apply recipes/tiny.rcp") == nothing)
    #expect(session.story("plan recipes/tiny.rcp").output.hasSuffix("Nothing to run: all 6 steps are there already.\n"))
    #expect(
      session.story("plan recipes/tiny.rcp --out elsewhere").output.hasSuffix(
        "; 2 exports are to be written.\nNext: mergekit apply Recipes/tiny.rcp --out elsewhere\n"))
  }

  @Test func whatChangedRunsAgainAndIsSaid() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("apply recipes/tiny.rcp -q --jobs 1").status == 0)

    #expect(
      session.story("plan recipes/tiny.rcp --epochs 5")
        == .init(
          output: """
            Plan for Recipes/tiny.rcp: Which is larger
              =  train     dataset     there, from run 1
              =  held_out  dataset     there, from run 2
              =  start     classifier  there, from run 3
              ~  tuned     finetune    epochs: 3 → 5
              =  before    evaluate    there, from run 5
              ?  after     evaluate    depends on `tuned`
              →  out/model        tuned          there already; `--force` replaces it if it differs
              →  out/scores.json  before, after  there already; `--force` replaces it if it differs

            To run 1, there already 4, undecided 1. It will read 4.5 KiB, write 828 B, hold at most 17.2 KiB.
            Next: mergekit apply Recipes/tiny.rcp --epochs 5

            """))

    #expect(
      session.story("apply recipes/tiny.rcp --epochs 5 --jobs 1")
        == .init(
          status: 73,
          output: """
              accuracy  loss  examples
            before N (N to N) N (N to N)        20
            after N (N to N) N (N to N)        20

            """,
          errors: """
            warning: `out/model`, `out/scores.json` are there already: what comes out otherwise will not replace them
              = help: `--force` replaces them, `--out DIR` writes elsewhere

            [1/2] tuned  finetune TIME
            [2/2] after  evaluate TIME
            error: `out/model` is there already, with other content
              ——▶ Recipes/tiny.rcp:21:1
               │
            21 │ export tuned to "out/model"
               │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = help: `--force` replaces it, `--out DIR` writes elsewhere

            error: `out/scores.json` is there already, with other content
              ——▶ Recipes/tiny.rcp:22:1
               │
            22 │ export [before, after] to "out/scores.json"
               │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = help: `--force` replaces it, `--out DIR` writes elsewhere
            apply 2: 2 steps ran in TIME, 4 there already
            what was finished is kept; once that is mended, the same command goes on from here

            """))

    let forced = session.story("apply recipes/tiny.rcp --set epochs=5 --force --progress none")
    #expect(forced.status == 0)
    #expect(forced.errors == "apply 3: 6 steps there already\nnext: `mergekit log` shows how everything was made\n")

    let moved = session.story("apply Recipes/tiny.rcp --out elsewhere --quiet")
    #expect(moved.output.hasPrefix("elsewhere/out/model        written\nelsewhere/out/scores.json  written\n"))
    #expect(moved.errors == "" && session.isThere("elsewhere/out/model/config.json"))
  }

  @Test func onlyWhatATargetNeedsIsMade() throws {
    let session = try TinyRecipe.session()
    #expect(
      session.story("apply Recipes/tiny.rcp --target before --jobs 1")
        == .init(
          output: "",
          errors: """
            [1/3] held_out  dataset TIME
            [2/3] start     classifier TIME
            [3/3] before    evaluate TIME
            apply 1: 3 steps ran in TIME
            next: `mergekit log` shows how everything was made

            """))
    #expect(
      session.story("plan Recipes/tiny.rcp --target tunned")
        == .init(
          status: 64, errors: "error: the recipe makes nothing called `tunned`\n  = help: did you mean `tuned`?\n"))
  }

  @Test func mistakesInSettingsNameTheFlag() throws {
    let session = try TinyRecipe.session()
    func fails(_ settings: String, _ errors: String, sourceLocation: SourceLocation = #_sourceLocation) {
      let result = session.story("apply Recipes/tiny.rcp \(settings)")
      #expect(result == .init(status: 64, errors: errors), sourceLocation: sourceLocation)
    }
    fails("--epoch 5", "error: `Recipes/tiny.rcp` has no parameter `epoch`\n  = help: did you mean `--epochs`?\n")
    fails("--jbos 5", "error: `Recipes/tiny.rcp` has no parameter `jbos`\n  = help: did you mean `--jobs`?\n")
    fails(
      "--set batch=100",
      """
      error: `batch` lies from 1 to 64
       ——▶ --set batch:1:1
        │
      1 │ 100
        │ ^^^ this is 100

      """)
    fails(
      "--batch many",
      """
      error: nothing is called `many`
       ——▶ --batch:1:1
        │
      1 │ many
        │ ^^^^

      """)
    #expect(!session.isThere(".mergekit"))
  }

  @Test func missingInputsAreFoundBeforeAnythingRuns() throws {
    let session = try TinyRecipe.session()
    try session.write(
      """
      recipe "Gone"

      let a = checkpoint("models/a")
      let b = checkpoint("models/b")
      let merged = average(models: [a, b])

      export merged to "out/merged"

      """, to: "gone.rcp")
    #expect(
      session.story("apply gone.rcp")
        == .init(
          status: 66,
          errors: """
            error: `a` failed: there is no model at `FOLDER/models/a`
             ——▶ gone.rcp:3:9
              │
            3 │ let a = checkpoint("models/a")
              │         ^^^^^^^^^^^^^^^^^^^^^^ this step

            error: `b` failed: there is no model at `FOLDER/models/b`
             ——▶ gone.rcp:4:9
              │
            4 │ let b = checkpoint("models/b")
              │         ^^^^^^^^^^^^^^^^^^^^^^ this step

            """))
    #expect(!session.isThere(".mergekit") && !session.isThere("out"))
    #expect(
      session.story("apply gon.rcp")
        == .init(status: 66, errors: "error: there is no recipe `gon.rcp`\n  = help: did you mean `gone.rcp`?\n"))
  }

  @Test func anUnmetRequirementStopsTheExportsBehindIt() throws {
    let session = try TinyRecipe.session()
    let text = TinyRecipe.text.replacing(
      "export tuned",
      with: "require after.accuracy > 200% * before.accuracy + 90% else \"training did too little\"\n\nexport tuned")
    try session.write(text, to: "Recipes/tiny.rcp")
    let result = session.story("apply Recipes/tiny.rcp --progress none")
    #expect(
      result
        == .init(
          status: 1, output: "",
          errors: """
            error: training did too little
              ——▶ Recipes/tiny.rcp:21:9
               │
            21 │ require after.accuracy > 200% * before.accuracy + 90% else "training did too little"
               │         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this does not hold
               = note: `after.accuracy` is N
               = note: `before.accuracy` is N
            apply 1: 6 steps ran in TIME
            what was finished is kept; once that is mended, the same command goes on from here

            """))
    #expect(!session.isThere("out"))
  }

  @Test func anInterruptedRunLeavesNothingHalfMade() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q --target train").status == 0)
    session.interruption.cancellation.cancel()
    #expect(session.story("apply Recipes/tiny.rcp --jobs 1").status == 130)
    #expect(!session.isThere("out"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: session.folder + "/.mergekit/tmp").isEmpty)
  }

  @Test func aTerminalShowsALiveRegionAndIsLeftClean() throws {
    let session = try TinyRecipe.session()
    let text = session.run("apply Recipes/tiny.rcp --epochs 400 --color never", asTerminal: true).errors
    #expect(text.contains("\u{1B}[J"))
    let lines = Screen(text).lines
    #expect(lines.count >= 8 && lines.prefix(6).allSatisfy { $0.hasPrefix("[") && $0.contains("/6] ") })
    #expect(lines[6].hasPrefix("apply 1: 6 steps ran in "))
    #expect(!lines.contains { $0.contains("running") || $0.contains("━") })
  }
}
