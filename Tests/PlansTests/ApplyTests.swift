import Diagnostics
import Operations
import Plans
import Recipes
import Registry
import Testing

@Suite struct ApplyTests {
  static let chain = """
    let one = number(1, journal:)
    let two = number(2, journal:)
    let same = number(1, journal:)
    let unwanted = number(9, journal:)
    let three = sum_of([one, two], journal:)
    let four = sum_of([three, same], journal:)
    export four to "four.json"
    """

  static func states(_ plan: Plan) -> [String] {
    plan.steps.map { step in
      switch step.state {
      case .cached: "= \(step.label)"
      case .runs(.new): "+ \(step.label)"
      case .runs(let reason): "~ \(step.label) \(reason.text)"
      case .undecided(let after): "? \(step.label) \(plan.graph.origins[after.index].label)"
      }
    }
  }

  @Test func onlyWhatIsWantedRunsAndOnlyOnce() throws {
    let bench = try Bench()
    let (report, ran) = try bench.apply(Self.chain)
    #expect(report.exitStatus == 0)
    #expect(ran == ["number 1.0", "number 2.0", "sum 3.0", "sum 4.0"])
    #expect(bench.text(of: "four.json") == "{\"value\":4.0}")
    let (again, ranAgain) = try bench.apply(Self.chain)
    #expect(ranAgain.isEmpty)
    guard case .exported(let written) = again.goals[0] else { return #expect(Bool(false), "an export") }
    #expect(written.wasUpToDate)
  }

  @Test func aChangedSettingRunsWhatDependsOnIt() throws {
    let bench = try Bench()
    #expect(Self.states(try bench.plan(Self.chain)) == ["+ one", "+ two", "+ three", "+ four"])
    _ = try bench.apply(Self.chain)
    let changed = Self.chain.replacing("number(2,", with: "number(5,")
    #expect(Self.states(try bench.plan(changed)) == ["= one", "~ two value: 2 → 5", "? three two", "? four three"])
    #expect(try bench.apply(changed, replaces: true).ran == ["number 5.0", "sum 6.0", "sum 7.0"])
  }

  @Test func aStepThatWasThereAlreadyIsRememberedByItsNewName() throws {
    let bench = try Bench()
    _ = try bench.apply(Self.chain)
    let renamed = Self.chain.replacing("three", with: "sum")
    #expect(try bench.apply(renamed).ran.isEmpty)
    let changed = renamed.replacing("number(2,", with: "number(5,")
    #expect(Self.states(try bench.plan(changed)) == ["= one", "~ two value: 2 → 5", "? sum two", "? four sum"])
  }

  @Test func theSameBytesStopTheCascade() throws {
    let bench = try Bench()
    let text = Self.chain.replacing("sum_of([one, two], journal:)", with: "sum_of([one, two], rounds: true, journal:)")
    _ = try bench.apply(text)
    // 1 + 3 rounds to 0 as 1 + 2 does: what follows is there already.
    let (report, ran) = try bench.apply(text.replacing("number(2,", with: "number(3,"))
    #expect(ran == ["number 3.0", "sum 4.0"])
    #expect(report.exitStatus == 0)
  }

  @Test func aFailureStopsOnlyWhatDependsOnIt() throws {
    let bench = try Bench()
    let (report, ran) = try bench.apply(
      """
      let one = number(1, journal:)
      let bad = fail(one)
      let after = sum_of([bad, one], journal:)
      let beside = sum_of([one], plus: 10, journal:)
      export after to "after.json"
      export beside to "beside.json"
      """)
    #expect(report.exitStatus == 1)
    #expect(ran == ["number 1.0", "sum 11.0"])
    #expect(bench.text(of: "after.json") == nil)
    #expect(bench.text(of: "beside.json") == "{\"value\":11.0}")
    let kinds = report.outcomes.map { _, outcome in
      switch outcome {
      case .ran: "ran"
      case .reused: "reused"
      case .failed(let error): error.message
      case .skipped: "skipped"
      case .interrupted: "interrupted"
      }
    }
    #expect(kinds == ["ran", "no such luck", "skipped", "ran"])
  }

  @Test func whatMustFailIsKnownBeforeAnythingRuns() throws {
    let bench = try Bench()
    let text = """
      let one = number(1, journal:)
      let bad = fail(one, early: true)
      export bad to "bad.json"
      """
    let error = #expect(throws: PlanningError.self) { try bench.apply(text) }
    #expect(error?.exitStatus == 65)
    #expect(
      Renderer().text(error?.diagnostics ?? []) == """
        error: `bad` failed: the shapes differ
         ——▶ r.rcp:4:11
          │
        4 │ let bad = fail(one, early: true)
          │           ^^^^^^^^^^^^^^^^^^^^^^ this step

        """)
    #expect(Journals.of(bench.journal).take().isEmpty)
  }

  @Test func aRequirementHoldsBackWhatComesAfterIt() throws {
    let bench = try Bench()
    let text = """
      let one = number(1, journal:)
      export one to "before.json"
      require one.value > 1 else "one is too small"
      export sum_of([one], journal:) to "after.json"
      """
    let (report, _) = try bench.apply(text)
    #expect(report.exitStatus == 1)
    #expect(bench.text(of: "before.json") != nil)
    #expect(bench.text(of: "after.json") == nil)
    guard case .failed(let diagnostic, _) = report.goals[1] else { return #expect(Bool(false), "a failure") }
    #expect(diagnostic.message == "one is too small")
    #expect(diagnostic.notes == ["`one.value` is 1"])
  }

  @Test func metricsMaySetWhatIsAsked() throws {
    let bench = try Bench()
    let text = """
      let one = number(1, journal:)
      let more = sum_of([one], plus: one.value * 20, journal:)
      export more to "more.json"
      """
    #expect(try bench.apply(text).ran == ["number 1.0", "sum 21.0"])
    #expect(try bench.apply(text).ran.isEmpty)
  }

  @Test func otherContentIsNotReplacedUnlessAsked() throws {
    let bench = try Bench()
    let text = "let one = number(1, journal:)\nexport one to \"out/one.json\"\n"
    _ = try bench.apply(text)
    let other = text.replacing("number(1", with: "number(2")
    let (report, _) = try bench.apply(other)
    #expect(report.exitStatus == 73)
    #expect(bench.text(of: "out/one.json") == "{\"value\":1.0}")
    #expect(try bench.apply(other, replaces: true).report.exitStatus == 0)
    #expect(bench.text(of: "out/one.json") == "{\"value\":2.0}")
  }

  @Test func twoExportsToOnePlaceAreRefused() throws {
    let bench = try Bench()
    #expect(throws: PlanningError.self) {
      try bench.apply("let one = number(1, journal:)\nexport one to \"a\"\nexport one to \"a\"\n")
    }
  }

  @Test func targetsLimitWhatIsMade() throws {
    let bench = try Bench()
    #expect(try bench.apply(Self.chain, targets: ["three"]).ran == ["number 1.0", "number 2.0", "sum 3.0"])
    #expect(bench.text(of: "four.json") == nil)
    let error = #expect(throws: PlanningError.self) { try bench.apply(Self.chain, targets: ["thre"]) }
    #expect(error?.diagnostics.first?.helps == ["did you mean `three`?"])
    #expect(error?.exitStatus == 64)
  }

  @Test func aStoppedRunLeavesWhatIsDone() throws {
    let bench = try Bench()
    let text = """
      let one = number(1, journal:)
      let never = endless(journal)
      export sum_of([one, never], journal:) to "x.json"
      """
    let cancellation = Cancellation()
    let (report, ran) = try bench.apply(text, cancellation: cancellation) { event in
      if case .ended = event { cancellation.cancel() }
    }
    #expect(report.exitStatus == 130)
    #expect(ran == ["endless", "number 1.0"])
    #expect(Self.states(try bench.plan(text)) == ["= one", "+ never", "+ export"])
  }

  @Test(arguments: [1, 2, 8]) func anyNumberOfJobsGivesTheSame(jobs: Int) throws {
    let bench = try Bench()
    let text = """
      let numbers = [for n in [1, 2, 3, 4, 5, 6, 7, 8]: number(n, journal:)]
      let sums = [for n in numbers: sum_of([n, first(numbers)], journal:)]
      export sum_of(sums, journal:) to "all.json"
      """
    let (report, ran) = try bench.apply(text, jobs: jobs)
    #expect(ran.count == 17)
    #expect(report.outcomes.allSatisfy { if case .ran = $0.outcome { true } else { false } })
    #expect(bench.text(of: "all.json") == "{\"value\":44.0}")
  }
}
