import Catalog
import Diagnostics
import Formats
import Foundation
import Operations
import Tensors

/// An error that stands for a broken test, not for a broken law.
struct BrokenTest: Error { let reason: String }

/// A context that reports nothing and is never stopped.
let quiet = Context { throw BrokenTest(reason: "no operation in the laws asks for scratch space") }

/// Makes an operation by its name in recipes.
func operation(_ name: String, _ bindings: [String: Binding]) throws -> any RecipeOperation {
  guard let entry = Operations.Catalog.standard[name] else { throw BrokenTest(reason: "there is no `\(name)`") }
  return try entry.operation.init(binding: bindings)
}

/// Runs an operation by its name in recipes.
func run(_ name: String, _ bindings: [String: Binding]) throws -> Content {
  try operation(name, bindings).run(quiet).content
}

/// Inputs made up from a seed, which fit each other: models tell 3 classes apart by 4 features, or are of language.
struct Samples {
  let seed: Int
  /// Whether models have tokens, as `LanguageModels.swift` has them.
  var isOfLanguage = false
  /// Entries of the models' float tensors.
  var dtype = DType.f32
  /// Makes entries of another kind than random ones.
  var entry: (@Sendable (inout Generator) -> Float)?
  /// The tensors of every model, in order.
  var shapes: [(name: String, shape: Shape)] = [
    ("layers.0.weight", [5, 4]), ("layers.0.bias", [5]), ("layers.1.weight", [3, 5]), ("layers.1.bias", [3]),
  ]

  private static let config: JSON = [
    "architectures": ["MultilayerPerceptron"], "model_type": "mlp", "sizes": [4, 5, 3], "activation": "relu",
    "torch_dtype": "float32",
  ]

  func content(_ kind: ArtifactKind, label: String) throws -> Content {
    switch kind {
    case .checkpoint:
      var model = weights(
        kind, label: label, facts: isOfLanguage ? Self.languageConfig() : Self.config, dtype: dtype
      ) { $0 }
      if isOfLanguage { model.files = [Self.tokenizer(for: label)] }
      return model
    case .adapter: return adapter(label)
    case .inventory: return inventory(label)
    case .delta: return weights(kind, label: label, dtype: .f32) { $0 * 0.1 }
    case .fisher: return weights(kind, label: label, dtype: .f32) { $0.magnitude * 1e-4 }
    case .statistics: return statistics(label)
    case .dataset: return dataset(label)
    case .metrics:
      return metrics(label)
    default: throw BrokenTest(reason: "there are no samples of \(kind)")
    }
  }

  /// What was measured on twenty examples of three classes, the same ones whatever the label.
  private func metrics(_ label: String) -> Content {
    var generator = Generator(seed: seed, stream: label)
    let facts: JSON = ["accuracy": .number(generator.uniform()), "loss": .number(generator.uniform())]
    let labels = (0..<20).map { $0 % 3 }
    let predictions = labels.map { generator.uniform() < 0.5 ? $0 : generator.integer(below: 3) }
    let hits = zip(predictions, labels).map { UInt8($0 == $1 ? 1 : 0) }
    let losses = labels.map { _ in Float(generator.uniform()) }
    return Content(
      .metrics, facts: facts,
      tensors: [
        TensorEntry("prediction", Tensor(predictions, shape: [20])), TensorEntry("label", Tensor(labels, shape: [20])),
        TensorEntry("correct", Tensor(bytes: hits, dtype: .u8, shape: [20])),
        TensorEntry("loss", Tensor(losses, shape: [20])),
        TensorEntry("confidence", Tensor(losses.map { 1 - $0 / 2 }, shape: [20])),
      ], label: label)
  }

  /// Factors of rank 2 for the models' matrices.
  private func adapter(_ label: String) -> Content {
    var factors = self
    factors.shapes = shapes.filter { $0.shape.rank == 2 }.flatMap { name, shape in
      let path = "base_model.model." + name.replacing(".weight", with: "")
      return [(path + ".lora_A.weight", Shape([2, shape[1]])), (path + ".lora_B.weight", Shape([shape[0], 2]))]
    }
    return factors.weights(.adapter, label: label, facts: ["peft_type": "LORA", "lora_alpha": 4, "r": 2], dtype: dtype)
    { $0 }
  }

  /// Means of x xᵀ over eight inputs of each of the models' matrices.
  private func statistics(_ label: String) -> Content {
    let matrices = shapes.filter { $0.shape.rank == 2 }
    return Content(
      .statistics, facts: ["rows": 8, "samples": 8],
      tensors: matrices.map { name, shape in
        var generator = Generator(seed: seed, stream: label, name)
        let inputs = DoubleMatrix(rows: 8, columns: shape[1], (0..<8 * shape[1]).map { _ in generator.gaussian() })
        let gram = (1.0 / 8) * DoubleMatrix.product(transposed: inputs, inputs)
        return TensorEntry(name, Tensor(gram.entries.map { Float($0) }, shape: [shape[1], shape[1]]))
      }, label: label)
  }

  /// Two skills of rank 2 for two tasks, for the models' matrices.
  private func inventory(_ label: String) -> Content {
    var skills = self
    skills.shapes = shapes.filter { $0.shape.rank == 2 }.flatMap { name, shape in
      let path = "base_model.model." + name.replacing(".weight", with: "")
      return [
        (path + ".poly_lora_A", Shape([1, 2, shape[1], 2])), (path + ".poly_lora_B", Shape([1, 2, 2, shape[0]])),
        (path + ".poly_router.module_logits", Shape([2, 2])),
      ]
    }
    return skills.weights(
      .inventory, label: label, facts: ["peft_type": "POLY", "r": 2, "n_tasks": 2, "n_skills": 2, "n_splits": 1],
      dtype: dtype
    ) { $0 }
  }

  private func weights(
    _ kind: ArtifactKind, label: String, facts: JSON = .object([]), dtype: DType, _ change: @Sendable (Float) -> Float
  ) -> Content {
    let tensors = shapes.map { name, shape in
      var generator = Generator(seed: seed, stream: label, name)
      let entries = (0..<shape.count).map { _ in change(entry?(&generator) ?? Float(generator.gaussian())) }
      let tensor = Tensor(entries, shape: shape).converted(to: dtype)
      return TensorEntry(name, dtype: dtype, shape: shape, runs: { Self.reader(of: tensor) }) { tensor }
    }
    return Content(kind, facts: facts, tensors: tensors, label: label)
  }

  /// Reads run by run what is at hand.
  private static func reader(of tensor: Tensor) -> RunReader {
    { run, target in
      let size = tensor.dtype.size
      tensor.withBytes {
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[run.lowerBound * size..<run.upperBound * size]))
      }
    }
  }

  private func dataset(_ label: String) -> Content {
    var generator = Generator(seed: seed, stream: label)
    let features = Tensor((0..<80).map { _ in Float(generator.gaussian()) }, shape: [20, 4])
    let labels = Tensor((0..<20).map { _ in generator.integer(below: 3) }, shape: [20])
    return Content(
      .dataset, facts: ["rows": 20, "features": 4, "classes": 3],
      tensors: [
        TensorEntry("features", dtype: .f32, shape: [20, 4]) { features },
        TensorEntry("labels", dtype: .i64, shape: [20]) { labels },
      ], label: label)
  }

  // MARK: Filling slots

  /// Something for every slot that must be filled; lists of inputs have `count` elements. Models are of language where the
  /// operation refuses others.
  func bindings(for signature: Signature, count: Int = 2) throws -> [String: Binding] {
    let bindings = try someBindings(for: signature, count: count)
    do {
      _ = try operation(signature.name, bindings).outline()
      return bindings
    } catch {
      return try isOfLanguage ? bindings : ofLanguage.someBindings(for: signature, count: count)
    }
  }

  private func someBindings(for signature: Signature, count: Int) throws -> [String: Binding] {
    var bindings: [String: Binding] = [:]
    for slot in signature.slots {
      switch slot.type {
      case .artifact(let kind): bindings[slot.name] = .contents([try content(kind, label: slot.name)])
      case .list(.artifact(let kind)):
        bindings[slot.name] = .contents(
          try (0..<max(count, slot.minimumCount)).map { try content(kind, label: "\(slot.name)[\($0)]") })
      case .function(let shape): bindings[slot.name] = .function(function(shape))
      case .path: bindings[slot.name] = .value(.text(try path(for: signature)))
      default: if slot.isRequired { bindings[slot.name] = .value(try setting(slot)) }
      }
    }
    return bindings
  }

  /// From a number to a model with that number in all entries, or from a model to the first entry of its first tensor.
  private func function(_ shape: FunctionShape) -> RecipeFunction {
    let parameters = shape.parameters == .numbers ? [RecipeFunction.Parameter("weight", isWhole: false, in: 0...1)] : []
    return RecipeFunction(parameters: parameters) { terms, context in
      switch terms[0] {
      case .number(let weight):
        var samples = self
        samples.entry = { _ in Float(weight) }
        return .artifact(try samples.content(.checkpoint, label: "candidate"))
      case .artifact(let model):
        guard context != nil else { return nil }
        return .number(try model.tensors[0].load().doubles[0])
      }
    }
  }

  private func setting(_ slot: Slot) throws -> Value {
    switch slot.type {
    case .number, .fraction, .layered: .number(0.5)
    case .count: .number(2)
    case .list(.count): .list([.number(4), .number(5), .number(3)])
    default: throw BrokenTest(reason: "there is no sample for `\(slot.name)`, a \(slot.type.name)")
    }
  }

  /// A model's folder or a table, whichever the operation makes of it.
  private func path(for signature: Signature) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "mergekit-samples-\(signature.name)-\(seed)"
    ).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if signature.output == .dataset {
      let rows = (0..<20).map { "\($0),\($0 % 7),\($0 % 3)" }
      try "x,y,label\n\(rows.joined(separator: "\n"))\n".write(
        toFile: folder + "/table.csv", atomically: true, encoding: .utf8)
      return folder + "/table.csv"
    }
    let isAdapter = signature.output == .adapter || signature.output == .inventory
    let model = try content(isAdapter ? signature.output : .checkpoint, label: "on disk")
    let (config, file) = isAdapter ? ("adapter_config.json", "adapter_model") : ("config.json", "model")
    try model.facts.pretty.write(toFile: folder + "/\(config)", atomically: true, encoding: .utf8)
    try? FileManager.default.removeItem(atPath: folder + "/\(file).safetensors")
    try SafetensorsLayout(model.tensors.map { ($0.name, $0.dtype, $0.shape) })
      .write(to: folder + "/\(file).safetensors") { try model.tensor($0) }
    return folder
  }
}

extension Tensor {
  func hasSameBytes(as other: Tensor) -> Bool {
    dtype == other.dtype && shape == other.shape
      && withBytes { mine in other.withBytes { mine.elementsEqual($0) } }
  }
}
