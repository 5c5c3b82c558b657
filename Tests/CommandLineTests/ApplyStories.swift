import Foundation
import Testing

/// A recipe's life: planned, applied, applied again, changed, looked at.
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

            """))
    #expect(!session.isThere(".mergekit"), "planning leaves nothing behind")

    let first = session.story("apply recipes/tiny.rcp --jobs 1")
    #expect(first.status == 0)
    #expect(first.output == "")
    #expect(first.errors == "")
    #expect(session.isThere("out/model/model.safetensors") && session.isThere("out/scores.json"))

    #expect(
      session.story("apply recipes/tiny.rcp")
        == .init(errors: "nothing to do: 6 steps there already, 2 exports up to date\n"))
  }
}
