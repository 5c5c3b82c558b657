import Diagnostics
import Operations
import Recipes
import Testing

/// Functions of a recipe that are given to an operation by name.
@Suite struct FunctionTests {
  struct SearchOperation: Unrun {
    typealias Output = Metrics
    static let about = About("search", "Search.")
    static let fields = [Field("score", "The best.")]
    @Function("Makes a model.") var candidate: Making<Checkpoint>
    @Function("Judges it.") var score: Scoring<Checkpoint>
  }

  static let catalog = Catalog(Catalog.test.plugins + [Plugin("s", "Search.", operations: [SearchOperation.self])])

  static let models = """
    recipe "R"
    let base = checkpoint("b")
    let math = checkpoint("m")
    let data = dataset("d")
    fn mix(weight: number in 0...1.5, density: fraction in 5%...100%) -> checkpoint = ties(base:, models: [math], weights: [weight], density:)
    fn judge(model: checkpoint) -> number = evaluate(model, data:).accuracy

    """

  static func elaboration(_ text: String) -> Recipe.Elaboration {
    Recipe(Source(name: "r.rcp", text: text), path: "/w/r.rcp").elaborated(catalog) { _ in "" }
  }

  static func errors(_ text: String) -> String {
    Renderer().text(elaboration(models + text).diagnostics.filter { $0.severity == .error })
  }

  @Test func whatDependsOnACallBelongsToTheFunction() throws {
    let text =
      Self.models + """
        let found = search(candidate: mix, score: judge)
        let best = mix(weight: found.weight, density: found.density)
        require found.score > 0.5
        export best to "best"
        """
    let elaboration = Self.elaboration(text)
    #expect(Renderer().text(elaboration.diagnostics) == "")
    let graph = elaboration.graph
    let search = try #require(graph.steps.first { $0.operation == "search" })
    guard case .function(let mix) = search.arguments[0], case .function(let judge) = search.arguments[1] else {
      return #expect(Bool(false), "two functions")
    }
    #expect(mix.steps.map { graph[$0].operation } == ["ties"])
    #expect(mix.dependencies.map { graph[$0].operation } == ["checkpoint", "checkpoint"])
    #expect(mix.parameters.map(\.name) == ["weight", "density"])
    #expect(judge.steps.map { graph[$0].operation } == ["evaluate"])
    #expect(judge.dependencies.map { graph[$0].operation } == ["dataset"])
    // Only what a call does not change is read by the search itself.
    #expect(Set(search.dependencies.map { graph[$0].operation }) == ["checkpoint", "dataset"])
  }

  @Test func aFunctionOfAnotherShapeIsRefused() {
    #expect(
      Self.errors("let found = search(candidate: judge, score: judge)\n") == """
        error: `candidate` of `search` wants a function `fn(numbers) -> checkpoint`, and `judge` is another
         ——▶ r.rcp:7:31
          │
        6 │ fn judge(model: checkpoint) -> number = evaluate(model, data:).accuracy
          │    ----- declared here
        7 │ let found = search(candidate: judge, score: judge)
          │                               ^^^^^

        """)
  }

  @Test func aModelIsNoFunction() {
    #expect(
      Self.errors("let found = search(candidate: base, score: judge)\n").contains(
        "`candidate` of `search` wants a function `fn(numbers) -> checkpoint`, but this is a checkpoint"))
  }

  @Test func whatIsSearchedHasARange() {
    let errors = Self.errors(
      """
      fn free(weight: number) -> checkpoint = ties(base:, models: [math], weights: [weight])
      let found = search(candidate: free, score: judge)
      """)
    #expect(errors.contains("what is searched has a range, and `weight` of `free` has none"))
    #expect(errors.contains("= help: write for example `weight: number in 0...1`"))
  }

  @Test func aFunctionReadsNoFiles() {
    let errors = Self.errors(
      """
      fn few(count: count in 1...9) -> checkpoint = ties(base:, models: [math], weights: [evaluate(math, data: dataset("d", limit: count)).accuracy])
      let found = search(candidate: few, score: judge)
      """)
    #expect(errors.contains("`few` is called many times, so it reads no files"))
    #expect(errors.contains("`dataset` depends on what it is called with"))
  }
}
