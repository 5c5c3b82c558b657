import Foundation
import Testing

/// Why something ran, and how two things differ.
@Suite struct ExplainingStories {
  private func appliedTwice() throws -> Session {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q --jobs 1").status == 0)
    #expect(session.run("apply Recipes/tiny.rcp -q --jobs 1 --epochs 5 --force").status == 0)
    return session
  }

  @Test func whyNamesTheFirstPartOfTheKeyThatDiffers() throws {
    let session = try appliedTwice()
    let tuned = session.story("why tuned").output
    #expect(tuned.hasPrefix("`tuned` ran (run 7) because its key differs from that of run 4: epochs: 3 → 5\n"))
    #expect(tuned.contains("\n  parameter  epochs        3 → 5       changed\n"))
    #expect(tuned.contains("\n  input      base          DIGEST  same\n"))
    let after = session.story("why after").output
    #expect(after.contains("because its key differs from that of run 6: `model`: DIGEST → DIGEST\n"))
    #expect(
      after.contains("\n`model` differs because `tuned` (run 7) differs from run 4: epochs: 3 → 5.\n  operation "))
    #expect(
      session.story("why 1").output
        == "`train` ran (run 1) because no step was called so before in Recipes/tiny.rcp\n")
    #expect(
      session.story("why start after").output
        == """
        `after` (run 8) was made from `start` (run 3):
          start  classifier  DIGEST  → base of tuned
          tuned  finetune    DIGEST  → model of after
          after  evaluate    DIGEST

        """)
    #expect(session.story("why held_out tuned").output == "`tuned` (run 7) was not made from `held_out` (run 2)\n")
    #expect(session.run("why nothing").status == 66)
    #expect(session.run("why tuned --json").output.contains(#""reason": "epochs: 3 → 5""#))
  }

  @Test func thePlanSaysWhyAStepWouldRun() throws {
    let session = try appliedTwice()
    let plan = session.story("plan Recipes/tiny.rcp --epochs 9 --why after").output
    #expect(plan.hasPrefix("after (Recipes/tiny.rcp:19) may run: "))
    #expect(plan.contains("\ntuned will run: its key differs from that of run 7: epochs: 5 → 9\n"))
    #expect(
      session.story("plan Recipes/tiny.rcp --why tuned").output
        == "tuned (Recipes/tiny.rcp:16) will not run: its result is there, from run 4\n")
    #expect(
      session.story("plan Recipes/tiny.rcp --why tunde")
        == .init(
          status: 64,
          errors: "error: the plan has no step `tunde`\n  = help: did you mean `tuned`?\n"))
  }

  @Test func aChangedInputIsExplainedByWhatChangedIt() throws {
    let session = try appliedTwice()
    // With five epochs all is there; only the last step's place in the recipe remembers three.
    let text = try session.read("Recipes/tiny.rcp")
    try session.write(text + "export evaluate(tuned, data: held_out) to \"out/all.json\"\n", to: "Recipes/tiny.rcp")
    #expect(session.run("apply Recipes/tiny.rcp -q --force").status == 0)
    let plan = session.story("plan Recipes/tiny.rcp --epochs 5").output
    #expect(plan.contains("evaluate    `model` changed (`tuned`: epochs: 3 → 5)\n"))

    #expect(session.run("plan Recipes/tiny.rcp --exit-code").status == 0)
    #expect(session.run("plan Recipes/tiny.rcp --epochs 5 --exit-code").status == 2)
    #expect(session.run("plan Recipes/tiny.rcp --epochs 5").status == 0)
  }

  @Test func aResultOfAnotherRecipeKeepsBothNames() throws {
    let session = try appliedTwice()
    let text = try session.read("Recipes/tiny.rcp")
    try session.write(text.replacing("tuned", with: "better"), to: "Recipes/other.rcp")
    #expect(session.run("apply Recipes/other.rcp -q --force").status == 0)
    #expect(session.run("apply Recipes/other.rcp -q --force --epochs 9").status == 0)
    #expect(session.story("log better").output.contains("●    better"))
    #expect(session.story("why start better").output.contains("start   classifier  DIGEST  → base of better"))
    #expect(session.story("log Recipes/other.rcp --limit 2").output.contains("there already"))
  }

  @Test func manyStepsAreFolded() throws {
    let session = try TinyRecipe.session()
    let seeds = (1...40).map(String.init).joined(separator: ", ")
    try session.write(
      """
      recipe "Many"
      let held_out = dataset("data/pairs.csv", label: "larger", split: .test)
      let starts = [for seed in [\(seeds)]: classifier(sizes: [2, 2], seed:)]
      let scores = [for start in starts: evaluate(start, data: held_out, report: [.accuracy])]
      let all = summary(of: scores)
      export all to "out/all.json"

      """, to: "Recipes/many.rcp")
    let plan = session.story("plan Recipes/many.rcp").output
    #expect(plan.contains("+  starts[0…39]  classifier × 40  no earlier result for this step\n"))
    #expect(plan.contains("To run 82, there already 0, undecided 0."))
    #expect(session.run("apply Recipes/many.rcp -q").status == 0)
    #expect(session.story("plan Recipes/many.rcp").output.contains("classifier × 40  there, from runs "))
    let log = session.story("log").output
    #expect(log.contains("●    scores[0…39]  evaluate × 40"))
    #expect(log.contains("← starts[], held_out\n"))
    #expect(log.hasSuffix("82 steps, repeated ones folded: `--table` has a line for each\n"))
    #expect(session.run("log --table").output.split(separator: "\n").count == 82)
  }

  @Test func runsAreComparedByWhatDecidedThemAndWhatTheyGave() throws {
    let session = try appliedTwice()
    let result = session.story("diff 6 8")
    #expect(result.status == 1)
    #expect(result.output.hasPrefix("run 6 of evaluate: `after`, DATE\nrun 8 of evaluate: `after`, DATE\n"))
    #expect(result.output.contains("\n`model` differs because `tuned` (run 7) differs from run 4: epochs: 3 → 5.\n"))
    #expect(result.output.contains("\n  accuracy "))
    #expect(session.run("diff 6 6").status == 0)
  }

  @Test func artifactsAreComparedTensorByTensor() throws {
    let session = try Session()
    func write(_ name: String, _ numbers: [Float], _ more: String = "") throws {
      let bytes = numbers.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
      let header =
        #"{"same":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}"#
        + more + "}"
      let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
      try Data(length + Array(header.utf8) + bytes).write(to: URL(fileURLWithPath: "\(session.folder)/\(name)"))
    }
    try write("a.safetensors", [7, 3, 4, 0])
    try write("b.safetensors", [7, 3, -4, 0.5])
    try write("c.safetensors", [7, 3, 4, 0, 1], #","x":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}"#)
    // |b − a| = (0, 8, 0.5); ‖b − a‖ / ‖a‖ = √64.25 / 5; cosine = −7 / (5 √25.25).
    #expect(
      session.run("diff a.safetensors b.safetensors")
        == .init(
          status: 1,
          output: """
            - checkpoint a.safetensors
            + checkpoint b.safetensors

              tensor  max |Δ|  max rel  ‖Δ‖/‖a‖   cosine
              w             8        2    1.603  -0.2786
            1 tensor differs; 1 are the same.

            """))
    #expect(session.run("diff a.safetensors c.safetensors").output.contains("  x       added\n"))
    #expect(session.run("diff c.safetensors a.safetensors").output.contains("  x       removed\n"))
    #expect(session.run("diff a.safetensors a.safetensors") == .init(output: "They are the same: 2 tensors.\n"))

    let applied = try appliedTwice()
    let result = applied.story("diff 4 7 --json")
    #expect(result.status == 1)
    let models = applied.story("diff start tuned")
    #expect(models.output.contains("- checkpoint start DIGEST\n+ checkpoint tuned DIGEST\n"))
    #expect(models.output.contains("4 tensors differ; 0 are the same.\n"))
  }

  @Test func recipesAreComparedByWhatTheyMean() throws {
    let session = try TinyRecipe.session()
    let same = TinyRecipe.text.replacing("let start", with: "# the first\n\nlet beginning")
      .replacing("(start,", with: "(beginning,")
    try session.write(same, to: "Recipes/same.rcp")
    #expect(session.run("diff Recipes/tiny.rcp Recipes/same.rcp") == .init(output: "They mean the same.\n"))
    let other = TinyRecipe.text.replacing("rate: 1e-2", with: "rate: 1e-3").replacing(
      "\"out/model\"", with: "\"out/m\""
    )
    .replacing("let before", with: "let extra = evaluate(tuned, data: train)\nlet before")
    .replacing("export [before, after]", with: "export [before, after, extra]")
    try session.write(other, to: "Recipes/other.rcp")
    #expect(
      session.run("diff Recipes/tiny.rcp Recipes/other.rcp")
        == .init(
          status: 1,
          output: """
            ~  tuned            finetune  rate: 0.01 → 0.001
            +  extra            evaluate
            →  out/m            export    none → tuned
            →  out/scores.json  export    before, after → before, after, extra
            →  out/model        export    tuned → none

            """))
  }
}
