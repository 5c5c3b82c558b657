import Foundation
import Testing

/// A plan that was looked at is what is applied, or nothing is.
@Suite struct SavedPlanStories {
  @Test func whatWasPlannedIsApplied() throws {
    let session = try TinyRecipe.session()
    let planned = session.story("plan recipes/tiny.rcp --epochs 5 --out there --save plan.json")
    #expect(planned.status == 0 && planned.output.hasSuffix("Next: mergekit apply plan.json\n"))
    #expect(session.run("apply plan.json -q").status == 0)
    #expect(session.isThere("there/out/model/config.json"))
    #expect(
      session.run("show tuned --recipe").errors.contains("`mergekit apply Recipes/tiny.rcp --epochs 5 --out there`"))
    // What is there already is less than was planned, and no reason to refuse.
    #expect(session.run("apply plan.json").errors.hasPrefix("nothing to do: 6 steps there already"))
  }

  @Test func whatHasChangedSinceIsNamed() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("plan Recipes/tiny.rcp --save plan.json -q").status == 0)
    let recipe = try session.read("Recipes/tiny.rcp")

    // A comment decides nothing; a setting does.
    try session.write(recipe + "# a remark\n", to: "Recipes/tiny.rcp")
    #expect(session.run("apply plan.json -q --out one").status == 64)
    #expect(session.run("apply plan.json -q").status == 0)
    try session.write(recipe.replacing("rate: 1e-2", with: "rate: 2e-2"), to: "Recipes/tiny.rcp")
    #expect(
      session.story("apply plan.json")
        == .init(
          status: 65,
          errors: """
            error: `plan.json` no longer fits: what it was made from has changed
              = note: `tuned`: rate: N → N
              = help: plan anew with `--save plan.json`, and look at it again

            """))
    try session.write(recipe.replacing("out/model", with: "out/other"), to: "Recipes/tiny.rcp")
    #expect(session.story("apply plan.json").errors.contains("note: it would export or require something else\n"))
    try session.write(recipe.replacing("export [before, after]", with: "export [after]"), to: "Recipes/tiny.rcp")
    #expect(session.story("apply plan.json").errors.contains("note: `before` is a step no longer\n"))
    try session.write(recipe, to: "Recipes/tiny.rcp")

    // So does an input.
    let data = try session.read("Recipes/data/pairs.csv")
    try session.write(data + "0.5,0.25,1\n", to: "Recipes/data/pairs.csv")
    #expect(session.story("apply plan.json").errors.contains("note: `train`: `file.csv` changed on disk\n"))
    try session.write(data, to: "Recipes/data/pairs.csv")

    // And a result that is there no longer.
    #expect(session.run("plan Recipes/tiny.rcp --save all.json -q").status == 0)
    #expect(session.run("gc --delete --keep-runs 0 --keep-within 0s").status == 0)
    try FileManager.default.removeItem(atPath: session.folder + "/out")
    #expect(session.story("apply all.json").errors.contains("note: `train` was there, and is no longer\n"))
  }

  @Test func anythingElseIsNoPlan() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("apply plan.json").status == 66)
    for text in [
      "", "{}", "[1]", #"{"format": "mergekit-plan/1"}"#, #"{"format":"mergekit-plan/1","recipe":"r","steps":[1]}"#,
    ] {
      try session.write(text, to: "plan.json")
      #expect(
        session.run("apply plan.json").errors.hasPrefix("error: `plan.json` is no plan of this version of mergekit\n"))
    }
    #expect(session.run("plan Recipes/tiny.rcp --save plan.json -q").status == 0)
    #expect(
      session.run("apply plan.json --epochs 4").errors.hasPrefix(
        "error: `plan.json` is a plan, which has its settings: `--epochs` cannot be added\n"))
  }
}
