import Diagnostics
import Formats
import Operations
import Tensors

/// The numbers under which a function of the recipe makes the best model.
///
/// - `.grid`: every combination of `points` places of each range, both ends included, the last parameter turning fastest.
/// - `.random`: `budget` places, each number drawn evenly from its range.
/// - `.greedy`: coordinate ascent. From the middle of all ranges, each parameter in turn goes to the best of its `points`
///   places while the others stay; it ends after a round that changed nothing, or with the budget.
///
/// The best score wins, and the first of equals.
struct Search: RecipeOperation {
  enum Method: String, Choice {
    case grid, random, greedy

    var text: String {
      switch self {
      case .grid: "Every combination of `points` places of each range."
      case .random: "Places that are drawn evenly from the ranges, `budget` of them."
      case .greedy: "Each parameter in turn goes to the best of its `points` places, until a round changes nothing."
      }
    }
  }

  enum Aim: String, Choice {
    case highest, lowest

    var text: String {
      switch self {
      case .highest: "A high score is good, such as an accuracy."
      case .lowest: "A low score is good, such as a loss."
      }
    }
  }

  static let about = About(
    "search",
    "Find the numbers under which a function of the recipe makes the best model.",
    discussion: """
      `candidate` is a function whose parameters are numbers with ranges, and `score` one from a model to a number; both \
      are given by name. The best numbers are metrics under the parameters' own names, so \
      `candidate(weight: found.weight)` makes the best model again. All places that were tried are kept beside them, as \
      `candidates` (one row each) and `scores`. A number that is a count only takes whole values. `.greedy` is \
      coordinate ascent from the middle of all ranges; it never tries a place twice.
      """,
    cost:
      "O(models that are tried × what making and scoring one takes); `points` to the power of the parameters for `.grid`",
    examples: [
      Example("Every eleventh of the ranges", "search(candidate:, score:)"),
      Example("One parameter at a time", "search(candidate:, score:, method: .greedy, points: 21, aim: .lowest)"),
    ])

  static let fields = [
    Field("score", "The score of the best model."),
    Field("tried", "How many models were tried.", type: .count(.models)),
  ]

  @Function("Makes the model to judge of the numbers that are searched.")
  var candidate: Making<Checkpoint>
  @Function("Judges a model.")
  var score: Scoring<Checkpoint>
  @Param("How places are chosen.")
  var method: Method = .grid
  @Param("Places of each range that `.grid` and `.greedy` try, both ends included.", in: 2...10_001)
  var points: Int = 11
  @Param("The most models that are tried; as many as `.random` does.", in: 1...1_000_000, unit: .models)
  var budget: Int = 1000
  @Param("Which scores are good.")
  var aim: Aim = .highest
  @Param("Decides the places of `.random`.")
  var seed: Int = 0

  func outline() throws -> Content? {
    try checkNames()
    if method == .grid { try checkGrid() }
    if let made = try candidate.outline() { try score.check(made) }
    let width = candidate.parameters.count
    switch method {
    case .grid: return outline(grid().count, width)
    case .random: return outline(budget, width)
    case .greedy: return nil
    }
  }

  private func outline(_ count: Int, _ width: Int) -> Content {
    Content(
      .metrics,
      tensors: [
        TensorEntry(foreseen: "candidates", dtype: .f64, shape: [count, width]),
        TensorEntry(foreseen: "scores", dtype: .f64, shape: [count]),
      ])
  }

  func memory() -> Int { (16 << 20) + ((try? candidate.outline())?.byteCount ?? 0) * 3 }

  func run(_ context: Context) throws -> Metrics {
    try checkNames()
    var trials = Trials(aim: aim)
    switch method {
    case .grid:
      try checkGrid()
      try judge(grid(), &trials, context)
    case .random: try judge(draws(), &trials, context)
    case .greedy: try climb(&trials, context)
    }
    return Metrics(try content(trials))
  }

  // MARK: Places

  /// The places of one parameter's range, each once.
  private func places(of parameter: RecipeFunction.Parameter) -> [Double] {
    let (low, high) = (parameter.range.lowerBound, parameter.range.upperBound)
    let all = (0..<points).map { index in
      index == points - 1 ? high : low + (high - low) * (Double(index) / Double(points - 1))
    }
    return all.map(parameter.rounded).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  private func grid() -> [[Double]] {
    candidate.parameters.reduce([[]]) { rows, parameter in
      let places = places(of: parameter)
      return rows.flatMap { row in places.map { row + [$0] } }
    }
  }

  private func draws() -> [[Double]] {
    var generator = Generator(seed: seed, stream: "search", "candidates")
    return (0..<budget).map { _ in
      candidate.parameters.map { parameter in
        let (low, high) = (parameter.range.lowerBound, parameter.range.upperBound)
        // A count takes each of its values as often as any other.
        let wide = parameter.isWhole ? (low.rounded(.up) - 0.5, high.rounded(.down) + 0.5) : (low, high)
        return parameter.rounded(wide.0 + (wide.1 - wide.0) * generator.uniform())
      }
    }
  }

  private func climb(_ trials: inout Trials, _ context: Context) throws {
    var best = candidate.parameters.map { parameter in
      let places = places(of: parameter)
      return places[(places.count - 1) / 2]
    }
    var isImproving = true
    while isImproving, trials.count < budget {
      let start = best
      for (index, parameter) in candidate.parameters.enumerated() {
        let line = places(of: parameter).map { place in
          var row = best
          row[index] = place
          return row
        }
        try judge(line.filter { !trials.contains($0) }, &trials, context)
        best = try trials.best().numbers
      }
      isImproving = best != start
    }
  }

  // MARK: Trials

  /// What was tried, in order.
  private struct Trials {
    let aim: Aim
    private(set) var rows: [[Double]] = []
    private(set) var scores: [Double] = []
    private var seen: Set<[Double]> = []

    init(aim: Aim) { self.aim = aim }

    var count: Int { rows.count }

    func contains(_ row: [Double]) -> Bool { seen.contains(row) }

    mutating func add(_ row: [Double], _ score: Double) {
      rows.append(row)
      scores.append(score)
      seen.insert(row)
    }

    /// - Throws: `OperationError` where no score is a number.
    func best() throws -> (numbers: [Double], score: Double) {
      let numbers = scores.indices.filter { !scores[$0].isNaN }
      guard var best = numbers.first else {
        throw OperationError(.step, "none of the \(count) models that `search` tried has a score that is a number")
      }
      for index in numbers where aim == .highest ? scores[index] > scores[best] : scores[index] < scores[best] {
        best = index
      }
      return (rows[best], scores[best])
    }
  }

  /// Makes and judges models, as far as the budget goes; several at once, but for their order as if one by one.
  private func judge(_ rows: [[Double]], _ trials: inout Trials, _ context: Context) throws {
    let rows = Array(rows.prefix(budget - trials.count))
    let width = 8
    for start in stride(from: 0, to: rows.count, by: width) {
      let batch = Array(rows[start..<min(start + width, rows.count)])
      let scores = try context.map(batch) { row in try score(try candidate(row, context), context) }
      for (row, score) in zip(batch, scores) { trials.add(row, score) }
      let best = (try? trials.best().score).map { Context.Figure("best", $0) }
      context.progress(trials.count, of: max(budget(of: rows), trials.count), "models", figure: best)
    }
  }

  /// How many models there will be, for people.
  private func budget(of rows: [[Double]]) -> Int { method == .greedy ? budget : rows.count }

  private func content(_ trials: Trials) throws -> Content {
    let best = try trials.best()
    var facts: JSON = ["score": .number(best.score), "tried": .integer(trials.count)]
    for (parameter, number) in zip(candidate.parameters, best.numbers) {
      facts = facts.setting(parameter.name, to: .number(number))
    }
    facts = facts.setting("parameters", to: .array(candidate.parameters.map { .string($0.name) }))
    let tables = [
      ("candidates", Tensor(doubles: trials.rows.flatMap { $0 }, shape: [trials.count, candidate.parameters.count])),
      ("scores", Tensor(doubles: trials.scores, shape: [trials.count])),
    ]
    return Content(.metrics, facts: facts, tensors: tables.map { TensorEntry($0, $1) })
  }

  // MARK: Checks

  private func checkNames() throws {
    let taken = Self.fields.map(\.name) + ["parameters"]
    guard let parameter = candidate.parameters.first(where: { taken.contains($0.name) }) else { return }
    throw OperationError(
      .step, "`\(parameter.name)` is a metric that `search` reports itself",
      helps: ["give the parameter of `candidate` another name"])
  }

  private func checkGrid() throws {
    let count = candidate.parameters.reduce(1.0) { $0 * Double(places(of: $1).count) }
    guard count > Double(budget) else { return }
    throw OperationError(
      .step, "the grid has \(Value.number(count).canonical) places, and `budget` is \(budget) models",
      helps: ["take fewer `points`, a larger `budget`, or `method: .random` or `.greedy`"])
  }
}
