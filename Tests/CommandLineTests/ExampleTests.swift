import Catalog
import Formats
import Operations
import Tensors
import Testing

/// The examples of every operation's declaration check, plan and run, and one file is all that a new operation takes.
@Suite struct ExampleTests {
  /// What the free names of examples stand for.
  static let names = """
    recipe "Example"
    let data = dataset("Recipes/data/digits.csv", label: "digit", scale: 16, limit: 60)
    let base = classifier([64, 6, 10], seed: 1)
    let a = finetune(base:, data:, steps: 2, seed: 1)
    let b = finetune(base:, data:, steps: 2, seed: 2)
    let c = finetune(base:, data:, steps: 2, seed: 3)
    let model = a
    let models = [a, b]
    let fishers = [for model in models: fisher(model:, data:, samples: 20)]
    let delta = a - base
    let found = fisher_search(models:, fishers:, data:)
    fn candidate(weight: number in 0...1) -> checkpoint = average(models:, weights: [1 - weight, weight])
    fn score(model: checkpoint) -> number = evaluate(model, data:).accuracy

    """

  static let examples = Operations.Catalog.standard.entries.flatMap { entry in
    entry.signature.about.examples.map { (entry.signature.name, $0.expression) }
  }

  /// In one folder, so that what the examples are about is made once.
  @Test func everyExampleRuns() throws {
    let session = try ReadmeTests.session()
    try session.write(Self.names + "export base to \"models/base\"\n", to: "models.rcp")
    #expect(session.run("apply models.rcp").status == 0)
    try writeAdapter(in: session)
    for name in ["mistral", "math", "code"] { try session.writeLanguageModel("models/\(name)", tokens: 0..<12) }
    try session.writeLanguageModel("models/qwen", tokens: 4..<16)
    for (number, (operation, expression)) in Self.examples.enumerated() {
      let placed = expression.replacing("\"data/digits.csv\"", with: "\"Recipes/data/digits.csv\"")
      try session.write(
        Self.names + "let example = \(placed)\nexport example to \"out/\(number)\"\n", to: "example.rcp")
      let result = session.run("apply example.rcp")
      #expect(result.status == 0, "`\(expression)` of `\(operation)`: \(result.errors)")
    }
  }

  /// An adapter of rank 1 for the first layer: `models/adapter`.
  private func writeAdapter(in session: Session) throws {
    let config = #"{"peft_type": "LORA", "r": 1, "lora_alpha": 1}"#
    try session.write(config, to: "models/adapter/adapter_config.json")
    let path = "base_model.model.layers.0.lora_"
    let factors = [
      (path + "A.weight", Tensor([Float](repeating: 0.1, count: 64), shape: [1, 64])),
      (path + "B.weight", Tensor([Float](repeating: 0.1, count: 6), shape: [6, 1])),
    ]
    try SafetensorsLayout(factors.map { ($0.0, $0.1.dtype, $0.1.shape) })
      .write(to: session.folder + "/models/adapter/adapter_model.safetensors") { name in
        try #require(factors.first { $0.0 == name }).1
      }
  }

  @Test func everyOperationHasAnExample() {
    for entry in Operations.Catalog.standard.entries {
      #expect(!entry.signature.about.examples.isEmpty, "`\(entry.signature.name)` has no example")
    }
  }

  /// One file and one line in a list: it runs, checks, explains and documents itself.
  @Test func anOperationIsOneFileAndOneLine() throws {
    let catalog = Operations.Catalog(
      Operations.Catalog.standard.plugins + [Plugin("example", "An example.", operations: [Median.self])])
    let session = try Session(catalog: catalog)
    try session.write(
      """
      recipe "Median"
      let models = [for seed in [1, 2, 3]: classifier([4, 3, 2], seed:)]
      export median(models) to "median"
      """, to: "median.rcp")
    #expect(session.run("apply median.rcp").status == 0)
    #expect(session.run("apply median.rcp").errors.hasPrefix("nothing to do"))
    #expect(session.run("describe median").output.contains("Merge models by taking the median of each entry."))
    #expect(session.run("docs pages").status == 0)
    #expect(session.isThere("pages/operations/median.md"))
    try session.write("recipe \"M\"\nexport median([]) to \"m\"\n", to: "empty.rcp")
    #expect(session.run("check empty.rcp").errors.contains("`models` of `median` needs at least one"))
  }
}
