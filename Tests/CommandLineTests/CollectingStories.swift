import Foundation
import Testing

/// What is kept, what goes, and what is there after something died.
@Suite struct CollectingStories {
  private func appliedTwice() throws -> Session {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q --jobs 1").status == 0)
    #expect(session.run("apply Recipes/tiny.rcp -q --jobs 1 --epochs 5 --force").status == 0)
    return session
  }

  @Test func whatNothingNeedsIsShownAndThenDeleted() throws {
    let session = try appliedTwice()
    #expect(session.story("gc").output.hasPrefix("Nothing to delete: "))
    let shown = session.story("gc --keep-runs 1 --keep-within 0s").output
    #expect(
      shown.hasPrefix("  DIGEST  tuned  ")
        && shown.hasSuffix("Next: `mergekit gc --delete --keep-runs 1 --keep-within 0s` deletes them.\n"))
    #expect(session.run("ref add best tuned") == session.run("ref add best tuned"))
    #expect(
      session.story("gc --why-kept best --keep-runs 0 --keep-within 0s").output
        == "`best` (DIGEST) is kept: its name is `best`\n")
    let history = session.run("log --json").output
    #expect(session.story("gc --delete --keep-runs 0 --keep-within 0s").output.contains("\nDeleted "))
    #expect(session.run("log --json").output == history)
    #expect(session.story("gc --keep-runs 0 --keep-within 0s").output.hasPrefix("Nothing to delete: "))
    #expect(session.run("verify --full").status == 0)
    #expect(session.isThere("out/model/model.safetensors"))
    #expect(session.run("show best").output.contains("\n  tensors "))
    // What led to what was kept is gone, and nothing needs it.
    let plan = session.story("plan Recipes/tiny.rcp --epochs 5").output
    #expect(
      plan.contains("  =  tuned   finetune  there, from run 7\n")
        && plan.contains("Nothing to run: all 3 steps are there already.\n"))
    #expect(session.run("apply Recipes/tiny.rcp -q --epochs 5").status == 0)
    #expect(session.run("verify --full --rebuild-index").status == 0)
    // With another setting some of it is needed again.
    let other = session.story("plan Recipes/tiny.rcp --epochs 6").output
    #expect(other.contains("  +  train     dataset     the result of run 1 is no longer there\n"))
    #expect(other.contains("  ~  tuned     finetune    epochs: 5 → 6\n"))
    #expect(session.run("ref rm best") == .init())
    #expect(session.run("gc --max-size 1B --json").output.contains(#""kept_objects": 3"#))
  }

  @Test func namesAreGivenOnceAndKeptWhole() throws {
    let session = try appliedTwice()
    #expect(session.run("ref list").errors == "nothing has a name yet; `mergekit ref add NAME WHAT` gives one\n")
    #expect(session.story("ref add v1 start") == .init(output: "v1  DIGEST\n"))
    #expect(
      session.story("ref add v1 tuned")
        == .init(
          status: 73,
          errors: "error: `v1` names `DIGEST` already\n  = help: `--force` gives it to the other\n"))
    #expect(session.run("ref add v1 tuned --force").status == 0)
    #expect(session.story("ref list").output == "v1  DIGEST  checkpoint  DATE\n")
    for name in ["12", "../x", "-x", ".x", "a.rcp", "a b"] {
      #expect(session.run(["ref", "add", "--", name, "tuned"]).status == 64, "\(name)")
    }
    #expect(session.run("ref rm v2").status == 66)
    #expect(session.run("ref add v1").status == 64)
    try session.write("{}", to: ".mergekit/refs/v1.json")
    #expect(session.run("gc --delete").status == 76)
    #expect(session.run("verify").status == 76)
    #expect(session.run("verify --repair").status == 0)
    #expect(session.run("gc --delete").status == 0)
  }

  @Test func exportsOutliveTheIndex() throws {
    let session = try appliedTwice()
    let shown = session.run("show tuned").output
    #expect(shown.contains("exported       \(session.folder)/out/model\n"))
    try FileManager.default.removeItem(atPath: session.folder + "/.mergekit/index.sqlite")
    #expect(session.run("verify --rebuild-index").status == 0)
    #expect(session.run("show tuned").output == shown)
    #expect(session.run("apply Recipes/tiny.rcp --epochs 5").errors.contains("2 exports up to date"))
  }

  @Test func anExportNeverReplacesWhatItWasMadeFrom() throws {
    let session = try Session.withModels()
    let recipe = """
      ## Half of each.
      recipe "In place"
      let base = checkpoint("models/base")
      let math = checkpoint("models/math")
      export average([base, math]) to "models/base"
      """
    try session.write(recipe, to: "in-place.rcp")
    let before = try session.tensors(in: "models/base")
    let result = session.run("apply in-place.rcp -q --force")
    #expect(result.status == 73 && result.errors.contains("is what the result was made from"))
    #expect(try session.tensors(in: "models/base") == before)
    let names = try FileManager.default.contentsOfDirectory(atPath: session.folder + "/models")
    #expect(names.sorted() == ["base", "chat", "math", "short"])
  }

  @Test func theDoctorSaysWhatResultsStandOn() throws {
    let session = try appliedTwice()
    let result = session.run("doctor")
    #expect(result.output.contains("\nlocks        work\n"))
    #expect(result.output.contains("\nholds        8 artifacts, 8 runs, 2 applies\n"))
    #expect(session.run("doctor --json").output.contains(#""problems": ["#))
  }
}
