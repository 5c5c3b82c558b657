import Formats
import Foundation
import Testing

@testable import CommandLine

/// What is told while a recipe runs.
@Suite struct ProgressStories {
  @Test func programsGetLinesOfJSON() throws {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q --target train").status == 0)
    let result = session.run("apply Recipes/tiny.rcp --progress json --jobs 1", asTerminal: true)
    let events = try result.errors.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    #expect(events.first == ["event": "begin", "version": 1, "to_run": 5, "cached": 1])
    #expect(events.last == ["event": "end"])
    let ended = events.filter { $0["event"] == "ended" }
    #expect(ended.compactMap { $0["step"]?.string } == ["held_out", "start", "tuned", "before", "after"])
    #expect(ended.allSatisfy { $0["outcome"] == "ran" && $0["artifact"]?.string?.hasPrefix("b3:") == true })
    let losses = events.filter { $0["event"] == "progress" && $0["step"] == "tuned" }
    #expect(losses.last?["done"] == losses.last?["total"] && losses.last?["loss"]?.number != nil)
  }

  @Test func nothingMovesTheCursorOfAFile() throws {
    for how in ["auto", "live", "plain"] {
      let session = try TinyRecipe.session()
      let result = session.run("apply Recipes/tiny.rcp --progress \(how)", environment: ["TERM": "xterm"])
      #expect(result.status == 0 && !result.errors.contains("\r") && !result.errors.contains("\u{1B}"))
    }
  }

  @Test func withoutColoursTheRegionIsStillThere() throws {
    let session = try TinyRecipe.session()
    let errors = session.run(
      "apply Recipes/tiny.rcp --epochs 400", environment: ["NO_COLOR": "1", "TERM": "xterm"], asTerminal: true
    ).errors
    #expect(errors.contains("\u{1B}[J") && errors.firstMatch(of: /\u{1B}\[[0-9;]*m/) == nil)
  }

  @Test func aRunningStepSaysHowFastItIs() {
    let start = ContinuousClock.now
    var step = RunningStep(label: "merged", operation: "ties", started: start)
    #expect(step.activity(at: start + .seconds(7)) == "0:07")
    step.store(0, of: 4 << 30, at: start)
    step.store(1 << 30, of: 4 << 30, at: start + .seconds(2))
    #expect(step.activity(at: start + .seconds(2)) == "writing 1.0 GiB of 4.0 GiB, 512.0 MiB/s, 0:06 left")
    #expect(step.share == 0.25)
  }
}
