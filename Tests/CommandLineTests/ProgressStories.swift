import Formats
import Foundation
import Recipes
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
    // A warning is an event, too.
    let warned = session.run("apply Recipes/tiny.rcp --progress json --epochs 4", asTerminal: true)
    let lines = warned.errors.split(separator: "\n").prefix { $0.hasPrefix("{") }
    #expect(
      lines.first?.hasPrefix(#"{"event":"warning","message":"`out/model`, `out/scores.json` are there already"#) == true
    )
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

  @Test func whatIsLeftGoesByTheLastRunsAndTodaysPace() throws {
    let session = try TinyRecipe.session()
    let first = session.run("plan Recipes/tiny.rcp --json")
    #expect(!first.output.contains("last_seconds"))
    #expect(session.run("apply Recipes/tiny.rcp -q").status == 0)
    #expect(session.run("plan Recipes/tiny.rcp --epochs 5 --json").output.contains("\"last_seconds\": "))

    let expectation = RunExpectation([(StepID(0), 10), (StepID(1), 20), (StepID(2), 30)])
    #expect(expectation.secondsLeft(ended: [:], running: [:]) == 60)
    // Half as fast as the last time; half of the second is done, after as long as all of it took then.
    let running = [StepID(1): (spent: 20.0, share: Double?.some(0.5))]
    #expect(expectation.secondsLeft(ended: [StepID(0): 20], running: running) == 20 + 60)
    let both = [StepID(1): (spent: 5.0, share: Double?.none), StepID(2): (spent: 90, share: nil)]
    #expect(expectation.secondsLeft(ended: [StepID(0): 10], running: both) == 15 / 2.0)
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
