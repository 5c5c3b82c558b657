import Operations
import Plans
import Tensors
import Testing

/// Operations that call functions of the recipe.
@Suite struct FunctionCallTests {
  /// Calls a function at the ends of its range and gives the sum of the scores.
  struct EndsOperation: RecipeOperation {
    typealias Output = Metrics
    static let about = About("ends", "Judge both ends.")
    static let fields = [Field("value", "The sum.")]
    @Function("Makes numbers.") var candidate: Making<Metrics>
    @Function("Judges them.") var score: Scoring<Metrics>

    func run(_ context: Context) throws -> Metrics {
      let range = candidate.parameters[0].range
      let scores = try [range.lowerBound, range.upperBound].map { try score(try candidate([$0], context), context) }
      return Metrics(Content(.metrics, facts: ["value": .number(scores.reduce(0, +))]))
    }
  }

  static let recipe = """
    let one = number(1, journal:)
    let ten = number(10, journal:)
    fn shifted(plus: number in 0...2) -> metrics = sum_of([one], plus:, journal:)
    fn judged(of: metrics) -> number = 100 * sum_of([of, ten], journal:).value
    let both = ends(candidate: shifted, score: judged)
    export both to "both.json"
    """

  @Test func aCallMakesItsStepsAndKeepsNone() throws {
    let bench = try Bench()
    let (report, ran) = try bench.apply(Self.recipe)
    #expect(report.exitStatus == 0)
    // 1 + 0 and 1 + 2, each with 10 to it; what no call changes runs once.
    #expect(ran == ["number 1.0", "number 10.0", "sum 1.0", "sum 11.0", "sum 13.0", "sum 3.0"])
    #expect(bench.text(of: "both.json") == "{\"value\":2400.0}")
    #expect(try bench.apply(Self.recipe).ran.isEmpty)
    #expect(ApplyTests.states(try bench.plan(Self.recipe)) == ["= one", "= ten", "= both"])
  }

  @Test func aChangeWithinAFunctionRunsWhatCallsIt() throws {
    let bench = try Bench()
    _ = try bench.apply(Self.recipe)
    let changed = Self.recipe.replacing("100 *", with: "10 *")
    let states = ApplyTests.states(try bench.plan(changed))
    #expect(states.dropLast() == ["= one", "= ten"])
    #expect(states.last?.hasPrefix("~ both score: ") == true)
    let other = Self.recipe.replacing("let ten = number(10,", with: "let ten = number(20,")
    #expect(try bench.apply(other, replaces: true).ran.contains("sum 21.0"))
    // A name means nothing: neither the function's nor a step's.
    let renamed = Self.recipe.replacing("shifted", with: "moved").replacing("ten", with: "many")
    #expect(ApplyTests.states(try bench.plan(renamed)).last == "= both")
  }

  @Test func aFailureSaysWhereItCameUp() throws {
    let bench = try Bench()
    let failing = Self.recipe.replacing("100 * sum_of([of, ten], journal:).value", with: "fail(of).value")
    let report = try bench.apply(failing).report
    guard case .failed(let error)? = report.outcomes.last?.outcome else { return #expect(Bool(false), "a failure") }
    #expect(error.message == "no such luck")
    #expect(error.notes == ["it came up in `both.score`"])
  }
}
