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
    let lora = lora_init(base:, rank: 2)

    """

  static let examples = Operations.Catalog.standard.entries.flatMap { entry in
    entry.signature.about.examples.map { (entry.signature.name, $0.expression) }
  }

  /// In one folder, so that what the examples are about is made once.
  @Test func everyExampleRuns() throws {
    let session = try ReadmeTests.session()
    try session.write(Self.names + "export base to \"models/base\"\n", to: "models.rcp")
    #expect(session.run("apply models.rcp").status == 0)
    try writeAdapters(in: session)
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

  /// Of rank 1 for the first layer: `models/adapter` and `models/inventory`.
  private func writeAdapters(in session: Session) throws {
    func write(_ folder: String, _ config: String, _ shapes: [(name: String, shape: Shape)]) throws {
      try session.write(config, to: "\(folder)/adapter_config.json")
      let tensors = shapes.map { ("base_model.model.layers.0.\($0.name)", DType.f32, $0.shape) }
      try SafetensorsLayout(tensors).write(to: "\(session.folder)/\(folder)/adapter_model.safetensors") { name in
        let shape = try #require(tensors.first { $0.0 == name }).2
        return Tensor([Float](repeating: 0.1, count: shape.count), shape: shape)
      }
    }
    try write(
      "models/adapter", #"{"peft_type": "LORA", "r": 1, "lora_alpha": 1}"#,
      [("lora_A.weight", [1, 64]), ("lora_B.weight", [6, 1])])
    try write(
      "models/inventory", #"{"peft_type": "POLY", "r": 1, "n_tasks": 1, "n_skills": 2, "n_splits": 1}"#,
      [
        ("poly_lora_A", [1, 2, 64, 1]), ("poly_lora_B", [1, 2, 1, 6]), ("poly_router.module_logits", [1, 2]),
      ])
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
