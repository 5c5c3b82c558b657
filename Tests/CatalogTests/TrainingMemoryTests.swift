import Diagnostics
import Formats
import Models
import Networks
import Operations
import Tensors
import Testing

/// A training keeps to the memory that it may use.
struct TrainingMemoryTests {
  /// A vision transformer that sees four pixels.
  private func model() throws -> Content {
    let config: JSON = [
      "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 32, "intermediate_size": 64,
      "num_hidden_layers": 6, "num_attention_heads": 4, "image_size": 2, "patch_size": 1, "num_channels": 1,
      "num_labels": 3,
    ]
    let tensors = try Blueprint.tensors(of: config, label: "m").map { name, shape in
      var generator = Generator(seed: 5, stream: "model", name)
      return TensorEntry(name, Tensor((0..<shape.count).map { _ in Float(generator.gaussian() * 0.2) }, shape: shape))
    }
    return Content(.checkpoint, facts: config, tensors: tensors, label: "m")
  }

  private func train(memory: Int) throws -> Content {
    let data = try Samples(seed: 3).content(.dataset, label: "data")
    let context = Context(memory: memory, scratch: { throw BrokenTest(reason: "no scratch space") })
    let bindings: [String: Binding] = [
      "base": .contents([try model()]), "data": .contents([data]), "steps": .value(.number(3)),
      "batch": .value(.number(16)),
    ]
    return try operation("finetune", bindings).run(context).content
  }

  /// What the weights, AdamW's two moments and a step's pass take.
  private func need(recomputes: Bool) throws -> Int {
    let blueprint = try RunnableModel(Checkpoint(model())).blueprint
    let rows = try Samples(seed: 3).content(.dataset, label: "data").facts["rows"]?.integer ?? 16
    let weights = blueprint.tensors.reduce(0) { $0 + $1.shape.count }
    return 12 * weights + blueprint.peak(examples: min(rows, 16), length: 1, .gradients, recomputes: recomputes)
  }

  @Test func `where memory is short, less is kept and the bits are the same`() throws {
    let (kept, again) = (try need(recomputes: false), try need(recomputes: true))
    #expect(again < kept)
    let (rich, poor) = (try train(memory: kept), try train(memory: again))
    for entry in rich.tensors { #expect(try entry.load().floats == poor.tensor(entry.name).floats, "\(entry.name)") }
  }

  @Test func `a step that fits in no way is refused before the first`() throws {
    let least = try need(recomputes: true)
    let error = #expect(throws: OperationError.self) { try train(memory: least - 1) }
    #expect(
      error?.message
        == "a step of `finetune` takes \(Measure.bytes(least)) at its peak, and steps may use \(Measure.bytes(least - 1))"
    )
    #expect(error?.helps == ["a smaller `batch` or `length` takes less, and `--memory` allows more"])
  }

  @Test(arguments: ["true_label_expectation", "empirical", "mergekit_lm"])
  func `a Fisher information keeps to it too`(kind: String) throws {
    let data = try Samples(seed: 3).content(.dataset, label: "data")
    let blueprint = try RunnableModel(Checkpoint(model())).blueprint
    let rows = try #require(data.facts["rows"]?.integer)
    let weights = blueprint.tensors.reduce(0) { $0 + $1.shape.count }
    let (size, work): (Int, NetworkWork) = kind == "mergekit_lm" ? (32, .gradients) : (256, .squares)
    func need(recomputes: Bool) -> Int {
      12 * weights + blueprint.peak(examples: min(rows, size), length: 1, work, recomputes: recomputes)
    }
    func estimate(memory: Int) throws -> Content {
      let context = Context(memory: memory, scratch: { throw BrokenTest(reason: "no scratch space") })
      let bindings: [String: Binding] = [
        "model": .contents([try model()]), "data": .contents([data]), "kind": .value(.choice(kind)),
      ]
      return try operation("fisher", bindings).run(context).content
    }
    let (kept, again) = (need(recomputes: false), need(recomputes: true))
    #expect(again < kept)
    let (rich, poor) = (try estimate(memory: kept), try estimate(memory: again))
    for entry in rich.tensors { #expect(try entry.load().floats == poor.tensor(entry.name).floats, "\(entry.name)") }
    #expect(throws: OperationError.self) { try estimate(memory: again - 1) }
  }
}
