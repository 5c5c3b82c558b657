/// A recipe that is done in a moment, and the table that it learns from.
enum TinyRecipe {
  static let text = """
    ## Learns which of two numbers is larger.
    ##
    ## As small as a run can be.
    recipe "Which is larger"

    ## How often training goes over the examples.
    param epochs: count in 1...1000 = 3 epochs

    ## How many examples each step looks at.
    param batch: count in 1...64 = 8 examples

    let train = dataset("data/pairs.csv", label: "larger")
    let held_out = dataset("data/pairs.csv", label: "larger", split: .test)

    let start = classifier(sizes: [2, 8, 2], seed: 1)
    let tuned = finetune(start, data: train, epochs:, batch:, rate: 1e-2)

    let before = evaluate(start, data: held_out, report: [.accuracy, .loss])
    let after = evaluate(tuned, data: held_out, report: [.accuracy, .loss])

    export tuned to "out/model"
    export [before, after] to "out/scores.json"

    """

  /// Two hundred pairs, evenly spread.
  static let table: String = {
    let rows = (0..<200).map { row in
      let (first, second) = (row * 37 % 101, row * 53 % 103)
      return "\(Double(first) / 101),\(Double(second) / 103),\(first * 103 > second * 101 ? 1 : 0)"
    }
    return (["first,second,larger"] + rows).joined(separator: "\n") + "\n"
  }()

  /// A session with the recipe and its table.
  static func session() throws -> Session {
    let session = try Session()
    try session.write(text, to: "Recipes/tiny.rcp")
    try session.write(table, to: "Recipes/data/pairs.csv")
    return session
  }
}
